"""YAML text of a run, read by the core rules of YAML 1.2: `on` is text, `010` is ten, a date is text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

# Only the parser of the library is used: its composer runs out of the C stack on deep texts.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_DEEPEST = 200
_UNFINISHED = object()

_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), lambda text: None),
    (re.compile(r"true|True|TRUE"), lambda text: True),
    (re.compile(r"false|False|FALSE"), lambda text: False),
    (re.compile(r"[-+]?[0-9]{1,4000}"), int),
    (re.compile(r"0o[0-7]{1,4000}"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]{1,4000}"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)


class MalformedYaml(ValueError):
    """The sentence says where, and quotes nothing of the text."""


def load(source: str) -> Any:
    """The data of a YAML text with one document; what an alias repeats is shared. Raises MalformedYaml."""
    try:
        return _Reader(yaml.parse(source, Loader=_Loader)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise MalformedYaml("malformed" if mark is None else f"malformed, in line {mark.line + 1}") from None
    except yaml.YAMLError:
        raise MalformedYaml("a character is not allowed") from None


class _Reader:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = (event for event in events if not isinstance(event, yaml.StreamStartEvent))
        self._anchors: dict[str, Any] = {}

    def document(self) -> Any:
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        data = self._value(next(self._events), 0)
        next(self._events)
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            raise MalformedYaml("more than one document")
        return data

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _UNFINISHED
        if isinstance(event, yaml.ScalarEvent):
            data = _scalar(event)
        elif depth == _DEEPEST:
            raise MalformedYaml(f"nested more than {_DEEPEST} levels deep")
        else:
            read = self._list if isinstance(event, yaml.SequenceStartEvent) else self._mapping
            data = read(depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = data
        return data

    def _list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, depth))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise MalformedYaml(f"a key that is not a scalar, in line {event.start_mark.line + 1}")
            mapping[event.value] = self._value(next(self._events), depth)
        return mapping

    def _alias(self, event: Any) -> Any:
        data = self._anchors.get(event.anchor, _UNFINISHED)
        if data is _UNFINISHED:
            raise MalformedYaml(f"an alias of what is not there yet, in line {event.start_mark.line + 1}")
        return data


def _scalar(event: Any) -> Any:
    plain, _ = event.implicit
    if plain:
        for pattern, convert in _SCALARS:
            if pattern.fullmatch(event.value):
                return convert(event.value)
    return event.value
