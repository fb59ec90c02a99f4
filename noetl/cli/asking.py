"""Asking something of a run that an engine in another process drives, and telling what came of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from noetl.cli.misuse import Misuse

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.store import EventStore, Owner, RunRecord

WAIT = "10s"

WAIT_HELP = f"How long to wait for the engine that drives the run to answer (default: {WAIT})."

#: How often is looked for the answer.
_LOOK_S = 0.05

#: Nobody has answered in time.
UNANSWERED = 1


def seconds(text: str, flag: str) -> float:
    """A duration of the command line. Raises Misuse."""
    from noetl.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise Misuse(f"option '{flag}': {error}") from error


async def find_open(store: EventStore, prefix: str) -> RunRecord:
    """The run whose id begins so. Raises NoetlError where it has ended."""
    from noetl.runtime.recorded import refuse_ended

    record = await store.find(prefix)
    refuse_ended(record)
    return record


async def ask(store: EventStore, record: RunRecord, kind: str, data: dict[str, Any], wait_s: float) -> RunRecord | None:
    """The run as it is when its engine has done what was asked, or it has ended; None where that took too long."""
    from noetl.runtime.clock import microseconds

    command = await store.post(record.execution_id, kind, data, microseconds())
    give_up = time.monotonic() + wait_s
    while True:
        found = await store.record(record.execution_id)
        if found is None or found.ended_at is not None:
            return found
        if found.engine is not None and all(one.id != command.id for one in await store.commands(found.engine)):
            # What was asked is durable before it is settled; the record may be older than that.
            return await store.record(record.execution_id)
        if time.monotonic() > give_up:
            return None
        await asyncio.sleep(_LOOK_S)


class Answer:
    """What a command that asks something of a run prints: a sentence, or an object for programs."""

    def __init__(self, console: Console, kind: str, *, json: bool) -> None:
        self._console = console
        self._kind = kind
        self._json = json

    def tell(self, record: RunRecord, sentence: str, *, done: bool = True) -> int:
        """The exit code."""
        if self._json:
            self._console.out.json(
                {
                    "execution_id": record.execution_id,
                    "command": self._kind,
                    "carried_out": done,
                    "status": record.status,
                    "message": sentence,
                }
            )
        else:
            self._console.out.line(sentence)
        return 0

    def tell_unanswered(self, record: RunRecord, owner: Owner) -> int:
        """The exit code."""
        sentence = f"{owner.place} has not answered yet: it is left with run {record.execution_id}"
        self.tell(record, sentence, done=False)
        return UNANSWERED
