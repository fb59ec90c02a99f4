"""Which variables a piece of work may set, with what the tasks that it calls set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from noetl.language.checks.sites import AnyWork, sets_unknown_names, writes_of
from noetl.model.playbook import Block, Playbook, Step, TaskCall


class Writes(NamedTuple):
    """The names of variables; `any_name` says that there may be others, since an expression gives the names."""

    names: frozenset[str]
    any_name: bool


class WriteTable:
    """The writes of all steps, tasks and calls of a playbook, found when somebody asks."""

    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook
        self._tasks: dict[str, Writes] = {}

    def of_work(self, work: AnyWork) -> Writes:
        """What outlasts the work: its own writes, and those of its calls and its fallback."""
        parts = list(_parts(work))
        return _joined([*map(_own, parts), *(self._of_task(part.task) for part in parts if isinstance(part, TaskCall))])

    def setters(self, name: str) -> int:
        """The bit set of the steps that may set a variable."""
        by_name, any_name = self._of_steps
        return by_name.get(name, 0) | any_name

    @property
    def names(self) -> Iterable[str]:
        """All variables that the playbook names where it sets them."""
        return self._of_steps[0]

    def _of_task(self, name: str) -> Writes:
        if name not in self._tasks:
            # Without recursion: tasks may call tasks a long way down.
            seen, todo = {name}, [name]
            found: list[Writes] = []
            while todo:
                calls = [part for call in self._playbook.tasks[todo.pop()].run for part in _parts(call)]
                found += map(_own, calls)
                called = {part.task for part in calls if isinstance(part, TaskCall)} - seen
                seen |= called
                todo += called
            self._tasks[name] = _joined(found)
        return self._tasks[name]

    @cached_property
    def _of_steps(self) -> tuple[dict[str, int], int]:
        by_name: dict[str, int] = {}
        any_name = 0
        for step in self._playbook.step_list:
            for writes in map(self.of_work, _works_of(step)):
                for name in writes.names:
                    by_name[name] = by_name.get(name, 0) | 1 << step.index
                any_name |= writes.any_name << step.index
        return by_name, any_name


def _parts(work: AnyWork) -> Iterator[AnyWork]:
    """The work, the calls that it consists of, and their fallbacks; not what stands in called tasks."""
    yield work
    if work.fallback is not None:
        yield from _parts(work.fallback)
    if isinstance(work, Block):
        for call in work.run:
            yield from _parts(call)


def _works_of(step: Step) -> Iterator[Block]:
    if step.work is not None:
        yield step.work
    yield from (case.work for case in step.cases if case.work is not None)


def _own(work: AnyWork) -> Writes:
    return Writes(frozenset(write.name for write in writes_of(work)), sets_unknown_names(work))


def _joined(parts: list[Writes]) -> Writes:
    return Writes(frozenset().union(*(part.names for part in parts)), any(part.any_name for part in parts))
