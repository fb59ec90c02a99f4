"""The disk of a simulated machine, and a process's connection to the event log on it, which may die at any append."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self

import msgspec

from noetl.model.event import Event, Kind
from noetl.store.base import Durability, RunRecord
from noetl.store.memory import MemoryStore

_WRITES = frozenset({"bury", "claim", "enter", "leave", "note", "post", "release", "save_snapshot", "settle", "unbury"})

#: How long a simulated disk takes to have what it was given.
SYNC_S = 0.001

_ENDS = frozenset({Kind.ACTION_COMPLETED, Kind.ACTION_FAILED, Kind.ACTION_CANCELLED})


class Disk:
    """All writes in their order; the last of them are lost where the power fails before they are synced."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.synced = 0
        self._journal: list[Callable[[MemoryStore], Any]] = []

    @property
    def size(self) -> int:
        return len(self._journal)

    @property
    def unsynced(self) -> int:
        return len(self._journal) - self.synced

    def write(self, change: Callable[[MemoryStore], Any]) -> Any:
        """Raises what the store refuses with; nothing has happened then."""
        result = change(self.store)
        self._journal.append(change)
        return result

    def sync(self) -> None:
        self.synced = len(self._journal)

    def lose(self, writes: int) -> None:
        """The power fails: the last writes are gone. Has to be called in a loop."""
        del self._journal[len(self._journal) - writes :]
        self.store = MemoryStore()
        for change in self._journal:
            change(self.store)
        self.sync()

    def events(self) -> list[Event]:
        """Those of all runs, run by run."""
        return [
            event for run in at_once(self.store.list_runs()) for event in at_once(self.store.read(run.execution_id))
        ]

    def outstanding(self) -> set[str]:
        """The idempotency keys of the actions that have begun and not ended, as the log has it."""
        keys: dict[tuple[str, str, str], str] = {}
        found: dict[tuple[str, str], str] = {}
        for event in self.events():
            token = (event.execution_id, event.token)
            if event.kind == Kind.ACTION_STARTED and "place" in event.data:
                place = (*token, event.data["place"])
                keys[place] = event.data.get("key", keys.get(place, ""))
                found[token] = keys[place]
            elif event.kind in _ENDS:
                found.pop(token, None)
        return set(found.values())


class Connection:
    """An EventStore as one process sees it, which is killed with its `dies_at`th append."""

    def __init__(
        self, disk: Disk, durability: Durability, dies_at: int | None, on_event: Callable[[Event], None]
    ) -> None:
        self.disk = disk
        self.dead = False
        self.appends = 0
        self._durability = durability
        self._dies_at = dies_at
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._unsynced: list[asyncio.Future[None]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*given: Any, **named: Any) -> Any:
            await self._live()
            if name not in _WRITES:
                return await getattr(self.disk.store, name)(*given, **named)
            result = self.disk.write(lambda store: at_once(getattr(store, name)(*given, **named)))
            await self._written()
            return result

        return call

    async def __aenter__(self) -> Self:
        return self

    async def create(self, run: RunRecord, text: str, events: Sequence[Event], **options: Any) -> None:
        await self._live()
        encoded = msgspec.json.encode(list(events))

        def change(store: MemoryStore) -> None:
            at_once(store.create(run, text, msgspec.json.decode(encoded, type=list[Event]), **options))

        self.disk.write(change)
        await self._appended(events)

    def append(self, execution_id: str, after: int, events: Sequence[Event], **options: Any) -> asyncio.Future[None]:
        if self.dead:
            return self._loop.create_future()
        encoded = msgspec.json.encode(list(events))
        written: list[asyncio.Future[None]] = []

        def change(store: MemoryStore) -> None:
            decoded = msgspec.json.decode(encoded, type=list[Event])
            future = store.append(execution_id, after, decoded, **options)
            written.append(future)
            future.result()

        try:
            self.disk.write(change)
        except Exception:
            return written[-1]
        return self._appended(events)

    def _appended(self, events: Sequence[Event]) -> asyncio.Future[None]:
        self.appends += 1
        for event in events:
            self._on_event(event)
        if self.appends == self._dies_at:
            self.die()
            return self._loop.create_future()
        return self._written()

    async def close(self) -> None:
        await self._live()
        self.disk.sync()

    def die(self) -> None:
        """Nothing that this process does from now on has any effect."""
        self.dead = True
        self._loop.stop()

    async def _live(self) -> None:
        if self.dead:
            await self._loop.create_future()

    def _written(self) -> asyncio.Future[None]:
        done: asyncio.Future[None] = self._loop.create_future()
        if self._durability is not Durability.STRICT:
            done.set_result(None)
            return done
        if not self._unsynced:
            self._loop.call_later(SYNC_S, self._sync)
        self._unsynced.append(done)
        return done

    def _sync(self) -> None:
        if self.dead:
            return
        self.disk.sync()
        waiting, self._unsynced = self._unsynced, []
        for done in waiting:
            if not done.done():
                done.set_result(None)


def at_once(coroutine: Any) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stopped:
        return stopped.value
    raise AssertionError("this was not to wait")
