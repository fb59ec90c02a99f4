"""Renders templates and judges conditions as far as their names are known; brackets stand for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from noetl.actions.touch import Unknown
from noetl.expressions import as_text, compile_expression
from noetl.expressions.pieces import Piece, conjuncts, cut
from noetl.expressions.plain_paths import plain_path
from noetl.model.expression import Expression, Names
from noetl.runtime.planning.knowledge import NotKnown, needs_of
from noetl.runtime.planning.outlook import Outlook
from noetl.values import to_json


def render(value: Any, outlook: Outlook) -> Any:
    """The data of a template, with an Unknown at each leaf that is not known in full. Raises ExpressionError."""
    if isinstance(value, Expression):
        return _evaluated(value, outlook)
    if isinstance(value, dict):
        return {key: render(item, outlook) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [render(item, outlook) for item in value]
    return value


def judge(condition: Expression, outlook: Outlook) -> bool | None:
    """Whether a condition holds; None where only the run will know. Raises ExpressionError."""
    try:
        return bool(condition.evaluate(outlook))
    except NotKnown:
        return False if any(_is_false(part, outlook) for part in conjuncts(condition.source)) else None


def _is_false(evaluate: Callable[[Names], Any], outlook: Outlook) -> bool:
    """Whether that is known already; then it does not matter what the rest of the condition is."""
    try:
        return not evaluate(outlook)
    except (NotKnown, Exception):
        return False


def _evaluated(expression: Expression, outlook: Outlook) -> Any:
    try:
        return expression.evaluate(outlook)
    except NotKnown as unknown:
        needs = unknown.needs
    path = plain_path(expression.source, lenient=False)
    if path is not None:
        return outlook.at_path(path)
    pieces = cut(expression.source) or []
    if sum(not piece.literal or bool(piece.text.strip()) for piece in pieces) < 2:
        return Unknown.of(outlook.needs(expression) or needs)
    values = [piece.text if piece.literal else _evaluated(_compiled(piece, expression), outlook) for piece in pieces]
    text = "".join(as_text(to_json(value)) for value in values)
    return Unknown.within(text, needs_of(values))


def _compiled(piece: Piece, whole: Expression) -> Expression:
    return compile_expression(piece.text, lambda offset, length: whole.at(piece.offset + offset, length))
