"""Held values: templates that read `secrets` or `env` stay expressions until the action is carried out (language.md 5).

So no secret enters the state of a run: an event holds the expression, with the values of the other names that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from noetl.expressions import compile_expression
from noetl.model.expression import Expression, Names, Template
from noetl.span import Source, Span

#: The names that are never evaluated by the machine.
OUTSIDE = frozenset({"secrets", "env"})

#: Functions of the scope; what holds an expression gives its own.
FUNCTIONS = frozenset({"now", "uuid", "random"})

_NOWHERE = Span(Source("<held>", ""), 1, 1)


class Held(msgspec.Struct, frozen=True):
    """A template kept for later: `tree` is its value with null at the `leaves`, each `(path, source)`.

    `values` are those of the plain names it reads, `held` those that are held themselves, and `environment` the held
    entries of the environment that it reads as `environment.NAME`.
    """

    tree: Any
    leaves: list[tuple[list[str | int], str]]
    values: dict[str, Any] = {}
    held: dict[str, Held] = {}
    environment: dict[str, Held] = {}


def is_held(template: Template, names: Names, environment: Mapping[str, Any]) -> bool:
    """Whether rendering the template now would need a secret or the process environment."""
    return any(_reads_outside(expression, names, environment) for expression in template.expressions)


def _reads_outside(expression: Expression, names: Names, environment: Mapping[str, Any]) -> bool:
    for name in expression.names:
        if name in OUTSIDE or (name in names and isinstance(names[name], Held)):
            return True
    return any(True for _ in _held_entries(expression, environment))


def _held_entries(expression: Expression, environment: Mapping[str, Any]) -> Iterator[str]:
    """The held entries that `environment.NAME`, or `environment` as a whole, reaches."""
    for path in expression.paths:
        if path[0] == "environment":
            reached = environment if len(path) == 1 else (path[1],)
            yield from (str(key) for key in reached if isinstance(environment.get(str(key)), Held))


def hold(template: Template, names: Names, environment: Mapping[str, Any]) -> Held:
    """Keep a template as it stands, with what it reads of the run."""
    leaves: list[tuple[list[str | int], str]] = []
    tree = _split(template.value, [], leaves)
    values: dict[str, Any] = {}
    held: dict[str, Held] = {}
    entries: dict[str, Held] = {}
    for expression in template.expressions:
        for entry in _held_entries(expression, environment):
            entries[entry] = environment[entry]
        for name in expression.names - OUTSIDE - FUNCTIONS:
            if name not in names:
                continue
            value = names[name]
            if isinstance(value, Held):
                held[name] = value
            else:
                values[name] = plain(value)
    return Held(tree=tree, leaves=leaves, values=values, held=held, environment=entries)


def plain(value: Any) -> Any:
    """JSON data for what a scope may show lazily; held values in it are left out."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if not isinstance(item, Held)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _split(value: Any, path: list[str | int], leaves: list[tuple[list[str | int], str]]) -> Any:
    if isinstance(value, Expression):
        leaves.append((path, value.source))
        return None
    if isinstance(value, Mapping):
        return {key: _split(item, [*path, key], leaves) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_split(item, [*path, index], leaves) for index, item in enumerate(value)]
    return value


def release(held: Held, outside: Mapping[str, Any]) -> Any:
    """Render what was held. `outside` gives `secrets`, `env` and the functions; raises ExpressionError."""
    names: dict[str, Any] = {**held.values, **outside}
    for name, inner in held.held.items():
        names[name] = release(inner, outside)
    if held.environment:
        entries = {name: release(inner, outside) for name, inner in held.environment.items()}
        names["environment"] = {**held.values.get("environment", {}), **entries}
    tree = held.tree
    for path, source in held.leaves:
        value = compile_expression(source, lambda offset, length: _NOWHERE).evaluate(names)
        if not path:
            return value
        tree = _with(tree, path, value)
    return tree


def _with(tree: Any, path: list[str | int], value: Any) -> Any:
    """The tree with one leaf replaced; what it came from stays as it was."""
    if not path:
        return value
    head, *rest = path
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[head] = _with(copy[head], rest, value)
    return copy
