"""The actions that are the language's own: they need no handler, and most need nothing from outside (language.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from noetl.errors import ErrorKind, ExpressionError
from noetl.expressions import as_text
from noetl.machine.decider import Decider
from noetl.machine.held import OUTSIDE, Held
from noetl.machine.result import make_error
from noetl.machine.scope import ALWAYS
from noetl.machine.state import Status, Token
from noetl.model.event import Kind
from noetl.model.expression import Names
from noetl.model.playbook import ActionCall
from noetl.units import parse_duration

#: A loop over a number counts at most this far: its items are in memory.
MOST_ITEMS = 10_000_000

LEVELS = ("debug", "info", "warning", "error")

STARS = "***"


def _options(d: Decider, token: Token, work: ActionCall) -> dict[str, Any]:
    scope = d.scope.at(token, work.place)
    return {
        name: template.value if template.constant else template.render(scope) for name, template in work.options.items()
    }


def _set(d: Decider, token: Token, work: ActionCall) -> bool:
    values = _options(d, token, work)["values"]
    if not isinstance(work.options["values"].value, Mapping):
        # A mapping that stands in the playbook has been checked; this one nobody has seen yet.
        _check_names(values, token, work)
    d.change(token, "set", values)
    return True


def _check_names(values: Any, token: Token, work: ActionCall) -> None:
    if not isinstance(values, dict):
        raise ExpressionError("the 'values' of 'set' must be a mapping", span=work.options["values"].span)
    for name in values:
        if not name.isidentifier() or name in ALWAYS or name in (token.local or {}):
            raise ExpressionError(f"'{name}' cannot be a variable here", span=work.options["values"].span)


def _noop(d: Decider, token: Token, work: ActionCall) -> bool:
    d.change(token, "did", None)
    return True


def _log(d: Decider, token: Token, work: ActionCall) -> bool:
    names = Starred(d.scope.at(token, work.place), d.run.environment)
    options = {
        name: template.value if template.constant else template.render(names) for name, template in work.options.items()
    }
    level, fields = options.get("level", "info"), options.get("fields") or {}
    if level not in LEVELS:
        raise ExpressionError(f"'{as_text(level)}' is no level; the levels are {', '.join(LEVELS)}", span=work.span)
    if not isinstance(fields, dict):
        raise ExpressionError("the 'fields' of 'log' must be a mapping", span=work.span)
    d.change(token, "log", level, as_text(options["message"]), fields)
    d.change(token, "did", None)
    return True


def _fail(d: Decider, token: Token, work: ActionCall) -> bool:
    options = _options(d, token, work)
    kind = options.get("kind", ErrorKind.PERMANENT)
    if kind not in set(ErrorKind):
        raise ExpressionError(f"'{kind}' is no kind of error; the kinds are {', '.join(ErrorKind)}", span=work.span)
    message = as_text(options.get("message", "failed"))
    attempt = token.frames[-1].attempt
    error = make_error(
        kind, as_text(options.get("code", "failed")), message, step=token.step.name, action="fail", attempt=attempt
    )
    d.change(token, "fail", error)
    return True


def _stop(d: Decider, token: Token, work: ActionCall) -> bool:
    """The whole run ends as completed, the token that says so too."""
    options = _options(d, token, work)
    outermost = token.outermost
    d.change(token, "did", None)
    # What has begun to end goes on ending as it began; in a task that undoes work, only that task stops.
    if d.run.ending is None and outermost.compensates is None:
        d.end(Status.COMPLETED, None, reason=options.get("message"), by=outermost)
    d.change(outermost, "interrupt", -1, None)
    return True


def _wait(d: Decider, token: Token, work: ActionCall) -> bool:
    options = _options(d, token, work)
    if "event" in options:
        event = as_text(options["event"])
        for index, (name, data) in enumerate(d.run.signals):
            if name == event:
                d.change(token, "hear", data, index)
                return True
        d.change(token, "listen", event)
        d.emit(Kind.ACTION_STARTED, token, {"place": work.place, "action": "wait", "event": event})
        return False
    due = _due(d, options, work)
    if due <= d.run.at:
        d.change(token, "did", None)
        return True
    d.change(token, "sleep", due, "wait")
    d.emit(Kind.TIMER_SET, token, {"place": work.place, "due": due})
    return False


def _due(d: Decider, options: dict[str, Any], work: ActionCall) -> int:
    try:
        if "for" in options:
            return d.run.at + round(parse_duration(options["for"]) * 1e6)
        return _microseconds(options["until"])
    except ValueError as error:
        raise ExpressionError(str(error), span=work.span) from error


def _microseconds(value: Any) -> int:
    """A time as ISO 8601 text (UTC where it names no zone) or seconds since the epoch."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value * 1e6)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"'{value}' is no time; write it as 2026-01-31T22:15:00Z") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1e6)


class Starred:
    """A scope in which everything held, and everything from outside, shows as `***`."""

    def __init__(self, names: Names, environment: Mapping[str, Any]) -> None:
        self._names = names
        self._environment = environment

    def __getitem__(self, name: str, /) -> Any:
        if name in OUTSIDE:
            return Stars()
        if name == "environment":
            return {key: STARS if isinstance(value, Held) else value for key, value in self._environment.items()}
        value = self._names[name]
        return STARS if isinstance(value, Held) else value

    def __contains__(self, name: object, /) -> bool:
        return name in OUTSIDE or name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)


class Stars(Mapping[str, Any]):
    """A mapping that has `***` under every key."""

    def __getitem__(self, key: str, /) -> Any:
        return STARS

    def __contains__(self, key: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def get(self, key: str, default: Any = None) -> Any:
        return STARS


ACTIONS: dict[str, Callable[[Decider, Token, ActionCall], bool]] = {
    "set": _set,
    "noop": _noop,
    "log": _log,
    "fail": _fail,
    "stop": _stop,
    "wait": _wait,
}
