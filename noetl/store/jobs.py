"""What a store's writer is asked to do, and what came of it. Knows neither threads nor a database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Self

import msgspec

from noetl.errors import StoreError
from noetl.model.event import Event
from noetl.store.base import DeadLetter, RunRecord, Unread
from noetl.store.encoding import Batch, as_json, encode_batch
from noetl.store.status import Change, status_change


class Job(msgspec.Struct, kw_only=True, eq=False):
    """Writes nothing: it is done when all before it is. `error` says why a job was not done."""

    done: asyncio.Future[None]
    error: StoreError | None = None

    def end(self) -> None:
        """Tells whoever waits."""
        if self.done.done():  # whoever waited was cancelled
            return
        if self.error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(self.error)
            self.done.exception()  # seen: to await a later append of the run is enough


class Creation(Job):
    """A run that begins with what is `first` appended to it."""

    run: RunRecord
    text: str
    first: Append

    @classmethod
    def of(
        cls,
        run: RunRecord,
        text: str,
        events: Sequence[Event],
        *,
        letters: Sequence[DeadLetter],
        done: asyncio.Future[None],
    ) -> Self:
        first = Append.of(run.execution_id, 0, events, fence=run.fence, letters=letters, unread=None, done=done)
        return cls(done=done, run=run, text=text, first=first)


class Append(Job):
    """`fault`: the events are unfit; the job takes its turn all the same, for what follows in its run must fail too.

    `artifacts` are what the batch refers to, by their digests.
    """

    execution_id: str
    after: int
    fence: int
    batch: Batch
    letters: Sequence[DeadLetter] = ()
    unread: Unread | None = None
    artifacts: dict[str, bytes] = {}
    change: Change | None = None
    fault: StoreError | None = None

    @classmethod
    def of(
        cls,
        execution_id: str,
        after: int,
        events: Sequence[Event],
        *,
        fence: int,
        letters: Sequence[DeadLetter],
        unread: Unread | None,
        done: asyncio.Future[None],
    ) -> Self:
        """Encodes here and not in the writer: it costs the interpreter the same, sets the data free, and fixes it."""
        batch = Batch(after + 1, after, b"[]")
        change: Change | None = None
        fault: StoreError | None = None
        try:
            batch = encode_batch(execution_id, after, events)
            change = status_change(events)
        except StoreError as error:
            fault = error
        return cls(
            done=done,
            execution_id=execution_id,
            after=after,
            fence=fence,
            batch=batch,
            letters=letters,
            unread=unread,
            change=change,
            fault=fault,
        )


def letter_row(letter: DeadLetter) -> tuple[str, str, int, str, str]:
    """A dead letter as a table has it: kind, run, time, cause and data."""
    return letter.kind, letter.execution_id, letter.at, as_json(letter.cause), as_json(letter.data)
