"""What an event store promises. Knows no database, and of an event only its place in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from noetl.model.event import Event


class Durability(StrEnum):
    """When an append counts as done (architecture.md, "Durability")."""

    STRICT = "strict"  # it is on the disk
    RELAXED = "relaxed"  # the operating system has it: it survives the process, not a power cut
    NONE = "none"  # it is in memory


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run without folding its events.

    Times are UTC in microseconds; `digest` is the SHA-256 of the playbook's text, `path` its file, `folder` the working
    folder of the run. `engine` is who drives it, None when nobody does; each change of hands raises `fence` by one.
    """

    execution_id: str
    playbook: str
    status: str
    started_at: int
    ended_at: int | None = None
    key: str | None = None
    parent: str | None = None
    path: str | None = None
    engine: str | None = None
    fence: int = 0
    digest: str
    folder: str


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that may drive runs until `expires_at`, and where it lives.

    `boot` tells one start of the machine from the next, `started` one process with this `pid` from the next.
    """

    engine: str
    host: str
    boot: str
    pid: int
    started: int
    expires_at: int

    @property
    def place(self) -> str:
        """How a sentence for people calls it."""
        return f"process {self.pid} on '{self.host}'"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks of a run that an engine in another process drives: `pause`, `resume`, `cancel`, `signal`."""

    id: int
    execution_id: str
    kind: str
    data: dict[str, Any]
    at: int


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What failed for good: an `action`, a `signal` or a `run`; `cause` is an error, `data` what it takes to retry."""

    id: int
    kind: str
    execution_id: str
    at: int
    cause: dict[str, Any]
    data: dict[str, Any]


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """The signals of a run that were posted after the command `after`, and why they are dead letters at its end."""

    after: int
    cause: dict[str, Any]

    def letter(self, execution_id: str, at: int, data: dict[str, Any]) -> DeadLetter:
        """What becomes of a signal with this data; the store numbers it."""
        return DeadLetter(id=0, kind="signal", execution_id=execution_id, at=at, cause=self.cause, data=data)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a run after event `seq`, in the encoding that `form` names."""

    seq: int
    form: str
    state: bytes


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """How much was removed."""

    runs: int = 0
    events: int = 0
    artifacts: int = 0


class StoreInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know of a store as a whole: `kind` of store, `place` without a password, runs by status.

    `version` is that of its tables, None where it has none; `size` is in bytes, with all that is kept aside.
    """

    kind: str
    place: str
    version: int | None
    size: int
    runs: dict[str, int]
    events: int


class EventStore(Protocol):
    """The log of all runs, who drives them, and what is asked of them.

    Its methods belong to the event loop that opened it; none of them blocks that loop. Every failure is a StoreError.
    What was appended before a read is part of what is read, awaited or not.
    """

    async def create(
        self, run: RunRecord, text: str, events: Sequence[Event] = (), *, letters: Sequence[DeadLetter] = ()
    ) -> None:
        """Adds a run with its first events, all of it or nothing. Raises KeyTaken.

        The events are appended as by `append`; the playbook's text is kept once for each digest.
        """

    def append(
        self,
        execution_id: str,
        after: int,
        events: Sequence[Event],
        *,
        fence: int = 0,
        awaited: bool = False,
        letters: Sequence[DeadLetter] = (),
        unread: Unread | None = None,
    ) -> asyncio.Future[None]:
        """Queues events at once, in the order of the calls; what it returns ends when they are durable.

        The events are encoded before `append` returns, so their data may change afterwards. All of them are written or
        none, and only if the run's last event is number `after`, and its fence is this one: LostOwnership says that it
        is not. Nothing is raised here, only by the awaitable. An append that counts on one that failed fails with the
        same cause, so it is enough to await the last of a run's appends. A run that ended, was paused or was resumed by
        these events has that status at the same moment; when it ended, nobody drives it any more.

        The dead letters are buried in the same transaction, so that there is one exactly where its event is. With
        `unread`, for events that end the run, so are the signals that nobody will read any more, and nothing that was
        asked of the run stays.

        With `awaited` somebody can do nothing until they are durable: where nothing else waits to be written, and it
        takes no longer than handing them over would, they are when `append` returns.
        """

    async def read(self, execution_id: str, after: int = 0, limit: int | None = None) -> list[Event]:
        """The events with a sequence number above `after`, in order; of an unknown run there are none."""

    async def record(self, execution_id: str) -> RunRecord | None: ...

    async def find(self, prefix: str) -> RunRecord:
        """The one run whose id is `prefix` or begins with it, in whatever case; for people at a terminal."""

    async def find_key(self, key: str) -> RunRecord | None:
        """The run that was started with this key."""

    async def text(self, digest: str) -> str:
        """The text of a playbook."""

    async def list_runs(self, *, limit: int | None = None, status: str | None = None) -> list[RunRecord]:
        """The newest first."""

    async def enter(self, owner: Owner) -> None:
        """Makes an engine known, or its lease longer."""

    async def leave(self, engine: str) -> None:
        """The engine drives nothing any more, and is forgotten."""

    async def owners(self) -> list[Owner]:
        """All engines that are known, whether their lease has expired or not."""

    async def claim(self, execution_id: str, engine: str, *, now: int, dead: Collection[str] = ()) -> int:
        """Takes a run that nobody drives, and gives its new fence.

        An engine whose lease has expired at `now`, that is unknown, or is one of the `dead`, drives nothing. Raises
        OwnedElsewhere where another one does. A run that is the engine's own keeps its fence.
        """

    async def release(self, execution_id: str, engine: str) -> None:
        """Nobody drives the run any more, if this engine did."""

    async def post(self, execution_id: str, kind: str, data: dict[str, Any], at: int) -> Command:
        """Leaves a command for whoever drives the run, now or later. Raises RunEnded where nobody will."""

    async def commands(self, engine: str) -> list[Command]:
        """What is asked of the runs that an engine drives, the oldest first. Cheap where nothing has changed."""

    async def settle(self, commands: Collection[int]) -> None:
        """Removes commands that have been carried out."""

    async def save_snapshot(self, execution_id: str, snapshot: Snapshot) -> None:
        """Keeps the snapshot in place of the run's earlier one."""

    async def snapshot(self, execution_id: str) -> Snapshot | None: ...

    async def bury(self, letter: DeadLetter) -> int:
        """Keeps a dead letter, whose `id` is given here and returned."""

    async def dead_letters(self) -> list[DeadLetter]:
        """The newest first."""

    async def unbury(self, letter: int) -> None:
        """Removes a dead letter."""

    async def prune(self, *, before: int, keep_failed: bool = False, dry_run: bool = False) -> Pruned:
        """Removes the runs that ended before a time, with all that only they need; of what failed nothing, if asked.

        A run whose caller has not ended stays. Others are served between one part and the next. What a dry run counts
        stays where it is.
        """

    async def compact(self) -> int:
        """Gives the room of what was removed back to the system: so many bytes. Others may have to wait meanwhile."""

    async def note(self, name: str, value: int) -> None:
        """Remembers a number for all who use the store, in place of the earlier one."""

    async def noted(self, name: str) -> int | None: ...

    async def about(self) -> StoreInfo: ...

    async def close(self) -> None:
        """Writes what waits, then closes; later calls do nothing."""
