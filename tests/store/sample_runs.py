"""Runs and events as the tests of the stores write them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace

from noetl.model.event import Event, Kind
from noetl.store import EventStore, RunRecord, open_store

RUN = RunRecord(
    execution_id="01JA",
    playbook="orders",
    status="running",
    started_at=1_767_225_600_000_000,
    key="daily",
    parent="01J0",
    path="orders.yaml",
    digest="d1",
    folder="/srv/été",
)
TEXT = "name: orders # ☃\n"


def run_named(execution_id: str, **changes: Any) -> RunRecord:
    """A run like RUN, without its key, which no two may have."""
    return replace(
        RUN, **{"execution_id": execution_id, "key": RUN.key if execution_id == RUN.execution_id else None, **changes}
    )


def event(seq: int, data: Any = None, *, run: str = RUN.execution_id, kind: str = Kind.STEP_STARTED) -> Event:
    values = {"visit": seq} if data is None else data
    return Event(execution_id=run, seq=seq, at=1_000_000 + seq, kind=kind, step=f"s{seq}", token="0.1", data=values)


def events(first: int, last: int, *, run: str = RUN.execution_id) -> list[Event]:
    return [event(seq, run=run) for seq in range(first, last + 1)]


def numbers(found: Sequence[Event]) -> list[int]:
    return [event.seq for event in found]


@asynccontextmanager
async def opened(url: str, *runs: RunRecord) -> AsyncIterator[EventStore]:
    """The store at `url`, with these runs created in it."""
    store = await open_store(url)
    try:
        for run in runs:
            await store.create(run, TEXT)
        yield store
    finally:
        await store.close()
