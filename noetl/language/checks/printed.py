"""What the `{{ }}` of a text print: where each stands, and whether it can only be a number or the author's own text.

Knows Jinja's syntax tree, so it is imported only when a command or statement is a template.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

from noetl.expressions import CompileError
from noetl.expressions.reading import raw_tokens, read_expression
from noetl.model.expression import Path

_NUMBER_FILTERS = frozenset({"int", "float", "length", "count", "round", "abs", "sum"})

#: Filters whose answer has no sign that a shell or a database reads as more than text.
_PLAIN_FILTERS = frozenset({"sha256", "b64encode"})

_HARMLESS_FUNCTIONS = frozenset({"now", "uuid", "random"})

_HARMLESS_PATHS: frozenset[Path] = frozenset(
    {
        ("loop", "index"),
        ("loop", "length"),
        ("loop", "first"),
        ("loop", "last"),
        ("execution", "id"),
        ("execution", "started_at"),
        ("execution", "attempt"),
        ("playbook", "name"),
    }
)

_TRUTHS = (nodes.Compare, nodes.Not, nodes.Test)
_ARITHMETIC = (nodes.Sub, nodes.Div, nodes.FloorDiv, nodes.Pow, nodes.Neg, nodes.Pos)


@dataclass(frozen=True, slots=True)
class Printed:
    """One `{{ }}`: its place in the text, the text within, and the syntax tree."""

    offset: int
    length: int
    text: str
    node: nodes.Expr

    @property
    def joined(self) -> bool:
        """Whether it puts a text together by itself."""
        return isinstance(self.node, nodes.Concat)

    def filtered(self, name: str) -> str:
        """The same with a filter applied to its whole value."""
        simple = isinstance(self.node, nodes.Name | nodes.Getattr | nodes.Getitem | nodes.Filter | nodes.Call)
        return f"{{{{ {self.text if simple else f'({self.text})'} | {name} }}}}"


def printed_by(text: str) -> Iterator[Printed]:
    """Each `{{ }}` of a text, in order; none where the text is no template."""
    begin = None
    try:
        for token in raw_tokens(text, bare=False):
            if token.kind == "variable_begin":
                begin = token
            elif token.kind == "variable_end" and begin is not None:
                inner = text[begin.offset + len(begin.text) : token.offset]
                length = token.offset + len(token.text.rstrip()) - begin.offset
                yield Printed(begin.offset, length, " ".join(inner.split()), read_expression(inner))
    except CompileError:
        return


class Harmless:
    """Judges what is printed: harmless is what `quoting` filters, and what cannot hold foreign text.

    `paths` are those that are known to be numbers or booleans.
    """

    def __init__(self, quoting: str, paths: frozenset[Path]) -> None:
        self._quoting = quoting
        self._paths = paths | _HARMLESS_PATHS

    def __call__(self, node: nodes.Node | None) -> bool:
        match node:
            case None | nodes.Const():
                return True
            case nodes.Filter():
                return self._filter(node)
            case nodes.CondExpr():
                return self(node.expr1) and self(node.expr2)
            case nodes.And() | nodes.Or():
                return self(node.left) and self(node.right)
            case nodes.Concat():
                return all(self(part) for part in node.nodes)
            case nodes.Call(node=nodes.Name(name=name)):
                return name in _HARMLESS_FUNCTIONS
        return self._number(node)

    def _filter(self, node: nodes.Filter) -> bool:
        if node.name in _NUMBER_FILTERS or node.name in _PLAIN_FILTERS or node.name == self._quoting:
            return True
        if node.name == "join" and isinstance(node.node, nodes.Filter) and node.node.name == "map":
            mapped = node.node.args[0] if node.node.args else None
            return isinstance(mapped, nodes.Const) and mapped.value == self._quoting
        if node.name == "default":
            return self(node.node) and all(self(argument) for argument in node.args)
        return False

    def _number(self, node: nodes.Node) -> bool:
        if isinstance(node, _TRUTHS + _ARITHMETIC):
            return True
        if isinstance(node, nodes.Add):
            return self._number(node.left) or self._number(node.right)
        if isinstance(node, nodes.Mul | nodes.Mod):
            return self._number(node.left) and self._number(node.right)
        if isinstance(node, nodes.Const):
            return isinstance(node.value, int | float)
        if isinstance(node, nodes.Filter):
            return node.name in _NUMBER_FILTERS
        return _path(node) in self._paths


def _path(node: nodes.Node) -> Path | None:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        head = _path(node.node)
        return None if head is None else (*head, node.attr)
    return None
