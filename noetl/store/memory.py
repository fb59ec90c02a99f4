"""The event log of one process, gone with it (`memory:`). Keeps what a file would keep: JSON, not the objects."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from noetl.errors import StoreError
from noetl.model.event import Event
from noetl.store import refusals
from noetl.store.base import RunRecord
from noetl.store.encoding import Batch, encode_batch, read_batches
from noetl.store.status import status_change

_last = attrgetter("last")


class MemoryStore:
    """An EventStore in which everything is durable at once, and only as long as the process."""

    def __init__(self) -> None:
        self._runs: dict[str, RunRecord] = {}
        self._logs: dict[str, list[Batch]] = {}
        self._texts: dict[str, str] = {}
        self._causes: dict[str, StoreError] = {}
        self._closed = False

    async def create(self, run: RunRecord, text: str) -> None:
        self._refuse_if_closed()
        if run.execution_id in self._runs:
            raise refusals.duplicate_run(run.execution_id)
        self._texts.setdefault(run.digest, text)
        self._runs[run.execution_id] = run
        self._logs[run.execution_id] = []

    def append(
        self, execution_id: str, after: int, events: Sequence[Event], *, awaited: bool = False
    ) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._append(execution_id, after, events)
            done.set_result(None)
        except StoreError as error:
            self._causes.setdefault(execution_id, error)
            done.set_exception(error)
            done.exception()  # seen: to await a later append of the run is enough
        return done

    def _append(self, execution_id: str, after: int, events: Sequence[Event]) -> None:
        self._refuse_if_closed()
        batch = encode_batch(execution_id, after, events)
        log = self._logs.get(execution_id)
        last = None if log is None else log[-1].last if log else 0
        objection = refusals.objection(execution_id, last, after, self._causes.get(execution_id))
        if objection is not None:
            raise objection
        self._causes.pop(execution_id, None)
        if events:
            self._logs[execution_id].append(batch)
        if change := status_change(events):
            run = self._runs[execution_id]
            self._runs[execution_id] = replace(run, status=change.status, ended_at=change.ended_at)

    async def read(self, execution_id: str, after: int = 0, limit: int | None = None) -> list[Event]:
        self._refuse_if_closed()
        log = self._logs.get(execution_id, [])
        return read_batches(execution_id, log[bisect_right(log, after, key=_last) :], after, limit)

    async def record(self, execution_id: str) -> RunRecord | None:
        self._refuse_if_closed()
        return self._runs.get(execution_id)

    async def find(self, prefix: str) -> RunRecord:
        exact = await self.record(prefix)
        if exact is not None:
            return exact
        wanted = prefix.lower()
        return refusals.the_one(
            prefix, [run for run in self._runs.values() if run.execution_id.lower().startswith(wanted)]
        )

    async def text(self, digest: str) -> str:
        self._refuse_if_closed()
        if digest not in self._texts:
            raise refusals.unknown_text(digest)
        return self._texts[digest]

    async def list_runs(self, *, limit: int | None = None, status: str | None = None) -> list[RunRecord]:
        self._refuse_if_closed()
        chosen = [run for run in reversed(self._runs.values()) if status is None or run.status == status]
        return sorted(chosen, key=lambda run: run.started_at, reverse=True)[:limit]

    async def close(self) -> None:
        self._closed = True

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise refusals.closed()
