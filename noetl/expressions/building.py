"""What is made of a text that Jinja2 must read: its paths, its fast evaluator, its reference. Imported only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jinja2 import nodes

from noetl.expressions.checking import check_words, read_paths
from noetl.expressions.emitting import Evaluate, emit
from noetl.expressions.errors import CompileError
from noetl.expressions.reading import read_expression, read_template
from noetl.expressions.templates import is_template
from noetl.expressions.vocabulary import RECORDED
from noetl.model.expression import Path

if TYPE_CHECKING:
    from noetl.expressions.rendering import Renderer


def build(text: str, *, lenient: bool) -> tuple[frozenset[Path], Callable[[Evaluate], Evaluate] | None]:
    """The paths of a template or condition, and its fast way, given the way out. Raises CompileError."""
    tree = read_tree(text, lenient=lenient)
    check_words(tree, text, bare=lenient and not is_template(text))
    paths = read_paths(tree)
    # The way out evaluates again, and must not draw again: what draws has only the one way.
    draws = any(path[0] in RECORDED for path in paths)
    return paths, None if draws else emit(tree, lenient=lenient)


def build_renderer(text: str, names: frozenset[str], *, lenient: bool) -> Renderer:
    """The reference for a text that `build` has accepted."""
    from noetl.expressions.rendering import Renderer

    return Renderer(read_tree(text, lenient=lenient), names, lenient=lenient)


def read_tree(text: str, *, lenient: bool) -> nodes.Template | nodes.Expr:
    """The tree of the expression, or of the template where it is no single expression."""
    if lenient and not is_template(text):
        if not text.strip():
            raise CompileError("template-syntax", "the condition is empty")
        return read_expression(text)
    tree = read_template(text)
    single = _single(tree)
    if single is None and lenient:
        hint = "write the whole condition inside one '{{ }}', or without braces"
        raise CompileError("template-syntax", "a condition is one expression", length=len(text), hint=hint)
    return tree if single is None else single


def _single(tree: nodes.Template) -> nodes.Expr | None:
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    parts = [part for part in tree.body[0].nodes if not isinstance(part, nodes.TemplateData) or part.data.strip()]
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData) else None
