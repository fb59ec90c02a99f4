"""What one action would touch: asked of its handler, or told here for the actions that are the language's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from noetl.actions.base import Handler
from noetl.actions.registry import Registry, convert_options
from noetl.actions.touch import SECRET, Touch, Unknown, brief
from noetl.errors import ExpressionError
from noetl.expressions import as_text
from noetl.model.playbook import ActionCall
from noetl.runtime.planning.knowledge import needs_of
from noetl.runtime.planning.outlook import Outlook
from noetl.runtime.planning.rendering import render
from noetl.values import to_json

_SECRET = Unknown.of((SECRET,))
_EACH_PAGE = Unknown.of(("each page",))


class Told(NamedTuple):
    """What is known of an action: `touches` is None where its handler does not tell."""

    touches: list[Touch] | None
    needs: tuple[str, ...] = ()
    problem: str | None = None


class Teller:
    """Tells what actions would touch. `folder` is that of the playbook's file."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self._registry = registry
        self._folder = folder

    def tell(self, call: ActionCall, outlook: Outlook) -> Told:
        try:
            options = {name: self._option(call, name, outlook) for name in call.options}
        except ExpressionError as error:
            return Told(None, problem=error.message)
        needs = needs_of(options)
        told = _INLINE.get(call.action)
        if told is not None:
            return Told(_plain(told(options)), needs)
        handler = self._registry.get(call.action)
        assert handler is not None, "a playbook with an unknown action is invalid"
        problem = None if needs or call.later else _fault(handler, options)
        return Told(self._asked(handler, options), needs, problem)

    def _option(self, call: ActionCall, name: str, outlook: Outlook) -> Any:
        value = call.options[name].value
        local = dict(outlook.local.values_shown)
        if name in call.later:
            local |= dict.fromkeys(call.later[name].names, _EACH_PAGE)
        if call.action == "log":
            # What is held shows in no log, and so in no plan of one.
            held = outlook.begun.playbook.held
            local |= dict.fromkeys([*held, "env", *(["environment"] if held else [])], _SECRET)
        return render(value, outlook.with_names(local))

    def _asked(self, handler: Handler, options: Mapping[str, Any]) -> list[Touch] | None:
        ask: Callable[[Mapping[str, Any], Path], Iterable[Touch]] | None = getattr(handler, "touches", None)
        if ask is None:
            return None
        try:
            return _plain(ask(options, self._folder))
        except Exception:
            # Options of a shape that the handler does not take, most likely; what it tells is a service, no more.
            return None


def _plain(touches: Iterable[Touch]) -> list[Touch]:
    """As data, without the types of what is not known; each once."""
    found = [Touch(kind=touch.kind, text=str(touch.text), details=to_json(touch.details)) for touch in touches]
    return [touch for index, touch in enumerate(found) if touch not in found[:index]]


def _fault(handler: Handler, options: Mapping[str, Any]) -> str | None:
    try:
        convert_options(handler, to_json(options))
    except ValueError as error:
        return f"the options of '{handler.name}' are wrong: {error}"
    return None


def _set(options: Mapping[str, Any]) -> Iterator[Touch]:
    values = options["values"]
    if not isinstance(values, dict):
        yield Touch(kind="variables", text=as_text(to_json(values)))
        return
    for name, value in values.items():
        shown = brief(as_text(to_json(value))) if value is not None else "null"
        yield Touch(kind="variable", text=f"{name} = {shown}", details={"name": name, "value": value})


def _log(options: Mapping[str, Any]) -> Iterator[Touch]:
    level, message = options.get("level", "info"), as_text(to_json(options["message"]))
    text = brief(message) if level == "info" else f"{level}: {brief(message)}"
    yield Touch(kind="log", text=text, details={"level": level, "message": message})


def _wait(options: Mapping[str, Any]) -> Iterator[Touch]:
    key = next(key for key in ("event", "until", "for") if key in options)
    text = f"for the event '{options[key]}'" if key == "event" else f"{key} {as_text(to_json(options[key]))}"
    yield Touch(kind="wait", text=text, details={key: options[key]})


def _fail(options: Mapping[str, Any]) -> Iterator[Touch]:
    code = as_text(to_json(options.get("code", "failed")))
    text = f"{brief(as_text(to_json(options.get('message', 'failed'))))} ({code})"
    yield Touch(kind="failure", text=text, details=dict(options))


def _stop(options: Mapping[str, Any]) -> Iterator[Touch]:
    reason = as_text(to_json(options.get("message")))
    yield Touch(kind="end", text=f"ends the run: {brief(reason)}" if reason else "ends the run", details=dict(options))


def _noop(options: Mapping[str, Any]) -> Iterator[Touch]:
    return iter(())


_INLINE: dict[str, Callable[[Mapping[str, Any]], Iterator[Touch]]] = {
    "set": _set,
    "log": _log,
    "wait": _wait,
    "fail": _fail,
    "stop": _stop,
    "noop": _noop,
}
