"""Values of a playbook with expressions at some leaves, as one callable that renders them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from noetl.model.expression import Expression, Names, Template
from noetl.span import Span

Render = Callable[[Names], Any]


def is_template(text: str) -> bool:
    """Whether the text holds anything to evaluate; else it is a literal."""
    return "{{" in text or "{%" in text


def build_template(value: Any, span: Span) -> Template:
    """The template of JSON data that has Expression objects at leaves; `render` gives fresh data each time."""
    expressions = tuple(_expressions(value))
    names = frozenset(name for expression in expressions for name in expression.names)
    return Template(value=value, span=span, expressions=expressions, names=names, render=_renderer(value))


def _expressions(value: Any) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _expressions(item)


def _renderer(value: Any) -> Render:
    if isinstance(value, Expression):
        return value.evaluate
    if isinstance(value, dict):
        return _mapping(value)
    if isinstance(value, list):
        return _list(value)
    return lambda scope: value


def _mapping(value: dict[str, Any]) -> Render:
    """Copies the scalars at once, and renders the rest key by key, in the order of the keys."""
    fixed = {key: None if _rendered(item) else item for key, item in value.items()}
    moving = [(key, _renderer(item)) for key, item in value.items() if _rendered(item)]
    if not moving:
        return lambda scope: fixed.copy()

    def render(scope: Names) -> dict[str, Any]:
        result = fixed.copy()
        for key, item in moving:
            result[key] = item(scope)
        return result

    return render


def _list(value: list[Any]) -> Render:
    if not any(map(_rendered, value)):
        return lambda scope: value.copy()
    items = [_renderer(item) for item in value]
    return lambda scope: [item(scope) for item in items]


def _rendered(value: Any) -> bool:
    return isinstance(value, (Expression, dict, list))
