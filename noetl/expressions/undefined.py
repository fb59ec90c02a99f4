"""What stands for a name or key without a value: strictly in templates, leniently in conditions."""

from __future__ import annotations

from typing import Any

from jinja2.exceptions import UndefinedError
from jinja2.runtime import StrictUndefined, Undefined


class UndefinedValue(UndefinedError):
    """A value was needed where there is none.

    `path` are the static keys that were read, from a name at `offset` of the source; empty when they are not known.
    """

    def __init__(self, undefined: Undefined, offset: int = -1, path: tuple[str | int, ...] = ()) -> None:
        super().__init__("a value is undefined")
        self.undefined = undefined
        self.offset = offset
        self.path = path


class Missing(StrictUndefined):
    """In a template: whatever is done with it raises."""

    __slots__ = ()


class Lenient(Undefined):
    """In a condition: it is false and empty, comparisons with it are false, what is computed from it is the same."""

    __slots__ = ()

    __hash__ = object.__hash__


def _fail(undefined: Undefined, *_: object) -> Any:
    raise UndefinedValue(undefined)


def _false(undefined: Undefined, *_: object) -> bool:
    return False


def _itself(undefined: Undefined, *_: object) -> Undefined:
    return undefined


_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "contains")
_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
_COMPUTATIONS = (*_ARITHMETIC, *(f"r{name}" for name in _ARITHMETIC), "neg", "pos", "getitem", "call")
_OTHERS = ("iter", "str", "len", "bool", "hash", "int", "float", "complex")

# Written out, these would be sixty methods of one line each.
for _name in _COMPARISONS + _COMPUTATIONS + _OTHERS:
    setattr(Missing, f"__{_name}__", _fail)
for _name in _COMPARISONS:
    setattr(Lenient, f"__{_name}__", _false)
for _name in _COMPUTATIONS:
    setattr(Lenient, f"__{_name}__", _itself)
