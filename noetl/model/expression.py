"""What the model holds where a playbook has a template or condition: its text and place, what it reads, a callable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from noetl.span import Span


class Names(Protocol):
    """The names that an expression sees: a mapping that raises KeyError for what it does not know."""

    def __getitem__(self, name: str, /) -> Any: ...

    def __contains__(self, name: object, /) -> bool: ...

    def __iter__(self) -> Iterator[Any]: ...


#: A chain of static keys from a name: `steps.Load.result.data` is `("steps", "Load", "result", "data")`.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One template (`{{ a }}/{{ b }}`) or condition (`a > 1`).

    `paths` are the longest static paths that it reads, `names` their first parts without what the expression itself
    binds. `at(offset, length)` is the place of a part of `source`. `evaluate` raises ExpressionError, with `span` set.
    """

    source: str
    span: Span = field(compare=False, repr=False)
    at: Callable[[int, int], Span] = field(compare=False, repr=False)
    paths: frozenset[Path] = field(compare=False, repr=False)
    names: frozenset[str] = field(compare=False, repr=False)
    evaluate: Callable[[Names], Any] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A value of the playbook whose strings may be expressions: JSON data with an Expression at some leaves.

    `render` gives fresh JSON data; `constant` says that no leaf is an expression, so that `value` is the answer.
    """

    value: Any
    span: Span = field(compare=False, repr=False)
    expressions: tuple[Expression, ...] = field(compare=False, repr=False)
    names: frozenset[str] = field(compare=False, repr=False)
    render: Callable[[Names], Any] = field(compare=False, repr=False)

    @property
    def constant(self) -> bool:
        return not self.expressions
