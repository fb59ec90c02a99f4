"""The variables that a piece of work sets, with what the tasks that it calls set."""

from __future__ import annotations

from collections.abc import Iterator

from noetl.language.checks.sites import AnyWork, Write, stored_by, writes_of
from noetl.language.checks.survey import Survey
from noetl.model.playbook import SEQUENTIAL, ActionCall, Block, Loop, TaskCall
from noetl.span import Span

#: How many pieces of work are looked at for one answer: what is set deeper than that is missed.
_MOST_WORK = 500


def effects_of(work: AnyWork, survey: Survey) -> Iterator[Write]:
    """The writes of a block or call that outlast it; those of a called task stand at the call."""
    seen: set[str] = set()
    todo: list[tuple[AnyWork, Span | None]] = [(work, None)]
    for _ in range(_MOST_WORK):
        if not todo:
            return
        current, called_at = todo.pop()
        for write in stored_by(current) if _is_parallel(current.loop) else writes_of(current):
            yield write if called_at is None else Write(write.name, called_at, write.value)
        if current.fallback is not None:
            todo.append((current.fallback, called_at))
        if isinstance(current, TaskCall):
            called_at = called_at or current.span
        todo.extend((call, called_at) for call in reversed(_calls_within(current, survey, seen)))


def _calls_within(work: AnyWork, survey: Survey, seen: set[str]) -> tuple[ActionCall | TaskCall, ...]:
    """The calls of a block, or of a task that is called for the first time."""
    if _is_parallel(work.loop) or isinstance(work, ActionCall):
        return ()
    if isinstance(work, Block):
        return work.run
    if work.task in seen or work.task not in survey.playbook.tasks:
        return ()
    seen.add(work.task)
    return survey.playbook.tasks[work.task].run


def _is_parallel(loop: Loop | None) -> bool:
    """Whether iterations have views of their own, which end with them."""
    return loop is not None and loop.parallel != SEQUENTIAL
