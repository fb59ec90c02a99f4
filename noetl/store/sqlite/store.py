"""The SQLite store as the event loop sees it: one thread that writes, one that reads."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from noetl.errors import StoreError
from noetl.model.event import Event
from noetl.store import refusals
from noetl.store.base import RunRecord
from noetl.store.encoding import Batch, encode_batch
from noetl.store.sqlite import reader
from noetl.store.sqlite.file import open_file
from noetl.store.sqlite.jobs import Append, Close, Creation, Job
from noetl.store.sqlite.reader import Reader
from noetl.store.sqlite.writer import Writer
from noetl.store.status import status_change

T = TypeVar("T")

BUSY_TIMEOUT_S = 10.0


class SqliteStore:
    """An EventStore in one file; what is acknowledged is in the operating system's hands and survives `kill -9`."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, busy_timeout_s: float, readers: ThreadPoolExecutor
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Job] = SimpleQueue()
        self._unwritten = 0
        self._closed: asyncio.Future[None] | None = None
        self._readers = readers
        self._reader = Reader(path, busy_timeout_s)
        self._writer = Writer(connection, path, busy_timeout_s)
        self._writing = Lock()
        # A daemon, for a store that nobody closes must not keep the process alive.
        self._thread = Thread(target=self._work, name="noetl-writer", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> SqliteStore:
        """`busy_timeout_s` is how long to wait while another process writes."""
        readers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="noetl-reader")
        loop = asyncio.get_running_loop()
        try:
            connection = await loop.run_in_executor(readers, lambda: open_file(path, busy_timeout_s=busy_timeout_s))
        except BaseException:
            readers.shutdown(wait=False)
            raise
        return cls(connection, path, busy_timeout_s, readers)

    async def create(self, run: RunRecord, text: str) -> None:
        await self._submit(Creation(done=self._future(), run=run, text=text))

    def append(
        self, execution_id: str, after: int, events: Sequence[Event], *, awaited: bool = False
    ) -> asyncio.Future[None]:
        job = Append(done=self._future(), execution_id=execution_id, after=after, batch=Batch(after + 1, after, b"[]"))
        try:
            # Encoded here and not by the writer: it costs the interpreter the same, sets the data free, and fixes it.
            job.batch = encode_batch(execution_id, after, events)
            job.change = status_change(events)
        except StoreError as error:
            job.fault = error
        if awaited and self._write_now(job):
            return job.done
        return self._submit(job)

    async def read(self, execution_id: str, after: int = 0, limit: int | None = None) -> list[Event]:
        return await self._ask(reader.events, execution_id, after, limit)

    async def record(self, execution_id: str) -> RunRecord | None:
        return await self._ask(reader.record, execution_id)

    async def find(self, prefix: str) -> RunRecord:
        return await self._ask(reader.find, prefix)

    async def text(self, digest: str) -> str:
        return await self._ask(reader.text, digest)

    async def list_runs(self, *, limit: int | None = None, status: str | None = None) -> list[RunRecord]:
        return await self._ask(reader.list_runs, limit, status)

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
            _end(job)
        return job.done

    def _write_now(self, job: Append) -> bool:
        """Write without the detour over the thread, which takes longer than the writing, if nothing stands before."""
        if self._unwritten or self._closed is not None or not self._writing.acquire(blocking=False):
            return False
        try:
            written = self._writer.write_now(job)
        finally:
            self._writing.release()
        if written:
            _end(job)
        return written

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
            with self._writing:
                writer.write(jobs)
            closing = isinstance(jobs[-1], Close)
            if closing:
                writer.close()
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                self._loop.call_soon_threadsafe(self._settle, jobs)

    def _settle(self, jobs: Sequence[Job]) -> None:
        self._unwritten -= len(jobs)
        for job in jobs:
            _end(job)


def _end(job: Job) -> None:
    if job.done.done():  # whoever waited was cancelled
        return
    if job.error is None:
        job.done.set_result(None)
    else:
        job.done.set_exception(job.error)
        job.done.exception()  # seen: to await a later append of the run is enough
