"""The commonest template, `{{ name.key }}`, evaluated without Jinja2: nothing is parsed, nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from noetl.expressions.text import settle
from noetl.expressions.vocabulary import RECORDED
from noetl.model.expression import Names

_PATH = r"\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*"
_TEMPLATE = re.compile(r"\s*\{\{" + _PATH + r"\}\}\s*")
_CONDITION = re.compile(_PATH)

#: Words that are more than names, or that must be refused.
_SPECIAL = RECORDED | {
    "and",
    "else",
    "false",
    "False",
    "if",
    "in",
    "is",
    "none",
    "None",
    "not",
    "or",
    "self",
    "true",
    "True",
}


def plain_path(text: str, *, lenient: bool) -> tuple[str, ...] | None:
    """The names of the path, if the text is nothing but one."""
    found = _TEMPLATE.fullmatch(text) or (_CONDITION.fullmatch(text) if lenient else None)
    if found is None:
        return None
    names = tuple(found[1].split("."))
    dunder = any(name.startswith("__") and name.endswith("__") for name in names)
    return None if dunder or names[0] in _SPECIAL else names


def path_evaluator(
    path: tuple[str, ...], *, lenient: bool
) -> Callable[[Callable[[Names], Any]], Callable[[Names], Any]]:
    """Makes the function that reads the path, given the one for when there is no value."""
    name, *keys = path
    if lenient:
        return lambda otherwise: _condition(name, keys, otherwise)
    return lambda otherwise: _template(name, keys, otherwise)


def _template(name: str, keys: list[str], otherwise: Callable[[Names], Any]) -> Callable[[Names], Any]:
    def evaluate_name(scope: Names) -> Any:
        try:
            return settle(scope[name])
        except Exception:
            return otherwise(scope)

    def evaluate_path(scope: Names) -> Any:
        try:
            value = scope[name]
            for key in keys:
                value = value[key]
            return settle(value)
        except Exception:
            return otherwise(scope)

    return evaluate_path if keys else evaluate_name


def _condition(name: str, keys: list[str], otherwise: Callable[[Names], Any]) -> Callable[[Names], Any]:
    def evaluate(scope: Names) -> Any:
        try:
            value = scope[name]
            for key in keys:
                value = value[key]
            return value
        except Exception:
            return otherwise(scope)

    return evaluate
