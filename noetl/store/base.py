"""What an event store promises. Knows no database, and of an event only its place in the log."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from noetl.model.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What is known of a run without folding its events.

    Times are UTC in microseconds; `digest` is the SHA-256 of the playbook's text, `path` its file, `folder` the working
    folder of the run.
    """

    execution_id: str
    playbook: str
    status: str
    started_at: int
    ended_at: int | None = None
    key: str | None = None
    parent: str | None = None
    path: str | None = None
    digest: str
    folder: str


class EventStore(Protocol):
    """The log of all runs. Its methods belong to the event loop that opened it; none of them blocks that loop.

    Every failure is a StoreError. What was appended before a read is part of what is read, awaited or not.
    """

    async def create(self, run: RunRecord, text: str) -> None:
        """Adds a run that has no events yet; the playbook's text is kept once for each digest."""

    def append(
        self, execution_id: str, after: int, events: Sequence[Event], *, awaited: bool = False
    ) -> Awaitable[None]:
        """Queues events at once, in the order of the calls; what it returns ends when they are durable.

        The events are encoded before `append` returns, so their data may change afterwards. All of them are written or
        none, and only if the run's last event is number `after`. Nothing is raised here, only by the awaitable. An
        append that counts on one that failed fails with the same cause, so it is enough to await the last of a run's
        appends. A run that ended, was paused or was resumed by these events has that status at the same moment.

        With `awaited` somebody can do nothing until they are durable: where nothing else waits to be written, and it
        takes no longer than handing them over would, they are when `append` returns.
        """

    async def read(self, execution_id: str, after: int = 0, limit: int | None = None) -> list[Event]:
        """The events with a sequence number above `after`, in order; of an unknown run there are none."""

    async def record(self, execution_id: str) -> RunRecord | None: ...

    async def find(self, prefix: str) -> RunRecord:
        """The one run whose id is `prefix` or begins with it, in whatever case; for people at a terminal."""

    async def text(self, digest: str) -> str:
        """The text of a playbook."""

    async def list_runs(self, *, limit: int | None = None, status: str | None = None) -> list[RunRecord]:
        """The newest first."""

    async def close(self) -> None:
        """Writes what waits, then closes; later calls do nothing."""
