"""Fields that may be a literal or an expression: durations and counts, in one place."""

from __future__ import annotations

from noetl.errors import ExpressionError
from noetl.machine.scope import Scope
from noetl.model.expression import Expression
from noetl.units import parse_duration


def duration(field: float | Expression, scope: Scope) -> float:
    """Seconds. Raises ExpressionError where the value is no duration."""
    if not isinstance(field, Expression):
        return field
    value = field.evaluate(scope)
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ExpressionError(f"'{field.source}' is no duration: {error}", span=field.span) from error


def count(field: int | Expression, scope: Scope) -> int:
    """A whole number from 0. Raises ExpressionError where the value is none."""
    if not isinstance(field, Expression):
        return field
    value = field.evaluate(scope)
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ExpressionError(f"'{field.source}' is no whole number from 0", span=field.span)
    return value
