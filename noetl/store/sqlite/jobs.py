"""What the writer's thread is asked to do, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from noetl.errors import StoreError
from noetl.store.base import RunRecord
from noetl.store.encoding import Batch
from noetl.store.status import Change


@dataclass(slots=True, kw_only=True)
class Job:
    """Writes nothing: it is done when all before it is. `error` says why a job was not done."""

    done: asyncio.Future[None]
    error: StoreError | None = None


@dataclass(slots=True, kw_only=True)
class Close(Job):
    """The last job of a store."""


@dataclass(slots=True, kw_only=True)
class Creation(Job):
    run: RunRecord
    text: str


@dataclass(slots=True, kw_only=True)
class Append(Job):
    """`fault`: the events are unfit; the job takes its turn all the same, for what follows in its run must fail too."""

    execution_id: str
    after: int
    batch: Batch
    change: Change | None = None
    fault: StoreError | None = None
