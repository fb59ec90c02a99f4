"""What the model holds where a playbook has a template or condition: its text and place, what it reads, a callable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec

from noetl.span import Span


class Names(Protocol):
    """The names that an expression sees: a mapping that raises KeyError for what it does not know."""

    def __getitem__(self, name: str, /) -> Any: ...

    def __contains__(self, name: object, /) -> bool: ...

    def __iter__(self) -> Iterator[Any]: ...


#: A chain of static keys from a name: `steps.Load.result.data` is `("steps", "Load", "result", "data")`.
Path = tuple[str | int, ...]


class Expression(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """One template (`{{ a }}/{{ b }}`) or condition (`a > 1`).

    `paths` are the longest static paths that it reads, `names` their first parts without what the expression itself
    binds. `at(offset, length)` is the place of a part of `source`. `evaluate` raises ExpressionError, with `span` set.
    """

    source: str
    span: Span
    at: Callable[[int, int], Span]
    paths: frozenset[Path]
    names: frozenset[str]
    evaluate: Callable[[Names], Any]


class Template(msgspec.Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """A value of the playbook whose strings may be expressions: JSON data with an Expression at some leaves.

    `render` gives fresh JSON data; `constant` says that no leaf is an expression, so that `value` is the answer.
    """

    value: Any
    span: Span
    expressions: tuple[Expression, ...]
    names: frozenset[str]
    render: Callable[[Names], Any]

    @property
    def constant(self) -> bool:
        return not self.expressions
