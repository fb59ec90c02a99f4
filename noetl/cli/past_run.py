"""A run of the event log with the playbook that it ran: the text as it was then, and the events."""

from __future__ import annotations

from typing import NamedTuple

from noetl.actions.registry import Registry, Shapes
from noetl.cli.event_log import opened
from noetl.cli.playbooks import valid_playbook
from noetl.machine import Run
from noetl.model.event import Event
from noetl.span import Source
from noetl.store import EventStore, RunRecord


class PastRun(NamedTuple):
    """`run` is at its very beginning: the events are still to be folded into it."""

    run: Run
    events: list[Event]


async def past_run(store_url: str | None, prefix: str) -> PastRun:
    """The run whose id begins so. Raises StoreError, and PlaybookError where its text is not valid any more."""
    async with opened(store_url) as store:
        record = await store.find(prefix)
        return PastRun(await beginning(store, record), await store.read(record.execution_id))


async def beginning(store: EventStore, record: RunRecord) -> Run:
    """A run before its first event. Raises PlaybookError where its text is not valid any more."""
    source = Source(record.path or "<text>", await store.text(record.digest))
    playbook, _ = valid_playbook(source, Shapes(Registry()))
    run = Run(playbook, record.execution_id)
    run.started_at = run.at = record.started_at
    return run
