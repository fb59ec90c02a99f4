"""Located nodes to templates, expressions and conditions, compiled; what does not compile is reported at its place."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, NoReturn

from noetl.expressions import CompileError, build_template, compile_condition, compile_expression, is_template
from noetl.language import literals
from noetl.language.nodes import Mapping, Node, Scalar, Sequence
from noetl.language.report import Report
from noetl.model.expression import Expression, Names, Template
from noetl.span import Span

#: The largest and smallest integers that every JSON reader of the run keeps whole.
_INTEGERS = range(-(2**63), 2**64)


def is_expression(node: Node | None) -> bool:
    """Whether it is a text with `{{ }}` or `{% %}` in it."""
    return isinstance(node, Scalar) and isinstance(node.value, str) and not node.literal and is_template(node.value)


def template(report: Report, node: Node, conditions: Collection[str] = ()) -> Template:
    """A value whose strings may be templates; under the keys in `conditions` stand conditions."""
    value = _value(report, node, templates=True)
    if isinstance(node, Mapping):
        for key in node.entries.keys() & set(conditions):
            value[key] = condition(report, node.entries[key][1], f"'{key}'")
    return build_template(value, node.span)


def constant(report: Report, node: Node) -> Template:
    """A value that is taken as it stands, whatever it looks like."""
    return build_template(_value(report, node, templates=False), node.span)


def data(report: Report, node: Node) -> Any:
    """The plain JSON data of a node."""
    return _value(report, node, templates=False)


def expression(report: Report, node: Scalar) -> Expression:
    """A text that is a template."""
    return _compiled(report, node, compile_expression)


def condition(report: Report, node: Node, what: str) -> Expression | None:
    """A condition, with or without `{{ }}`, or a boolean."""
    if isinstance(node, Scalar) and isinstance(node.value, bool | str):
        if node.text.strip():
            return _compiled(report, node, compile_condition)
        report.error("bad-value", f"{what} must be a condition, got an empty text", node)
        return None
    report.wrong_type(what, "a condition", node)
    return None


def duration_or_expression(report: Report, node: Node, what: str) -> float | Expression | None:
    """Seconds, or what gives a duration."""
    if isinstance(node, Scalar) and is_expression(node):
        return expression(report, node)
    return literals.duration(report, node, what)


def count_or_expression(report: Report, node: Node, what: str) -> int | Expression | None:
    """A count from 1, or what gives one."""
    if isinstance(node, Scalar) and is_expression(node):
        return expression(report, node)
    return literals.count(report, node, what)


def _compiled(
    report: Report, node: Scalar, compiler: Callable[[str, Callable[[int, int], Span]], Expression]
) -> Expression:
    try:
        return compiler(node.text, node.at)
    except CompileError as error:
        report.error(error.code, error.message, node.at(error.offset, error.length), error.hint)
        return _broken(node)


def _broken(node: Scalar) -> Expression:
    """Stands in for an expression that was reported, so that the rest of the playbook can be checked."""

    def evaluate(names: Names) -> NoReturn:
        raise AssertionError("a playbook with errors is never run")

    return Expression(
        source=node.text, span=node.span, at=node.at, paths=frozenset(), names=frozenset(), evaluate=evaluate
    )


def _value(report: Report, node: Node, *, templates: bool) -> Any:
    if isinstance(node, Scalar):
        if isinstance(node.value, str):
            return expression(report, node) if templates and is_expression(node) else node.value
        return _number(report, node) if isinstance(node.value, int | float) else node.value
    if isinstance(node, Mapping):
        return {key: _value(report, value, templates=templates) for key, (_, value) in node.entries.items()}
    assert isinstance(node, Sequence)
    return [_value(report, item, templates=templates) for item in node.items]


def _number(report: Report, node: Scalar) -> Any:
    value = node.value
    if isinstance(value, float) and not math.isfinite(value):
        report.error("bad-value", f"'{node.text}' is a number that JSON does not have", node, "quote it")
        return None
    if isinstance(value, int) and value not in _INTEGERS:
        report.error("bad-value", f"'{node.text}' has more than 64 bits", node, "quote it, to pass it on as a text")
        return None
    return value
