"""The Postgres store as the event loop sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from noetl.model.event import Event
from noetl.store import refusals
from noetl.store.artifacts import LIMIT, referred
from noetl.store.base import Command, DeadLetter, Durability, Owner, Pruned, RunRecord, Snapshot, StoreInfo, Unread
from noetl.store.encoding import read_batches
from noetl.store.jobs import Append, Creation, Job
from noetl.store.postgres import chores, pruning, reader
from noetl.store.postgres.listening import Bell
from noetl.store.postgres.location import Location
from noetl.store.postgres.schema import ensure_tables, migrate
from noetl.store.postgres.server import Connection, Server
from noetl.store.postgres.writer import Writer

T = TypeVar("T")


class PostgresStore:
    """An EventStore in one schema of a database.

    With `strict`, what is acknowledged is on the server's disk. With `relaxed` it is in the server's memory: it
    survives every engine, and a server that is stopped in order, but of a server that is killed, or loses its power,
    the last moments may be missing. The log of a run never has a gap, either way.
    """

    def __init__(self, server: Server, artifact_limit: int) -> None:
        self._server = server
        self._writer = Writer(server, artifact_limit)
        self._bell = Bell(server)
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        location: Location,
        *,
        create: bool = True,
        durability: Durability = Durability.RELAXED,
        artifact_limit: int = LIMIT,
    ) -> PostgresStore:
        """Tables are made where there are none, if `create` allows it. Raises StoreError."""
        server = await Server.open(location, durability)
        try:
            await ensure_tables(server, create=create)
        except BaseException:
            await server.close()
            raise
        return cls(server, artifact_limit)

    @classmethod
    async def migrate(cls, location: Location) -> tuple[int, int]:
        """Brings the tables to the newest version; gives that which they had, and that one. Raises StoreError."""
        server = await Server.open(location, Durability.STRICT)
        try:
            return await server.ask(lambda connection: migrate(connection, server))
        finally:
            await server.close()

    async def create(
        self, run: RunRecord, text: str, events: Sequence[Event] = (), *, letters: Sequence[DeadLetter] = ()
    ) -> None:
        creation = Creation.of(run, text, events, letters=letters, done=self._future())
        await self._put(run.execution_id, creation)

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
        done = self._future()
        job = Append.of(execution_id, after, events, fence=fence, letters=letters, unread=unread, done=done)
        return self._put(execution_id, job)

    async def read(self, execution_id: str, after: int = 0, limit: int | None = None) -> list[Event]:
        await self._writer.written(execution_id)
        batches = await self._ask(reader.batches, execution_id, after, limit)
        digests = {digest for batch in batches for digest in referred(batch.text)}
        contents = await self._ask(reader.artifacts, digests) if digests else {}
        return read_batches(execution_id, batches, after, limit, partial(_content, contents))

    async def record(self, execution_id: str) -> RunRecord | None:
        await self._writer.written(execution_id)
        return await self._ask(reader.record, execution_id)

    async def find(self, prefix: str) -> RunRecord:
        await self._writer.written()
        return await self._ask(reader.find, prefix)

    async def find_key(self, key: str) -> RunRecord | None:
        return await self._ask(reader.find_key, key)

    async def text(self, digest: str) -> str:
        return await self._ask(reader.text, digest)

    async def list_runs(self, *, limit: int | None = None, status: str | None = None) -> list[RunRecord]:
        await self._writer.written()
        return await self._ask(reader.list_runs, limit, status)

    async def enter(self, owner: Owner) -> None:
        await self._ask(chores.enter, owner)

    async def leave(self, engine: str) -> None:
        await self._writer.written()
        await self._ask(chores.leave, engine)

    async def owners(self) -> list[Owner]:
        return await self._ask(reader.owners)

    async def claim(self, execution_id: str, engine: str, *, now: int, dead: Collection[str] = ()) -> int:
        await self._writer.written(execution_id)
        fence = await self._ask(chores.claim, execution_id, engine, now, dead)
        self._bell.ring()
        return fence

    async def release(self, execution_id: str, engine: str) -> None:
        await self._writer.written(execution_id)
        await self._ask(chores.release, execution_id, engine)

    async def post(self, execution_id: str, kind: str, data: dict[str, Any], at: int) -> Command:
        command = Command(id=0, execution_id=execution_id, kind=kind, data=data, at=at)
        posted = await self._ask(chores.post, command, uuid4(), self._bell.channel)
        self._bell.ring()
        return posted

    async def commands(self, engine: str) -> list[Command]:
        if self._closing is None and not await self._bell.has_rung(engine):
            return []
        commands = await self._ask(reader.commands, engine)
        if commands:  # until they are settled
            self._bell.ring()
        return commands

    async def settle(self, commands: Collection[int]) -> None:
        await self._ask(chores.settle, commands)

    async def save_snapshot(self, execution_id: str, snapshot: Snapshot) -> None:
        await self._ask(chores.save_snapshot, execution_id, snapshot)

    async def snapshot(self, execution_id: str) -> Snapshot | None:
        return await self._ask(reader.snapshot, execution_id)

    async def bury(self, letter: DeadLetter) -> int:
        return await self._ask(chores.bury, letter, uuid4())

    async def dead_letters(self) -> list[DeadLetter]:
        return await self._ask(reader.dead_letters)

    async def unbury(self, letter: int) -> None:
        await self._ask(chores.unbury, letter)

    async def prune(self, *, before: int, keep_failed: bool = False, dry_run: bool = False) -> Pruned:
        await self._writer.written()
        if dry_run:
            return await self._ask(pruning.would_prune, before, keep_failed)
        runs = events = 0
        while (part := await self._ask(pruning.prune, before, keep_failed)).runs:
            runs += part.runs
            events += part.events
        return Pruned(runs=runs, events=events, artifacts=await self._ask(pruning.remove_unused))

    async def compact(self) -> int:
        return await self._ask(pruning.compact)

    async def note(self, name: str, value: int) -> None:
        await self._ask(chores.note, name, value)

    async def noted(self, name: str) -> int | None:
        return await self._ask(reader.noted, name)

    async def about(self) -> StoreInfo:
        await self._writer.written()
        version, size, runs, events = await self._ask(reader.about)
        return StoreInfo(
            kind="postgres",
            place=f"{self._server.name}, schema '{self._server.schema}'",
            version=version,
            size=size,
            runs=runs,
            events=events,
        )

    async def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self._writer.close()
        await self._bell.close()
        await self._server.close()

    def _future(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    def _put(self, execution_id: str, job: Job) -> asyncio.Future[None]:
        if self._closing is None:
            self._writer.put(execution_id, job)
        else:
            job.error = refusals.closed()
            job.end()
        return job.done

    async def _ask(self, question: Callable[..., Awaitable[T]], *args: Any) -> T:
        if self._closing is not None:
            raise refusals.closed()

        async def answer(connection: Connection) -> T:
            return await question(connection, *args)

        return await self._server.ask(answer)


def _content(contents: Mapping[str, bytes], digest: str) -> bytes:
    if digest not in contents:
        raise LookupError(f"the artifact '{digest}' is missing")
    return contents[digest]
