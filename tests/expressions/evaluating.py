"""Short ways to compile and evaluate one text, by either way there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noetl.errors import ExpressionError
from noetl.expressions import CompileError, compile_condition, compile_expression
from noetl.expressions.building import build, build_renderer
from noetl.expressions.failures import explain
from noetl.model.expression import Expression
from noetl.span import Source, Span


def place(text: str) -> Any:
    source = Source("playbook.yaml", text)
    return lambda offset, length: Span(source, 1, offset + 1, length)


def template(text: str) -> Expression:
    return compile_expression(text, place(text))


def condition(text: str) -> Expression:
    return compile_condition(text, place(text))


def value(text: str, scope: Mapping[str, Any] | None = None) -> Any:
    return template(text).evaluate(scope or {})


def holds(text: str, scope: Mapping[str, Any] | None = None) -> bool:
    return bool(condition(text).evaluate(scope or {}))


def failure(text: str, scope: Mapping[str, Any] | None = None, *, lenient: bool = False) -> ExpressionError:
    """The error of an evaluation that must fail."""
    try:
        found = (condition if lenient else template)(text).evaluate(scope or {})
    except ExpressionError as error:
        return error
    raise AssertionError(f"{text} gave {found!r}")


def problem(text: str, *, lenient: bool = False) -> CompileError:
    """The error of a text that must not compile."""
    try:
        (condition if lenient else template)(text)
    except CompileError as error:
        return error
    raise AssertionError(f"{text} compiled")


def marked(text: str, error: CompileError) -> str:
    """The part of the text that the error points at."""
    return text[error.offset : error.offset + error.length]


def spanned(text: str, span: Span | None) -> str:
    """The part of the text that the span covers."""
    assert span is not None
    return text[span.column - 1 : span.column - 1 + span.length]


def reference(text: str, scope: Mapping[str, Any], *, lenient: bool) -> Any:
    """The value that Jinja2's own renderer gives in our environment, or the error."""
    paths, _ = build(text, lenient=lenient)
    try:
        return build_renderer(text, frozenset(str(path[0]) for path in paths), lenient=lenient).evaluate(scope)
    except Exception as error:
        return explain(error, scope, text, place(text))


class WentWrong(Exception):
    """The fast way has left the evaluation to the reference."""


def fast(text: str, scope: Mapping[str, Any], *, lenient: bool) -> Any:
    """The value of the emitted function alone; WentWrong where it leaves the answer to the reference."""
    _, make = build(text, lenient=lenient)
    if make is None:
        raise WentWrong

    def way_out(_: Any) -> Any:
        raise WentWrong

    return make(way_out)(scope)
