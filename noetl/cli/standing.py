"""Where a run stands besides what its report says: what it spent, what was late, and how it can be gone on with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from noetl.cli.event_log import opened
from noetl.cli.text import count, local_time, one_line
from noetl.machine import Run, Status
from noetl.model.event import Event, Kind
from noetl.runtime.undriven import driver_of


async def remarks(store_url: str | None, run: Run, events: Iterable[Event]) -> list[str]:
    """Lines for people about a run that has been folded from these events."""
    return [*_spent(run, events), *await _going_on(store_url, run)]


def _spent(run: Run, events: Iterable[Event]) -> Iterator[str]:
    if run.rerun is not None:
        yield f"  repeats run {run.rerun['of']}"
    if run.retries:
        budget = run.playbook.retry_budget
        yield f"  {count(run.retries, 'attempt')} more than one" + ("" if budget is None else f", of {budget} allowed")
    for event in events:
        if event.kind == Kind.RUN_LATE:
            late = f"step '{one_line(event.step)}'" if event.step else "the run"
            yield f"  {late} is late since {local_time(event.at)}"


async def _going_on(store_url: str | None, run: Run) -> list[str]:
    if run.again is not None:
        due, attempt = run.again
        return [f"  is tried again as attempt {attempt}, at {local_time(due)}"]
    if run.over:
        return []
    async with opened(store_url) as store:
        record = await store.record(run.id)
        owner = None if record is None else await driver_of(store, record)
    paused = run.status is Status.PAUSED
    if owner is not None and not paused:
        return []
    who = f"{owner.place} drives it" if owner is not None else "nobody drives it" if paused else "interrupted"
    return [f"  {who}; to go on: noetl resume {run.id}"]
