"""Held values: templates that read `secrets` or `env` stay expressions until the action is carried out (language.md 5).

So no secret enters the state of a run: an event holds the expression, with the values of the other names that it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from noetl.expressions import compile_condition, compile_expression
from noetl.model.expression import Expression, Names, Template
from noetl.model.playbook import Later
from noetl.span import Source, Span

#: The names that are never evaluated by the machine.
OUTSIDE = frozenset({"secrets", "env"})

#: Functions of the scope; what holds an expression gives its own.
FUNCTIONS = frozenset({"now", "uuid", "random"})

_NOWHERE = Span(Source("<held>", ""), 1, 1)


class Leaf(msgspec.Struct, frozen=True, array_like=True):
    """An expression in a held template, by the keys and indexes that lead to it."""

    path: list[str | int]
    source: str


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """A template kept for later: `tree` is its value with null at the `leaves`.

    `values` are those of the plain names it reads, `held` those that are held themselves, and `environment` the held
    entries of the environment that it reads as `environment.NAME`. `conditions` are those of its keys that hold
    conditions.
    """

    tree: Any
    leaves: list[Leaf]
    conditions: list[str] = []
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


def hold(template: Template, names: Names, environment: Mapping[str, Any], later: Later | None = None) -> Held:
    """Keep a template as it stands, with what it reads of the run; of a later one, the handler's names are not."""
    outside = OUTSIDE | FUNCTIONS | (later.names if later is not None else frozenset())
    leaves: list[Leaf] = []
    tree = _split(template.value, [], leaves)
    values: dict[str, Any] = {}
    held: dict[str, Held] = {}
    entries: dict[str, Held] = {}
    for expression in template.expressions:
        for entry in _held_entries(expression, environment):
            entries[entry] = environment[entry]
        for name in expression.names - outside:
            if name not in names:
                continue
            value = names[name]
            if isinstance(value, Held):
                held[name] = value
            else:
                values[name] = plain(value)
    conditions = [] if later is None else sorted(later.conditions)
    return Held(tree=tree, leaves=leaves, conditions=conditions, values=values, held=held, environment=entries)


def as_data(held: Mapping[str, Held]) -> dict[str, Any]:
    """As JSON data, for an event."""
    data: dict[str, Any] = msgspec.to_builtins(held)
    return data


def plain(value: Any) -> Any:
    """JSON data for what a scope may show lazily; held values in it are left out."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if not isinstance(item, Held)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _split(value: Any, path: list[str | int], leaves: list[Leaf]) -> Any:
    if isinstance(value, Expression):
        leaves.append(Leaf(path, value.source))
        return None
    if isinstance(value, Mapping):
        return {key: _split(item, [*path, key], leaves) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_split(item, [*path, index], leaves) for index, item in enumerate(value)]
    return value


def release(held: Held, outside: Mapping[str, Any]) -> Any:
    """Render what was held. `outside` gives `secrets`, `env` and the functions; raises ExpressionError."""
    return _rendered(held.tree, held.leaves, _names(held, outside))


def _names(held: Held, outside: Mapping[str, Any]) -> dict[str, Any]:
    """All that the expressions may read."""
    names: dict[str, Any] = {**held.values, **outside}
    for name, inner in held.held.items():
        names[name] = release(inner, outside)
    if held.environment:
        entries = {name: release(inner, outside) for name, inner in held.environment.items()}
        names["environment"] = {**held.values.get("environment", {}), **entries}
    return names


def _rendered(tree: Any, leaves: Iterable[Leaf], names: Names) -> Any:
    for leaf in leaves:
        value = compile_expression(leaf.source, _nowhere).evaluate(names)
        if not leaf.path:
            return value
        tree = _with(tree, leaf.path, value)
    return tree


def _nowhere(offset: int, length: int) -> Span:
    return _NOWHERE


class HeldOption:
    """An option whose handler renders some of its keys itself (`Later`), as often as it needs."""

    def __init__(self, held: Held, outside: Mapping[str, Any]) -> None:
        self._held = held
        self._names = _names(held, outside)

    def shown(self, later: Later) -> Any:
        """The value of the option, with the text of the expressions where they are the handler's."""
        tree = self._held.tree
        own = [leaf for leaf in self._held.leaves if leaf.path[0] in later.keys]
        for leaf in own:
            tree = _with(tree, leaf.path, leaf.source)
        return _rendered(tree, (leaf for leaf in self._held.leaves if leaf not in own), self._names)

    def render(self, key: str, names: Mapping[str, Any]) -> Any:
        """The value of one key, over these names too; None where there is no such key. Raises ExpressionError."""
        known = {**self._names, **names}
        leaves = [Leaf(leaf.path[1:], leaf.source) for leaf in self._held.leaves if leaf.path[0] == key]
        if key in self._held.conditions:
            return any(compile_condition(leaf.source, _nowhere).evaluate(known) for leaf in leaves)
        return _rendered(self._held.tree.get(key), leaves, known)


def _with(tree: Any, path: list[str | int], value: Any) -> Any:
    """The tree with one leaf replaced; what it came from stays as it was."""
    if not path:
        return value
    head, *rest = path
    copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[head] = _with(copy[head], rest, value)
    return copy
