"""The names that an expression sees from a place of the playbook before the run, in the lookup order of language.md 4.

A variable is known as long as nothing that sets it can have come before: another step from which a token can reach this
one, or an earlier call of the same step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from noetl.actions.touch import SECRET, Unknown, after
from noetl.expressions.vocabulary import RECORDED
from noetl.model.expression import Expression
from noetl.model.playbook import Playbook, Step
from noetl.runtime.planning.knowledge import Partial, guarded, needs_of
from noetl.runtime.planning.writes import Writes, WriteTable

_OUTCOME = frozenset({"result", "results", "error", "last_error"})
_VARIABLES = frozenset({"context", "variables"})

#: So many steps that may have set a variable are told by name: in a large playbook all of them may set the same one.
_MOST_SETTERS = 20

#: The names that no variable can hide.
_ALWAYS = (
    _OUTCOME | _VARIABLES | RECORDED | {"inputs", "environment", "env", "secrets", "steps", "playbook", "execution"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a run begins with, as far as it is known.

    `process` is the environment of the process; `sources` are the steps that move to a step, by its name.
    """

    playbook: Playbook
    inputs: Partial
    environment: Partial
    context: Partial
    process: Partial
    writes: WriteTable
    sources: Mapping[str, Sequence[str]]


@dataclass(slots=True, kw_only=True)
class Changes:
    """What a step has done up to a place in it: its last outcome, and why which variables are not known any more."""

    outcome: Any
    variables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    any_variable: tuple[str, ...] = ()

    def copy(self) -> Changes:
        return replace(self, variables=dict(self.variables))


class Outlook:
    """The names that can be read at one place; `changes` are shared by all places of the same flow of work.

    `before` is the bit set of the steps that may have been visited before, and `own` has the bit of this step alone.
    """

    def __init__(self, begun: Beginning, local: Partial, changes: Changes, before: int = 0, own: int = 0) -> None:
        self.begun = begun
        self.local = local
        self.changes = changes
        self.before = before
        self.own = own

    @classmethod
    def at_start(cls, begun: Beginning) -> Outlook:
        """Where nothing has been done yet."""
        return cls(begun, Partial({}), Changes(outcome=None))

    @classmethod
    def at_step(cls, begun: Beginning, step: Step) -> Outlook:
        """Where a visit of a step begins."""
        playbook = begun.playbook
        sources = begun.sources.get(step.name)
        changes = Changes(outcome=Unknown.of(map(after, sources)) if sources else None)
        return cls(begun, Partial({}), changes, playbook.reaching(step.index), 1 << step.index)

    def with_names(self, local: Mapping[str, Any]) -> Outlook:
        """The same flow of work, with other loop variables and arguments."""
        return Outlook(self.begun, Partial(local), self.changes, self.before, self.own)

    def apart(self) -> Outlook:
        """The same place, in a view of its own."""
        return Outlook(self.begun, self.local, self.changes.copy(), self.before, self.own)

    def changed(self, writes: Writes, by: str) -> None:
        """Something with this name has set variables, or may have."""
        reason = (after(by),)
        self.changes.variables.update(dict.fromkeys(writes.names, reason))
        if writes.any_name:
            self.changes.any_variable = reason

    def __getitem__(self, name: str, /) -> Any:
        if name in self.local:
            return self.local[name]
        if name in ("inputs", "environment"):
            return (self.begun.inputs if name == "inputs" else self.begun.environment).readable
        if name == "steps":
            return Partial(self._visits())
        if name not in _ALWAYS and not self._setters(name):
            for values in self._beginnings():
                if name in values:
                    return values[name]
        return guarded(self.shown(name))

    def __contains__(self, name: object, /) -> bool:
        try:
            self.shown(str(name))
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        """All names there are, for a hint at a misspelt one."""
        yield from _ALWAYS
        for names in (self.local, self.changes.variables, *self._beginnings()):
            yield from names

    def shown(self, name: str) -> Any:
        """The value, with what stands for the parts that are not known. Raises KeyError."""
        if name in self.local:
            return self.local.values_shown[name]
        if name in _ALWAYS:
            return self._always(name)
        if reasons := self._setters(name):
            return Unknown.of(reasons)
        for values in self._beginnings():
            if name in values:
                return values.values_shown[name]
        raise KeyError(name)

    def at_path(self, path: Iterable[str | int]) -> Any:
        """What stands at a path; None where there is nothing."""
        first, *keys = path
        try:
            value = self.shown(str(first))
            for key in keys:
                if isinstance(value, Unknown):
                    return value
                value = value[key]
        except (LookupError, TypeError):
            return None
        return value

    def needs(self, expression: Expression) -> tuple[str, ...]:
        """Why an expression cannot be evaluated yet."""
        paths = sorted(expression.paths, key=str)
        return tuple(dict.fromkeys(need for path in paths for need in needs_of(self.at_path(path))))

    def _beginnings(self) -> tuple[Partial, ...]:
        return self.begun.context, self.begun.inputs, self.begun.environment

    def _setters(self, name: str) -> tuple[str, ...]:
        """What may have set a variable before."""
        begun, changes = self.begun, self.changes
        here = (*changes.variables.get(name, ()), *changes.any_variable)
        return here or tuple(_after_steps(begun.playbook, begun.writes.setters(name) & self.before))

    def _always(self, name: str) -> Any:
        begun = self.begun
        playbook = begun.playbook
        if name in RECORDED:
            return Unknown.of((f"{name}()",))
        if name in _OUTCOME:
            return self.changes.outcome
        if name in _VARIABLES:
            return self._variables()
        match name:
            case "inputs":
                return begun.inputs.values_shown
            case "environment":
                return begun.environment.values_shown
            case "env":
                return begun.process.values_shown
            case "secrets":
                return dict.fromkeys(playbook.secrets, Unknown.of((SECRET,)))
            case "steps":
                return self._visits()
            case "playbook":
                return {"name": playbook.name, "version": playbook.version}
        drawn = {key: Unknown.of((f"execution.{key}",)) for key in ("id", "started_at")}
        return {**drawn, "attempt": 1}

    def _variables(self) -> Any:
        if reasons := self._setters(""):
            # Somebody sets variables whose names nobody knows.
            return Unknown.of(reasons)
        set_later = {name: Unknown.of(reasons) for name in self.begun.writes.names if (reasons := self._setters(name))}
        return {**self.begun.context.values_shown, **set_later}

    def _visits(self) -> Visits:
        return Visits(self.begun.playbook, self.before | self.own)


class Visits(Mapping[str, Any]):
    """`steps`: those of a bit set may have been visited, nobody knows how it went; of others there is nothing."""

    def __init__(self, playbook: Playbook, visited: int) -> None:
        self._playbook = playbook
        self._visited = visited

    def __getitem__(self, name: str, /) -> Any:
        if self._visited >> self._playbook.steps[name].index & 1:
            return Unknown.of((after(name),))
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (step.name for step in self._playbook.step_list if self._visited >> step.index & 1)

    def __len__(self) -> int:
        return self._visited.bit_count()


def _after_steps(playbook: Playbook, steps: int) -> Iterator[str]:
    """The reasons for which what these steps set is not known: the first of them, and how many more there are."""
    for _ in range(_MOST_SETTERS):
        if not steps:
            return
        first = steps & -steps
        yield after(playbook.step_list[first.bit_length() - 1].name)
        steps ^= first
    if steps:
        yield after(f"{steps.bit_count()} more steps")
