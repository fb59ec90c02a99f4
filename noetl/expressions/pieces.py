"""Cuts templates and conditions into parts that can be evaluated each on its own, where the whole cannot be yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from jinja2 import nodes

from noetl.expressions.building import read_tree
from noetl.expressions.checking import read_paths
from noetl.expressions.reading import raw_tokens
from noetl.expressions.rendering import Renderer
from noetl.model.expression import Names


class Piece(NamedTuple):
    """A stretch of a template: literal text, or one `{{ }}` with its braces; `offset` is where it begins."""

    text: str
    offset: int
    literal: bool


def cut(text: str) -> list[Piece] | None:
    """The pieces, in order; None where they depend on each other, by statements or by stripped white space."""
    found: list[Piece] = []
    start = 0
    for token in raw_tokens(text, bare=False):
        end = token.offset + len(token.text)
        if token.kind in ("block_begin", "raw_begin") or token.text in ("{{-", "{{+", "-}}"):
            return None
        if token.kind == "data":
            found.append(Piece(token.text, token.offset, literal=True))
        elif token.kind == "variable_begin":
            start = token.offset
        elif token.kind == "variable_end":
            found.append(Piece(text[start:end], start, literal=False))
    return found


def conjuncts(condition: str) -> list[Callable[[Names], Any]]:
    """The evaluators of what `and` joins in a condition, none where it is no `and`; they raise what Jinja2 raises."""
    tree = read_tree(condition, lenient=True)
    if not isinstance(tree, nodes.And):
        return []
    return [
        Renderer(part, frozenset(str(path[0]) for path in read_paths(part)), lenient=True).evaluate
        for part in _joined_by_and(tree)
    ]


def _joined_by_and(tree: nodes.Expr) -> Iterator[nodes.Expr]:
    if isinstance(tree, nodes.And):
        yield from _joined_by_and(tree.left)
        yield from _joined_by_and(tree.right)
    else:
        yield tree
