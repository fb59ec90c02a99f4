"""The fast way to evaluate a template: a Python function written out from the rewritten tree.

The function is optimistic. It reads names and keys by plain subscripts and lets operators raise; whatever goes wrong,
a missing name too, is left to the reference (`rendering`), which then gives the right answer or the right error. So the
function holds no code for failure, and what it does not know at all is simply not emitted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from jinja2 import nodes
from jinja2.runtime import Undefined
from jinja2.utils import pass_environment

from noetl.expressions.access import attribute, call_method, item
from noetl.expressions.environment import LENIENT, STRICT
from noetl.expressions.filters import FILTER_TABLE, TEST_TABLE
from noetl.expressions.limits import join_text, modulo, multiply, number_range, power
from noetl.expressions.rewriting import Rewriter
from noetl.expressions.text import plain, settle, text
from noetl.expressions.undefined import Missing
from noetl.model.expression import Names

Evaluate = Callable[[Names], Any]

# The way out is an argument with a default, so that one compiled text serves all places that have it.
_FRAME = """
def evaluate(scope, otherwise):
    try:
        return {body}
    except Exception:
        pass
    return otherwise(scope)
"""

_OPERATORS: dict[type[nodes.Expr], str] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.And: "and",
    nodes.Or: "or",
}
_BOUNDED: dict[type[nodes.Expr], str] = {nodes.Mul: "multiply", nodes.Mod: "modulo", nodes.Pow: "power"}
_COMPARISONS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lteq": "<=",
    "gt": ">",
    "gteq": ">=",
    "in": "in",
    "notin": "not in",
}
#: As many as there are texts that are kept (`compiler`).
_KEPT = 10_000

_LITERALS = (nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.TemplateData)


class _Unknown(Exception):
    """The tree holds something that is left to the reference."""


def _lookup(scope: Names, name: str) -> Any:
    try:
        return scope[name]
    except KeyError:
        return Missing(name=name)


def _present(value: Any) -> Any:
    if isinstance(value, Undefined):
        raise LookupError
    return value


def _is_none(value: Any) -> bool:
    return value is None or isinstance(value, Undefined)


def _is_defined(value: Any) -> bool:
    return not isinstance(value, Undefined)


# How `pass_environment` marks a filter; those with other marks need a rendering around them.
_GIVEN_ENVIRONMENT = vars(pass_environment(lambda environment: None))["jinja_pass_arg"]

_NAMESPACE: dict[str, Any] = {
    "STRICT": STRICT,
    "LENIENT": LENIENT,
    "attribute": attribute,
    "call_method": call_method,
    "is_defined": _is_defined,
    "is_none": _is_none,
    "item": item,
    "join_text": join_text,
    "lookup": _lookup,
    "modulo": modulo,
    "multiply": multiply,
    "plain": plain,
    "power": power,
    "present": _present,
    "settle": settle,
    "text": text,
    "function_dict": dict,
    "function_range": number_range,
    **{f"filter_{name}": function for name, function in FILTER_TABLE.items()},
    **{f"test_{name}": function for name, function in TEST_TABLE.items() if name.isidentifier()},
}


def emit(tree: nodes.Template | nodes.Expr, *, lenient: bool) -> Callable[[Evaluate], Evaluate] | None:
    """A function that makes the fast evaluator, given the one for when it fails; None when there is no fast way."""
    writer = _Writer(lenient=lenient)
    try:
        if isinstance(tree, nodes.Template):
            body = writer.output(tree)
        else:
            rewritten = Rewriter(lenient=lenient).value(tree)
            body = writer.expression(rewritten) if lenient else writer.result(rewritten)
    except (_Unknown, RecursionError):
        # Python's own limits on nesting are no limits of ours.
        return None
    source = _FRAME.format(body=body)
    return lambda otherwise: _made_when_used(source, otherwise)


def _made_when_used(source: str, otherwise: Evaluate) -> Evaluate:
    """Compiles what is evaluated, for of a large playbook most is only checked."""
    made: Evaluate | None = None

    def evaluate(scope: Names) -> Any:
        nonlocal made
        if made is None:
            code = _code(source)
            made = otherwise if code is None else FunctionType(code, _NAMESPACE, argdefs=(otherwise,))
        return made(scope)

    return evaluate


@lru_cache(_KEPT)
def _code(source: str) -> CodeType | None:
    try:
        module = compile(source, "<expression>", "exec")
    except (SyntaxError, RecursionError, MemoryError):
        return None
    (code,) = (constant for constant in module.co_consts if isinstance(constant, CodeType))
    return code


class _Writer:
    """Writes Python for rewritten nodes; each piece is an operand that needs no further brackets."""

    def __init__(self, *, lenient: bool) -> None:
        self._environment = "LENIENT" if lenient else "STRICT"

    def output(self, tree: nodes.Template) -> str:
        """The text of a template that has no statements."""
        pieces: list[str] = []
        rewriter = Rewriter(lenient=False)
        for node in tree.body:
            if not isinstance(node, nodes.Output):
                raise _Unknown
            for part in node.nodes:
                written = self.expression(rewriter.value(part))
                pieces.append(written if isinstance(part, nodes.TemplateData) else f"text({written})")
        return f"join_text(({', '.join(pieces)},))" if pieces else "''"

    def result(self, node: nodes.Expr) -> str:
        """A node whose value is the answer, and so must be JSON data."""
        match node:
            case nodes.Const() | nodes.TemplateData():
                return f"settle({self.expression(node)})"
            case nodes.Compare() | nodes.Not() | nodes.Test() | nodes.Filter(name="concat text"):
                return self.expression(node)
            case nodes.CondExpr():
                return self._choice(node, self.result)
            case nodes.List() | nodes.Tuple():
                return f"[{', '.join(map(self.result, node.items))}]"
            case nodes.Dict() if all(_is_text(pair.key) for pair in node.items):
                pairs = (f"{self.expression(pair.key)}: {self.result(pair.value)}" for pair in node.items)
                return f"{{{', '.join(pairs)}}}"
        return f"{'settle' if _is_data(node) else 'plain'}({self.expression(node)})"

    def expression(self, node: nodes.Expr) -> str:
        """A node where a value is needed; undefined values raise."""
        match node:
            case nodes.Const():
                return self._constant(node)
            case nodes.TemplateData():
                return repr(node.data)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Test():
                return self._test(node)
            case nodes.Compare():
                return self._comparison(node)
            case nodes.CondExpr():
                return self._choice(node, self.expression)
            case nodes.List():
                return f"[{self._list(node.items)}]"
            case nodes.Tuple():
                return f"({self._list(node.items)}{',' if node.items else ''})"
            case nodes.Dict():
                return f"{{{', '.join(f'{self.expression(p.key)}: {self.expression(p.value)}' for p in node.items)}}}"
            case nodes.Not() | nodes.Neg() | nodes.Pos():
                return f"({node.operator} {self.expression(node.node)})"
            case nodes.BinExpr():
                return self._binary(node)
        raise _Unknown

    def _constant(self, node: nodes.Const) -> str:
        if node.value is not None and not isinstance(node.value, (str, int, float)):
            raise _Unknown
        return repr(node.value)

    def _list(self, items: list[nodes.Expr]) -> str:
        return ", ".join(map(self.expression, items))

    def _binary(self, node: nodes.BinExpr) -> str:
        left, right = self.expression(node.left), self.expression(node.right)
        if type(node) in _BOUNDED:
            return f"{_BOUNDED[type(node)]}({left}, {right})"
        return f"({left} {_OPERATORS[type(node)]} {right})"

    def _comparison(self, node: nodes.Compare) -> str:
        operands = (f" {_COMPARISONS[part.op]} {self.expression(part.expr)}" for part in node.ops)
        return f"({self.expression(node.expr)}{''.join(operands)})"

    def _choice(self, node: nodes.CondExpr, write: Callable[[nodes.Expr], str]) -> str:
        assert node.expr2 is not None
        return f"({write(node.expr1)} if {self.expression(node.test)} else {write(node.expr2)})"

    def _read(self, node: nodes.Expr) -> str:
        """A name or a key, by plain subscripts as far as the scope reaches."""
        if isinstance(node, nodes.Name):
            return f"scope[{node.name!r}]"
        if not isinstance(node, (nodes.Getattr, nodes.Getitem)):
            return f"present({self.expression(node)})"
        key = repr(node.attr) if isinstance(node, nodes.Getattr) else self.expression(node.arg)
        if _reads_scope(node):
            return f"{self._read(node.node)}[{key}]"
        return f"present({self._tolerant(node)})"

    def _tolerant(self, node: nodes.Expr) -> str:
        """A node that may give an undefined value."""
        match node:
            case nodes.Name():
                return f"lookup(scope, {node.name!r})"
            case nodes.Getattr():
                return f"attribute({self._tolerant(node.node)}, {node.attr!r})"
            case nodes.Getitem():
                return f"item({self._tolerant(node.node)}, {self.expression(node.arg)})"
            case nodes.CondExpr():
                return self._choice(node, self._tolerant)
        return self.expression(node)

    def _filter(self, node: nodes.Filter) -> str:
        if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise _Unknown
        match node.name:
            case "required value":
                return self._read(node.node)
            case "or null":
                return self.expression(node.node)
            case "concat text":
                pieces = (f"text({self.expression(part)})" for part in (node.node, *node.args))
                return f"join_text(({', '.join(pieces)},))"
            case "is in":
                return f"({self.expression(node.node)} in {self.expression(node.args[0])})"
            case "is not in":
                return f"({self.expression(node.node)} not in {self.expression(node.args[0])})"
            case "part of" if not isinstance(node.node, _LITERALS):
                return f"{self.expression(node.node)}[{':'.join(map(self.expression, node.args))}]"
            case "call method":
                return self._call("call_method", [node.node, *node.args], node.kwargs, self.expression)
            case "call function" if isinstance(node.node, nodes.Const) and node.node.value in ("dict", "range"):
                return self._call(f"function_{node.node.value}", node.args, node.kwargs, self.expression)
            case "d" | "default":
                return self._call("filter_default", [node.node, *node.args], node.kwargs, self._tolerant)
        return self._plain_filter(node, node.node)

    def _plain_filter(self, node: nodes.Filter, subject: nodes.Expr) -> str:
        mark = getattr(FILTER_TABLE.get(node.name, _Writer), "jinja_pass_arg", None)
        if node.name not in FILTER_TABLE or mark not in (None, _GIVEN_ENVIRONMENT):
            raise _Unknown
        before = "" if mark is None else f"{self._environment}, "
        return self._call(f"filter_{node.name}", [subject, *node.args], node.kwargs, self.expression, before)

    def _test(self, node: nodes.Test) -> str:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise _Unknown
        match node.name:
            case "defined":
                return f"is_defined({self._tolerant(node.node)})"
            case "undefined":
                return f"(not is_defined({self._tolerant(node.node)}))"
            case "none" | "None":
                return f"is_none({self._tolerant(node.node)})"
        if not node.name.isidentifier():
            raise _Unknown
        return self._call(f"test_{node.name}", [node.node, *node.args], node.kwargs, self.expression)

    def _call(
        self,
        function: str,
        args: list[nodes.Expr],
        kwargs: list[Any],
        write: Callable[[nodes.Expr], str],
        before: str = "",
    ) -> str:
        written = [*map(write, args), *(f"{named.key}={write(named.value)}" for named in kwargs)]
        return f"{function}({before}{', '.join(written)})"


def _reads_scope(node: nodes.Node) -> bool:
    """Whether it is a name, or keys of one: data of the run."""
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return isinstance(node, nodes.Name)


def _is_text(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def _is_data(node: nodes.Expr) -> bool:
    """Whether the value is data of the run, or a scalar computed from it: no tuple or the like can hide inside."""
    match node:
        case nodes.Const() | nodes.Compare() | nodes.Not() | nodes.Test() | nodes.Filter(name="concat text"):
            return True
        case nodes.Filter(name="required value", node=nodes.Node() as read):
            return _reads_scope(read) or _is_data_with_default(read)
        case nodes.CondExpr(expr1=nodes.Expr() as first, expr2=nodes.Expr() as second):
            return _is_data(first) and _is_data(second)
        case nodes.BinExpr(left=nodes.Expr() as first, right=nodes.Expr() as second):
            return _is_data(first) and _is_data(second)
        case nodes.UnaryExpr(node=nodes.Expr() as operand):
            return _is_data(operand)
    return False


def _is_data_with_default(node: nodes.Node) -> bool:
    if not isinstance(node, nodes.Filter) or node.name not in ("d", "default") or node.node is None:
        return False
    return _reads_scope(node.node) and all(isinstance(part, nodes.Const) or _is_empty(part) for part in node.args)


def _is_empty(node: nodes.Expr) -> bool:
    return isinstance(node, (nodes.List, nodes.Dict)) and not node.items
