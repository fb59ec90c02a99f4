"""Results: how a value of a template becomes text or JSON data. Knows nothing of Jinja2."""

from __future__ import annotations

from typing import Any

import msgspec

from noetl.expressions.limits import bounded_text, weigh
from noetl.values import LARGEST_INT, SMALLEST_INT, to_json

_DATA = frozenset({str, bool, type(None), dict, list})


def text(value: Any) -> str:
    """A value inside text: null is empty, booleans are `true` and `false`, mappings and lists compact JSON."""
    if type(value) is str:
        return value
    kind = value.__class__
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is float:
        return str(to_json(value))
    return json_text(value)


def json_text(value: Any) -> str:
    """The compact JSON of a value; a value that stands for a text is that text."""
    data = plain(value)
    return data if isinstance(data, str) else bounded_text(msgspec.json.encode(data).decode())


def settle(value: Any) -> Any:
    """What a name, a key or an operator gave, as a result: data of the run is taken as it is."""
    kind = value.__class__
    if kind in _DATA or (kind is int and SMALLEST_INT <= value <= LARGEST_INT):
        return value
    return plain(value)


def plain(value: Any) -> Any:
    """What a filter or function gave, as JSON data."""
    weigh(value)
    return to_json(value)
