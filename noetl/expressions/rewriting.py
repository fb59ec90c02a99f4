"""Makes explicit in Jinja2's tree what our templates mean, so that both ways to evaluate it give the same answer.

- Where a value is needed, `required value` stands around what may be undefined.
- Functions and methods exist only where they are called; a call becomes the operation that it is.
- `~` joins texts as output does; an inline `if` without `else` gives null; a slice is an operation.
- In a condition, `== none` is `is none`, `in` knows the undefined, and undefined members of a list are null.

The operations are those of `environment.OPERATIONS`; in the tree they are filters that no template can name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes

from noetl.expressions.vocabulary import RECORDED

#: Filters whose result may be undefined.
_MAY_BE_UNDEFINED = frozenset({"d", "default", "first", "last", "max", "min"})
_DEFAULTS = frozenset({"d", "default"})
_DEFINED_TESTS = frozenset({"defined", "undefined"})
_NONE_TESTS = frozenset({"none", "None"})


def static_path(node: nodes.Node | None) -> tuple[nodes.Name, tuple[str | int, ...]] | None:
    """The name and the static keys that a chain such as `a.b['c'][0]` reads, or None when it is no such chain."""
    keys: list[str | int] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            keys.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and _is_key(node.arg.value):
            keys.append(node.arg.value)
        else:
            return None
        node = node.node
    return node, (node.name, *reversed(keys))


def _is_key(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def operation(name: str, first: Any, *rest: nodes.Expr) -> nodes.Filter:
    """The operation on these operands."""
    return nodes.Filter(first, name, list(rest), [], None, None, lineno=first.lineno)


class Rewriter:
    """Rewrites one tree: a template, or with `lenient` a condition."""

    def __init__(self, *, lenient: bool) -> None:
        self.lenient = lenient

    def statement(self, node: nodes.Node) -> None:
        """Rewrites a statement and all inside it in place."""
        for field, part in node.iter_fields(exclude=("target", "targets")):
            if isinstance(part, list):
                setattr(node, field, [self._member(item) for item in part])
            elif isinstance(part, nodes.Node):
                setattr(node, field, self._member(part))
        if isinstance(node, nodes.For):
            node.iter = operation("rounds of", node.iter)

    def _member(self, node: nodes.Node) -> nodes.Node:
        if isinstance(node, nodes.Expr):
            return self.value(node)
        self.statement(node)
        return node

    def value(self, node: nodes.Expr) -> nodes.Expr:
        """The node where a value is needed."""
        if isinstance(node, nodes.CondExpr):
            return self._choice(node, self.value)
        found = self.read(node)
        return self._required(node, found) if _may_be_undefined(node) else found

    def read(self, node: nodes.Expr) -> nodes.Expr:
        """The node where an undefined value may stand as well."""
        match node:
            case nodes.Name() | nodes.Const() | nodes.TemplateData():
                return node
            case nodes.Getattr():
                return nodes.Getattr(self.read(node.node), node.attr, "load", lineno=node.lineno)
            case nodes.Getitem():
                return self._item(node)
            case nodes.Call():
                return self._call(node)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Test():
                return self._test(node)
            case nodes.CondExpr():
                return self._choice(node, self.read)
            case nodes.Concat():
                return operation("concat text", *self._values(node.nodes))
            case nodes.Compare() if self.lenient:
                return self._comparison(node)
            case nodes.List() | nodes.Tuple():
                return type(node)(self._entries(node.items), *([node.ctx] if isinstance(node, nodes.Tuple) else []))
            case nodes.Dict():
                pairs = [nodes.Pair(*self._entries((pair.key, pair.value))) for pair in node.items]
                return nodes.Dict(pairs, lineno=node.lineno)
            case _:
                return self._operator(node)

    def _values(self, items: Iterable[nodes.Expr]) -> list[nodes.Expr]:
        return [self.value(item) for item in items]

    def _entries(self, items: Iterable[nodes.Expr]) -> list[nodes.Expr]:
        """The members of a list or mapping, which never holds an undefined value."""
        values = self._values(items)
        return [operation("or null", value) for value in values] if self.lenient else values

    def _required(self, node: nodes.Expr, found: nodes.Expr) -> nodes.Expr:
        chain = static_path(node)
        offset, path = (chain[0].lineno, chain[1]) if chain else (-1, ())
        return operation("required value", found, nodes.Const(offset), nodes.Const(path))

    def _item(self, node: nodes.Getitem) -> nodes.Expr:
        if isinstance(node.arg, nodes.Slice):
            bounds = (node.arg.start, node.arg.stop, node.arg.step)
            given = [nodes.Const(None) if bound is None else self.value(bound) for bound in bounds]
            return operation("part of", self.value(node.node), *given)
        return nodes.Getitem(self.read(node.node), self.value(node.arg), "load", lineno=node.lineno)

    def _call(self, node: nodes.Call) -> nodes.Expr:
        if isinstance(node.node, nodes.Getattr):
            called, first = "call method", [self.value(node.node.node), nodes.Const(node.node.attr)]
        else:
            assert isinstance(node.node, nodes.Name)
            name = node.node.name
            called, first = "call recorded" if name in RECORDED else "call function", [nodes.Const(name)]
        return self._with_arguments(node, called, first, self.value)

    def _filter(self, node: nodes.Filter) -> nodes.Expr:
        need = self.read if node.name in _DEFAULTS else self.value
        first = [] if node.node is None else [need(node.node)]
        return self._with_arguments(node, node.name, first, need)

    def _test(self, node: nodes.Test) -> nodes.Expr:
        tolerant = node.name in _DEFINED_TESTS or (self.lenient and node.name in _NONE_TESTS)
        subject = self.read(node.node) if tolerant else self.value(node.node)
        applied = self._with_arguments(node, node.name, [subject], self.value)
        return nodes.Test(*(part for _, part in applied.iter_fields()), lineno=node.lineno)

    def _with_arguments(
        self,
        node: nodes.Call | nodes.Filter | nodes.Test,
        name: str,
        first: list[nodes.Expr],
        need: Callable[[nodes.Expr], nodes.Expr],
    ) -> nodes.Filter:
        return nodes.Filter(
            first[0] if first else None,
            name,
            [*first[1:], *map(need, node.args)],
            [nodes.Keyword(named.key, need(named.value)) for named in node.kwargs],
            None if node.dyn_args is None else need(node.dyn_args),
            None if node.dyn_kwargs is None else need(node.dyn_kwargs),
            lineno=node.lineno,
        )

    def _choice(self, node: nodes.CondExpr, need: Callable[[nodes.Expr], nodes.Expr]) -> nodes.Expr:
        otherwise = nodes.Const(None) if node.expr2 is None else need(node.expr2)
        return nodes.CondExpr(self.value(node.test), need(node.expr1), otherwise, lineno=node.lineno)

    def _comparison(self, node: nodes.Compare) -> nodes.Expr:
        """A condition's comparison; a chain becomes pairs, since each of them may be an operation."""
        pairs: list[nodes.Expr] = []
        left = node.expr
        for operand in node.ops:
            pairs.append(self._pair(left, operand.op, operand.expr))
            left = operand.expr
        joined = pairs[0]
        for pair in pairs[1:]:
            joined = nodes.And(joined, pair)
        return joined

    def _pair(self, left: nodes.Expr, operator: str, right: nodes.Expr) -> nodes.Expr:
        if operator in ("in", "notin"):
            return operation("is in" if operator == "in" else "is not in", self.value(left), self.value(right))
        if operator in ("eq", "ne") and (_is_none(left) or _is_none(right)):
            is_none = nodes.Test(self.read(left if _is_none(right) else right), "none", [], [], None, None)
            return is_none if operator == "eq" else nodes.Not(is_none)
        return nodes.Compare(self.value(left), [nodes.Operand(operator, self.value(right))], lineno=left.lineno)

    def _operator(self, node: nodes.Expr) -> nodes.Expr:
        """An operator, a comparison of a template, or whatever else needs the values of all its parts."""
        return type(node)(*(self._operand(part) for _, part in node.iter_fields()), lineno=node.lineno)

    def _operand(self, part: Any) -> Any:
        if isinstance(part, nodes.Expr):
            return self.value(part)
        if isinstance(part, list):
            return [self._operand(member) for member in part]
        return nodes.Operand(part.op, self.value(part.expr)) if isinstance(part, nodes.Operand) else part


def _is_none(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and node.value is None


def _may_be_undefined(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.Filter):
        return node.name in _MAY_BE_UNDEFINED and node.node is not None
    if isinstance(node, nodes.Getitem):
        return not isinstance(node.arg, nodes.Slice)
    return isinstance(node, (nodes.Name, nodes.Getattr))
