"""What a dot, a bracket and a method call do in a template: data only, never the attributes of Python objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any, NamedTuple

from jinja2.runtime import LoopContext, Undefined
from jinja2.utils import Namespace

from noetl.expressions.errors import Refused
from noetl.expressions.limits import check_size, check_width, describe, is_mapping, join_text, replace_text
from noetl.expressions.text import text
from noetl.expressions.undefined import Missing


class Group(NamedTuple):
    """What `groupby` gives for each value: `{% for city, rows in ... %}`, or with a dot `.grouper` and `.list`."""

    grouper: Any
    list: list[Any]


#: The fields that a dot reads of objects that are not data; no template can set other attributes of theirs.
_FIELDS: tuple[tuple[type, frozenset[str]], ...] = (
    (
        LoopContext,
        frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}),
    ),
    (Group, frozenset(Group._fields)),
)
_FAILED = (LookupError, TypeError)


def attribute(value: Any, name: str, undefined: type[Undefined] = Missing) -> Any:
    """`value.name`: the key of a mapping; of Python objects only what loops, groups and namespaces offer."""
    if isinstance(value, Undefined):
        return value
    try:
        return value[name]
    except _FAILED:
        pass
    if name.startswith("_"):
        if is_mapping(value):
            return undefined(obj=value, name=name)
        raise Refused(f"{describe(value)} has no '{name}': what starts with an underscore is no attribute")
    if isinstance(value, Namespace) or any(isinstance(value, kind) and name in names for kind, names in _FIELDS):
        return getattr(value, name, undefined(obj=value, name=name))
    return undefined(obj=value, name=name)


def item(value: Any, key: Any, undefined: type[Undefined] = Missing) -> Any:
    """`value[key]`: the key of a mapping, the element of a list, the character of a text."""
    if isinstance(value, Undefined):
        return value
    if isinstance(key, Undefined):
        return key
    try:
        return value[key]
    except _FAILED:
        # Jinja's filters read `attribute='grouper'` by an item.
        if isinstance(value, Group) and key in Group._fields:
            return getattr(value, key)
        return undefined(obj=value, name=key)


def part(value: Any, start: Any = None, stop: Any = None, step: Any = None) -> Any:
    """`value[start:stop:step]`."""
    return value[start:stop:step]


class _SafeFormatter(Formatter):
    """`str.format` that reads no attributes, with bounded widths."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if "." in field_name or "[" in field_name:
            raise Refused("a field of 'format' is a name or a number, without a dot or a bracket")
        return super().get_field(field_name, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> str:
        digits = "".join(char if char.isdigit() else " " for char in format_spec)
        for width in digits.split():
            check_width(int(width[:9]))
        if not format_spec or isinstance(value, (dict, list, bool)) or value is None:
            return format(text(value), format_spec)
        return format(value, format_spec)


def keys(mapping: Any) -> list[Any]:
    """The keys of a mapping, also of one that is only like one."""
    return list(mapping.keys())


def _padded(method: Callable[..., str]) -> Callable[..., str]:
    def bounded(value: str, width: int, *fill: str) -> str:
        check_width(width)
        return method(value, width, *fill)

    return bounded


def _expand_tabs(value: str, tabsize: int = 8) -> str:
    check_width(tabsize)
    check_size(value.count("\t") * tabsize)
    return value.expandtabs(tabsize)


def _join(separator: str, values: Any) -> str:
    return join_text([text(value) for value in values], separator)


def _get(value: Any, key: Any, default: Any = None) -> Any:
    try:
        return value[key]
    except LookupError:
        return default


_PLAIN_TEXT_METHODS = """
    capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit islower isnumeric isspace
    istitle isupper lower lstrip partition removeprefix removesuffix rfind rindex rpartition rsplit rstrip split
    splitlines startswith strip swapcase title upper
"""
_TEXT_METHODS: dict[str, Callable[..., Any]] = {
    **{name: getattr(str, name) for name in _PLAIN_TEXT_METHODS.split()},
    **{name: _padded(getattr(str, name)) for name in ("center", "ljust", "rjust", "zfill")},
    "expandtabs": _expand_tabs,
    "format": lambda pattern, *args, **kwargs: _SafeFormatter().vformat(pattern, args, kwargs),
    "join": _join,
    "replace": replace_text,
}
_MAPPING_METHODS: dict[str, Callable[..., Any]] = {
    "get": _get,
    "items": lambda value: [(key, value[key]) for key in keys(value)],
    "keys": lambda value: keys(value),
    "values": lambda value: [value[key] for key in keys(value)],
}
_LIST_METHODS: dict[str, Callable[..., Any]] = {
    "count": lambda values, wanted: values.count(wanted),
    "index": lambda values, wanted: values.index(wanted),
}
_LOOP_METHODS: dict[str, Callable[..., Any]] = {"changed": LoopContext.changed, "cycle": LoopContext.cycle}

METHODS = frozenset({*_TEXT_METHODS, *_MAPPING_METHODS, *_LIST_METHODS, *_LOOP_METHODS})


def _methods_of(value: Any) -> Mapping[str, Callable[..., Any]]:
    if isinstance(value, str):
        return _TEXT_METHODS
    if isinstance(value, (list, tuple, range)):
        return _LIST_METHODS
    if isinstance(value, LoopContext):
        return _LOOP_METHODS
    return _MAPPING_METHODS if is_mapping(value) else {}


def call_method(value: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
    """`value.name(...)`: one of the methods of texts, mappings, lists and loops that change nothing."""
    methods = _methods_of(value)
    if name not in methods:
        raise Refused(f"{describe(value)} has no method '{name}'")
    return methods[name](value, *args, **kwargs)
