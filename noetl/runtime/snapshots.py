"""When the state of a run is saved, and how it is found again. What is saved is the machine's.

Most runs are too short to be saved, so what saves them is imported when the first state is.
"""

from __future__ import annotations

import asyncio
import logging
from time import thread_time
from typing import TYPE_CHECKING

from noetl.errors import StoreError
from noetl.machine import Run
from noetl.model.playbook import Playbook
from noetl.store.base import EventStore, Snapshot
from noetl.version import VERSION

if TYPE_CHECKING:
    from noetl.machine.snapshot import Snapshots

#: A snapshot is taken when a run has so many events more than at the last one, and half as many again: what is saved
#: grows with the run, so that all of them together cost a few times as much as the last.
EVERY = 1000

#: A state that takes long to encode, since its variables are large, is saved less often still: after so many events for
#: each second that it took, which is a small share of the time that they take.
EVENTS_PER_S = 200_000

_log = logging.getLogger("noetl")


class SnapshotKeeper:
    """Saves the state of one run from time to time; a failure costs nothing but the snapshot."""

    __slots__ = ("_due", "_every", "_look_at", "_saving", "_snapshots", "_store")

    def __init__(self, store: EventStore, run: Run, every: int) -> None:
        self._store = store
        self._every = every
        self._snapshots: Snapshots | None = None
        self._look_at: float = float("inf") if every == 0 else run.seq + every
        self._due = run.seq + distance(run.seq, every)
        self._saving: asyncio.Task[None] | None = None

    def look(self, run: Run, written: asyncio.Future[None]) -> None:
        """The run has come as far as the events that are `written` when this future is done."""
        if run.seq < self._look_at or run.over:
            return
        if self._snapshots is None:
            from noetl.machine.snapshot import Snapshots

            self._snapshots = Snapshots()
        prepared = self._snapshots.prepare(run, 2 * self._every)
        self._look_at = run.seq + (self._every if prepared else 1)
        if prepared and run.seq >= self._due and (self._saving is None or self._saving.done()):
            self._take(self._snapshots, run, written)

    def close(self) -> None:
        self._look_at = float("inf")
        if self._saving is not None:
            self._saving.cancel()

    def _take(self, snapshots: Snapshots, run: Run, written: asyncio.Future[None]) -> None:
        from noetl.machine.snapshot import Unfit

        # Of this thread alone: a busy machine is no reason to save less often.
        began_at = thread_time()
        try:
            state = snapshots.take(run)
        except Unfit as error:
            _log.debug("the state of run %s cannot be saved: %s", run.id, error)
            self._look_at = float("inf")
            return
        self._due = run.seq + distance(run.seq, self._every, thread_time() - began_at)
        snapshot = Snapshot(seq=run.seq, form=_form(run.playbook), state=state)
        self._saving = asyncio.get_running_loop().create_task(self._save(run.id, snapshot, written))

    async def _save(self, execution_id: str, snapshot: Snapshot, written: asyncio.Future[None]) -> None:
        try:
            await asyncio.shield(written)
            await self._store.save_snapshot(execution_id, snapshot)
        except StoreError as error:
            _log.debug("the state of run %s could not be saved: %s", execution_id, error)


async def restored(store: EventStore, execution_id: str, playbook: Playbook) -> Run | None:
    """The state of a run after some of its events; None where no snapshot is there that fits."""
    snapshot = await store.snapshot(execution_id)
    if snapshot is None:
        return None
    from noetl.machine.snapshot import Unfit, restore

    try:
        if snapshot.form != _form(playbook):
            raise Unfit("it is of another playbook, or another version of noetl")
        run = restore(snapshot.state, playbook, execution_id)
        events = await store.read(execution_id, snapshot.seq - 1, 1)
        if not events or (events[0].seq, events[0].at) != (run.seq, run.at):
            raise Unfit("the log does not lead to it")
    except Unfit as error:
        _log.debug("the snapshot of run %s is not used: %s", execution_id, error)
        return None
    return run


def distance(seq: int, every: int, took_s: float = 0.0) -> int:
    """After how many events the next snapshot is due."""
    return max(every, seq // 2, round(took_s * EVENTS_PER_S))


def _form(playbook: Playbook) -> str:
    from noetl.machine.snapshot import form_of

    return form_of(playbook, VERSION)
