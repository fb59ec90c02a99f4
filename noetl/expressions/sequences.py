"""Filters over lists and mappings; all give lists, never generators, so that a result is data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from jinja2.environment import Environment
from jinja2.filters import FILTERS
from jinja2.runtime import Context, Undefined
from jinja2.utils import pass_context, pass_environment

from noetl.expressions.access import Group, keys
from noetl.expressions.errors import Refused
from noetl.expressions.limits import LONGEST_LIST, add, check_length, check_size, describe, is_mapping, join_text
from noetl.expressions.text import text
from noetl.expressions.undefined import Missing, UndefinedValue

_JINJA: dict[str, Callable[..., Any]] = {**FILTERS}


def listed(original: Callable[..., Any]) -> Callable[..., list[Any]]:
    """The filter, with a list as its result."""

    # What `wraps` copies includes whether Jinja passes the context or the environment.
    @wraps(original)
    def as_list(*args: Any, **kwargs: Any) -> list[Any]:
        return list(original(*args, **kwargs))

    return as_list


def _present(value: Any) -> Any:
    """Undefined values never enter lists: in a template they are errors, in a condition they are null."""
    if isinstance(value, Missing):
        raise UndefinedValue(value)
    return None if isinstance(value, Undefined) else value


def _reader(environment: Environment, attribute: str | int | None) -> Callable[[Any], Any]:
    """Reads `attribute` (`city`, `address.city`, `0`) of an item; the item itself without one."""
    if attribute is None:
        return lambda value: value
    parts = [int(part) if part.isdigit() else part for part in str(attribute).split(".")]

    def read(value: Any) -> Any:
        for part in parts:
            value = environment.getitem(value, part)
        return _present(value)

    return read


@pass_context
def map_items(context: Context, value: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
    results = []
    size = 0
    for result in _JINJA["map"](context, value, *args, **kwargs):
        size += len(result) if isinstance(result, (str, list)) else 1
        check_size(size)
        results.append(_present(result))
    return results


@pass_environment
def first(environment: Environment, value: Any) -> Any:
    for item in value:
        return item
    return environment.undefined("an empty list has no first item")


@pass_environment
def last(environment: Environment, value: Any) -> Any:
    for item in reversed(value if isinstance(value, (str, tuple)) else list(value)):
        return item
    return environment.undefined("an empty list has no last item")


def extreme(name: str) -> Callable[..., Any]:
    """`min` or `max`."""
    original = _JINJA[name]

    @wraps(original)
    def choose(environment: Environment, value: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        items = list(value)
        if not items:
            return environment.undefined(f"an empty list has no {name}")
        return original(environment, items, *args, **kwargs)

    return choose


@pass_environment
def group_by(environment: Environment, value: Iterable[Any], *args: Any, **kwargs: Any) -> list[Group]:
    groups = _JINJA["groupby"](environment, value, *args, **kwargs)
    return [Group(_present(grouper), members) for grouper, members in groups]


@pass_environment
def total(environment: Environment, value: Iterable[Any], attribute: str | int | None = None, start: Any = 0) -> Any:
    """`sum`; lists are added to one list."""
    read = _reader(environment, attribute)
    if isinstance(start, list):
        gathered = start.copy()
        for item in value:
            gathered += read(item)
            check_length(len(gathered))
        return gathered
    if isinstance(start, str):
        raise Refused("'sum' adds numbers or lists, write 'join' for text")
    for item in value:
        start = add(start, read(item))
    return start


@pass_environment
def join(environment: Environment, value: Iterable[Any], d: Any = "", attribute: str | int | None = None) -> str:
    """`join`: with null, booleans and data as in text."""
    read = _reader(environment, attribute)
    return join_text([text(read(item)) for item in value], text(d))


@pass_environment
def unique(
    environment: Environment,
    value: Iterable[Any],
    case_sensitive: bool = False,
    attribute: str | int | None = None,
) -> list[Any]:
    """`unique`: the first of equal items, in their order; the items may be lists and mappings."""
    read = _reader(environment, attribute)
    seen: dict[Any, Any] = {}
    for item in value:
        key = read(item)
        seen.setdefault(_hashable(key.lower() if isinstance(key, str) and not case_sensitive else key), item)
    return list(seen.values())


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(_hashable, value))
    return value


def reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else list(value)[::-1]


def items(value: Any) -> list[tuple[Any, Any]]:
    if not is_mapping(value):
        raise Refused(f"'items' reads a mapping, not {describe(value)}")
    return [(key, value[key]) for key in keys(value)]


def batch(value: Iterable[Any], linecount: int, fill_with: Any = None) -> list[list[Any]]:
    """`batch`: lists of `linecount` items, the last one filled up if there is something to fill with."""
    if not 0 < linecount <= LONGEST_LIST:
        raise Refused(f"'batch' makes lists of 1 to {LONGEST_LIST} items")
    entries = list(value)
    batches = [entries[start : start + linecount] for start in range(0, len(entries), linecount)]
    if batches and fill_with is not None:
        batches[-1] += [fill_with] * (linecount - len(batches[-1]))
    return batches


def slice_items(value: Iterable[Any], slices: int, fill_with: Any = None) -> list[list[Any]]:
    if not 0 < slices <= LONGEST_LIST:
        raise Refused(f"'slice' makes 1 to {LONGEST_LIST} lists")
    return list(_default_slice(list(value), slices, fill_with))


def _default_slice(entries: list[Any], slices: int, fill_with: Any) -> Iterable[list[Any]]:
    per_slice, longer = divmod(len(entries), slices)
    start = 0
    for number in range(slices):
        stop = start + per_slice + (number < longer)
        filling = [fill_with] if fill_with is not None and number >= longer else []
        yield entries[start:stop] + filling
        start = stop


def combine(*mappings: Any, recursive: bool = False) -> dict[str, Any]:
    """`combine`: the entries of all mappings, later ones win; `recursive` also inside of mappings."""
    combined: dict[str, Any] = {}
    for mapping in mappings:
        if not is_mapping(mapping):
            raise Refused(f"'combine' joins mappings, not {describe(mapping)}")
        for key in keys(mapping):
            old, new = combined.get(key), mapping[key]
            both = recursive and isinstance(old, dict) and isinstance(new, dict)
            combined[key] = combine(old, new, recursive=True) if both else new
    return combined


def flatten(value: Any, levels: int | None = None) -> list[Any]:
    """`flatten`: the items of nested lists as one list, `levels` deep or all the way."""
    if not isinstance(value, (list, tuple)):
        raise Refused(f"'flatten' reads a list, not {describe(value)}")
    flat: list[Any] = []
    # Depth first without recursion: the lists still to be read, with the depth of their items.
    todo = [(iter(value), 0)]
    while todo:
        entries, depth = todo[-1]
        for item in entries:
            if isinstance(item, (list, tuple)) and (levels is None or depth < levels):
                todo.append((iter(item), depth + 1))
                break
            flat.append(item)
        else:
            todo.pop()
        check_length(len(flat) + len(todo))
    return flat
