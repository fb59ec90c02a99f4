"""The SQLite store as the event loop sees it: one thread that writes, one that reads."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from noetl.model.event import Event
from noetl.store import refusals
from noetl.store.artifacts import LIMIT
from noetl.store.base import Command, DeadLetter, Durability, Owner, Pruned, RunRecord, Snapshot, StoreInfo, Unread
from noetl.store.jobs import Append, Creation, Job
from noetl.store.sqlite import chores, reader
from noetl.store.sqlite.artifact_folder import ArtifactFolder
from noetl.store.sqlite.file import open_file
from noetl.store.sqlite.jobs import Chore, Close
from noetl.store.sqlite.reader import Reader
from noetl.store.sqlite.writer import Writer

T = TypeVar("T")

BUSY_TIMEOUT_S = 10.0


class SqliteStore:
    """An EventStore in one file.

    What is acknowledged is in the operating system's hands and survives `kill -9`; with `strict` it is on the disk.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        busy_timeout_s: float,
        readers: ThreadPoolExecutor,
        durability: Durability,
        artifact_limit: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._path = path
        self._queue: SimpleQueue[Job] = SimpleQueue()
        self._unwritten = 0
        self._closed: asyncio.Future[None] | None = None
        self._readers = readers
        self._reader = Reader(path, busy_timeout_s)
        self._folder = ArtifactFolder(path, synced=durability is Durability.STRICT)
        self._writer = Writer(connection, path, busy_timeout_s, self._folder, artifact_limit)
        # To wait for the disk is the writer's thread's, and one wait serves all who came meanwhile.
        self._writes_now = durability is not Durability.STRICT
        #: What stands for every append that was written at once.
        self._done = self._future()
        self._done.set_result(None)
        #: Whether an append was written at once in this turn of the event loop.
        self._has_written = False
        # A daemon, for a store that nobody closes must not keep the process alive.
        self._thread = Thread(target=self._work, name="noetl-writer", daemon=True)
        self._thread.start()

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        durability: Durability = Durability.RELAXED,
        artifact_limit: int = LIMIT,
    ) -> SqliteStore:
        """`busy_timeout_s` is how long to wait while another process writes."""
        readers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="noetl-reader")
        loop = asyncio.get_running_loop()
        opening = partial(open_file, path, busy_timeout_s=busy_timeout_s, durability=durability)
        try:
            connection = await loop.run_in_executor(readers, opening)
        except BaseException:
            readers.shutdown(wait=False)
            raise
        return cls(connection, path, busy_timeout_s, readers, durability, artifact_limit)

    async def create(
        self, run: RunRecord, text: str, events: Sequence[Event] = (), *, letters: Sequence[DeadLetter] = ()
    ) -> None:
        await self._submit(Creation.of(run, text, events, letters=letters, done=self._future()))

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
        if awaited and not letters and unread is None and self._write_now(execution_id, after, events, fence):
            return self._done
        done = self._future()
        job = Append.of(execution_id, after, events, fence=fence, letters=letters, unread=unread, done=done)
        return self._submit(job)

    async def read(self, execution_id: str, after: int = 0, limit: int | None = None) -> list[Event]:
        return await self._ask(reader.events, self._folder.fetch, execution_id, after, limit)

    async def record(self, execution_id: str) -> RunRecord | None:
        return await self._ask(reader.record, execution_id)

    async def find(self, prefix: str) -> RunRecord:
        return await self._ask(reader.find, prefix)

    async def find_key(self, key: str) -> RunRecord | None:
        return await self._ask(reader.find_key, key)

    async def text(self, digest: str) -> str:
        return await self._ask(reader.text, digest)

    async def list_runs(self, *, limit: int | None = None, status: str | None = None) -> list[RunRecord]:
        return await self._ask(reader.list_runs, limit, status)

    async def enter(self, owner: Owner) -> None:
        await self._do(chores.enter, owner)

    async def leave(self, engine: str) -> None:
        await self._do(chores.leave, engine)

    async def owners(self) -> list[Owner]:
        return await self._ask(reader.owners)

    async def claim(self, execution_id: str, engine: str, *, now: int, dead: Collection[str] = ()) -> int:
        return await self._do(chores.claim, execution_id, engine, now, dead)

    async def release(self, execution_id: str, engine: str) -> None:
        await self._do(chores.release, execution_id, engine)

    async def post(self, execution_id: str, kind: str, data: dict[str, Any], at: int) -> Command:
        return await self._do(chores.post, Command(id=0, execution_id=execution_id, kind=kind, data=data, at=at))

    async def commands(self, engine: str) -> list[Command]:
        return await self._ask(reader.commands, engine)

    async def settle(self, commands: Collection[int]) -> None:
        await self._do(chores.settle, commands)

    async def save_snapshot(self, execution_id: str, snapshot: Snapshot) -> None:
        # It may be given up, and what is written with it may not.
        await self._do(chores.save_snapshot, execution_id, snapshot, alone=True)

    async def snapshot(self, execution_id: str) -> Snapshot | None:
        return await self._ask(reader.snapshot, execution_id)

    async def bury(self, letter: DeadLetter) -> int:
        return await self._do(chores.bury, letter)

    async def dead_letters(self) -> list[DeadLetter]:
        return await self._ask(reader.dead_letters)

    async def unbury(self, letter: int) -> None:
        await self._do(chores.unbury, letter)

    async def prune(self, *, before: int, keep_failed: bool = False, dry_run: bool = False) -> Pruned:
        if dry_run:
            return await self._ask(chores.would_prune, before, keep_failed)
        runs = events = artifacts = 0
        while (part := await self._do(chores.prune, before, keep_failed)).runs:
            runs += part.runs
            events += part.events
        await self._do(chores.remove_texts)
        unused = await self._ask(chores.unused_artifacts, self._folder)
        for first in range(0, len(unused), chores.ARTIFACTS):
            some = unused[first : first + chores.ARTIFACTS]
            artifacts += await self._do(chores.remove_artifacts, self._folder, some)
        return Pruned(runs=runs, events=events, artifacts=artifacts)

    async def compact(self) -> int:
        return await self._ask(chores.compact)

    async def note(self, name: str, value: int) -> None:
        await self._do(chores.note, name, value)

    async def noted(self, name: str) -> int | None:
        return await self._ask(reader.noted, name)

    async def about(self) -> StoreInfo:
        return await self._ask(reader.about, self._path, self._folder)

    async def close(self) -> None:
        if self._closed is None:
            done = self._future()
            self._submit(Close(done=done))
            self._closed = done
            await self._loop.run_in_executor(self._readers, self._reader.close)
            self._readers.shutdown(wait=False)
        await asyncio.shield(self._closed)
        self._thread.join()

    def _future(self) -> asyncio.Future[None]:
        return self._loop.create_future()

    def _submit(self, job: Job) -> asyncio.Future[None]:
        if self._closed is None:
            self._unwritten += 1
            self._queue.put(job)
        else:
            job.error = refusals.closed()
            job.end()
        return job.done

    def _write_now(self, execution_id: str, after: int, events: Sequence[Event], fence: int) -> bool:
        """Write without the detour over the thread, which takes longer than the writing, if nothing stands before.

        Of those that come in one turn of the event loop, the first: one transaction for all others takes less.
        """
        # Where nothing is unwritten, the thread waits for something to do, and the writer is ours.
        if self._unwritten or self._has_written or not self._writes_now or self._closed is not None:
            return False
        if not self._writer.write_now(execution_id, after, events, fence):
            return False
        self._has_written = True
        self._loop.call_soon(self._begin_turn)
        return True

    def _begin_turn(self) -> None:
        self._has_written = False

    async def _do(self, work: Callable[..., T], *args: Any, alone: bool = False) -> T:
        chore = Chore(done=self._future(), work=lambda connection: work(connection, *args), alone=alone)
        await self._submit(chore)
        result: T = chore.result
        return result

    async def _ask(self, question: Callable[..., T], *args: Any) -> T:
        if self._unwritten:
            await self._submit(Job(done=self._future()))
        if self._closed is not None:
            raise refusals.closed()
        return await self._loop.run_in_executor(self._readers, self._reader.ask, question, *args)

    def _work(self) -> None:
        """The writer's thread: takes all that waits, again and again."""
        writer = self._writer
        closing = False
        while not closing:
            jobs = [self._queue.get()]
            jobs += [self._queue.get() for _ in range(self._queue.qsize())]
            writer.write(jobs)
            closing = isinstance(jobs[-1], Close)
            if closing:
                writer.close()
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                self._loop.call_soon_threadsafe(self._settle, jobs)

    def _settle(self, jobs: Sequence[Job]) -> None:
        self._unwritten -= len(jobs)
        for job in jobs:
            job.end()
