"""The handlers there are: the built-in ones in one visible table, others by entry point or registered by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

import msgspec

from noetl.actions.base import Handler
from noetl.errors import NoetlError
from noetl.language.schema import ActionShape

#: The word after `action:` -> where its handler is; loaded when a playbook uses it.
BUILT_IN = {
    "http": "noetl.actions.http:HttpHandler",
    "playbook": "noetl.actions.playbook:PlaybookHandler",
    "postgres": "noetl.actions.postgres:PostgresHandler",
    "powershell": "noetl.actions.powershell:PowershellHandler",
    "python": "noetl.actions.python:PythonHandler",
    "shell": "noetl.actions.shell:ShellHandler",
}

#: The entry point group of further handlers.
GROUP = "noetl.actions"


class Registry:
    """Handlers by name. A name that is taken cannot be taken again."""

    def __init__(self, handlers: Iterable[Handler] = ()) -> None:
        self._loaded: dict[str, Handler] = {}
        for handler in handlers:
            self.register(handler)

    def register(self, handler: Handler) -> None:
        """Add a handler; raises NoetlError where its name is taken."""
        if handler.name in BUILT_IN or handler.name in self._loaded:
            raise NoetlError(f"there is a handler for action '{handler.name}' already")
        self._loaded[handler.name] = handler

    def get(self, name: str) -> Handler | None:
        """The handler of this name, loaded on first use; None where there is none."""
        if name not in self._loaded:
            found = self._load(name)
            if found is None:
                return None
            self._loaded[name] = found
        return self._loaded[name]

    def _load(self, name: str) -> Handler | None:
        if name in BUILT_IN:
            module, _, attribute = BUILT_IN[name].partition(":")
            handler: Handler = getattr(import_module(module), attribute)()
            return handler
        # Looking through all installed packages costs as much as a small run, so only a name that we do not know asks
        # for it.
        from importlib.metadata import entry_points

        for entry in entry_points(group=GROUP, name=name):
            loaded: Handler = entry.load()()
            return loaded
        return None

    def __iter__(self) -> Iterator[str]:
        from importlib.metadata import entry_points

        yield from sorted({*BUILT_IN, *self._loaded, *(entry.name for entry in entry_points(group=GROUP))})


class Shapes(Mapping[str, ActionShape]):
    """What the language has to know of each action, made when a playbook uses it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[str, ActionShape] = {}

    def __getitem__(self, name: str, /) -> ActionShape:
        if name not in self._known:
            handler = self._registry.get(name)
            if handler is None:
                raise KeyError(name)
            self._known[name] = shape_of(handler)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __len__(self) -> int:
        return sum(1 for _ in self._registry)


def shape_of(handler: Handler) -> ActionShape:
    """The JSON Schema of a handler's options, and what else the language asks."""
    (schema,), definitions = msgspec.json.schema_components([handler.options], ref_template="#/$defs/{name}")
    name = schema["$ref"].rpartition("/")[2]
    own = dict(definitions[name])
    return ActionShape(
        schema={**own, "$defs": {key: value for key, value in definitions.items() if key != name}},
        required=frozenset(own.get("required", ())),
        program_text=handler.program_text,
        runtimes=handler.runtimes,
        verify=lambda options: convert_options(handler, options),
        fault_in=getattr(handler, "fault_in", None),
        later=getattr(handler, "later", {}),
    )


def convert_options(handler: Handler, options: Mapping[str, Any]) -> Any:
    """The options as the handler takes them. Raises ValueError with a sentence that names the key."""
    try:
        # Not strict: a template of text and braces gives text where a number is meant.
        return msgspec.convert(dict(options), handler.options, strict=False)
    except msgspec.ValidationError as error:
        # msgspec ends with where it is, as `$.key`; the user wrote `key`.
        sentence, _, place = str(error).partition(" - at `$")
        key = place.rstrip("`").removeprefix(".")
        raise ValueError(f"'{key}': {_plain(sentence)}" if key else _plain(sentence)) from error


def _plain(sentence: str) -> str:
    return (sentence[:1].lower() + sentence[1:]).replace("`", "'")
