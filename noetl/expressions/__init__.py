"""Templates and conditions: Jinja2 text becomes plain Python callables over a scope. Knows neither YAML nor steps.

Jinja2 is imported with the first template, since a playbook without one starts faster without it.
"""

from __future__ import annotations

from collections.abc import Callable

from noetl.expressions.compiler import compile_text
from noetl.expressions.errors import CompileError
from noetl.expressions.templates import build_template, is_template
from noetl.expressions.text import text as as_text
from noetl.expressions.vocabulary import FILTERS, FUNCTIONS, TESTS
from noetl.model.expression import Expression, Path
from noetl.span import Span

__all__ = [
    "FILTERS",
    "FUNCTIONS",
    "TESTS",
    "CompileError",
    "as_text",
    "build_template",
    "compile_condition",
    "compile_expression",
    "find_name",
    "is_template",
]


def compile_expression(text: str, at: Callable[[int, int], Span]) -> Expression:
    """A template: exactly one `{{ expression }}` keeps the type of its value, anything else gives text.

    `at(offset, length)` is the place of a part of the text. Raises CompileError.
    """
    return compile_text(text, at, lenient=False)


def compile_condition(text: str, at: Callable[[int, int], Span]) -> Expression:
    """A condition, with or without `{{ }}`; its truth is the truth of its value. Raises CompileError.

    What has no value, and any attribute of it, is false. So is every comparison with it but `is undefined`, `is none`
    and `== none`, which is another spelling of that; what is computed from it has no value either.
    """
    return compile_text(text, at, lenient=True)


def find_name(expression: Expression, path: str | Path) -> Span:
    """Where the expression first reads the name or path (`steps.Load`, `("steps", "Load")`); else the whole of it."""
    from noetl.expressions.locating import locate

    place = locate(expression.source, tuple(path.split(".")) if isinstance(path, str) else path)
    return expression.span if place is None else expression.at(*place)
