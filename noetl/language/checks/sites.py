"""Each piece of work of a playbook with where it stands, and the variables that it sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from noetl.model.expression import Expression
from noetl.model.playbook import ActionCall, Block, Playbook, Step, Task, TaskCall
from noetl.span import Span

AnyWork = ActionCall | TaskCall | Block

NO_NAMES: frozenset[str] = frozenset()

#: The value of a write that the run alone knows.
UNKNOWN: Any = object()


class Site(msgspec.Struct, frozen=True, gc=False):
    """A piece of work and where it stands.

    `loops` are the variables of the loops around it; `is_bounded` says that something around it has a `timeout`. The
    own loop and timeout do not count.
    """

    work: AnyWork
    owner: Step | Task
    loops: frozenset[str] = NO_NAMES
    is_bounded: bool = False
    is_fallback: bool = False

    @property
    def task(self) -> str | None:
        """The task that the work is part of."""
        return self.owner.name if isinstance(self.owner, Task) else None

    @property
    def inner_loops(self) -> frozenset[str]:
        """The loop variables within the work: those around it and its own."""
        return self.loops if self.work.loop is None else self.loops | {self.work.loop.name}


class Write(msgspec.Struct, frozen=True, gc=False):
    """A variable that a piece of work sets.

    `span` is the place of the name, or, with `mapping`, of the mapping that has it as a key. `value` is what
    the playbook says, UNKNOWN where it says nothing.
    """

    name: str
    span: Span
    value: Any = UNKNOWN
    mapping: Mapping[str, Any] | None = None


def all_sites(playbook: Playbook) -> list[Site]:
    """All work there is, fallbacks and compensations included, in the order of the text."""
    found: list[Site] = []
    for step in playbook.steps.values():
        if step.work is not None:
            _collect(Site(step.work, step), found)
        for case in step.cases:
            if case.work is not None:
                _collect(Site(case.work, step), found)
    for task in playbook.tasks.values():
        for call in task.run:
            _collect(Site(call, task), found)
    return found


def _collect(site: Site, found: list[Site]) -> None:
    found.append(site)
    work = site.work
    if isinstance(work, Block):
        loops, bounded = site.inner_loops, site.is_bounded or work.timeout is not None
        for call in work.run:
            _collect(Site(call, site.owner, loops, bounded), found)
    for served in (work.fallback, work.compensate):
        if served is not None:
            _collect(Site(served, site.owner, site.inner_loops, site.is_bounded, is_fallback=True), found)


def writes_of(work: AnyWork) -> list[Write]:
    """The variables that the work itself sets, not what it calls."""
    stored = stored_by(work)
    if isinstance(work, ActionCall) and work.action == "set" and "values" in work.options:
        template = work.options["values"]
        if isinstance(template.value, Mapping):
            stored += [Write(name, template.span, value, template.value) for name, value in template.value.items()]
    return stored


def stored_by(work: AnyWork) -> list[Write]:
    """The variables that the work's `as` sets."""
    store = work.store
    if store is None:
        return []
    if store.name is not None:
        return [Write(store.name, store.span)]
    mapping = {name: template.value for name, template in store.unpack}
    return [Write(name, store.span, mapping=mapping) for name in mapping]


def sets_unknown_names(work: AnyWork) -> bool:
    """Whether it is a `set` whose names an expression gives."""
    if not (isinstance(work, ActionCall) and work.action == "set" and "values" in work.options):
        return False
    return isinstance(work.options["values"].value, Expression)


def holds_expression(value: Any) -> bool:
    """Whether a template's value has an expression at some leaf."""
    if isinstance(value, Mapping):
        return any(holds_expression(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(holds_expression(item) for item in value)
    return isinstance(value, Expression)
