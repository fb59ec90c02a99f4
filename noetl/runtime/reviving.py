"""Trying again what a dead letter is about.

A run that begins for a letter has a key made of the letter's number, so that no crash in between makes two of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noetl.errors import KeyTaken, NoetlError
from noetl.machine import Status
from noetl.runtime.beginning import begin_run
from noetl.runtime.clock import microseconds
from noetl.runtime.handle import RunHandle
from noetl.runtime.ids import new_id
from noetl.runtime.recorded import playbook_of, refuse_ended, state_of
from noetl.runtime.rerun import begin_rerun
from noetl.store import refusals
from noetl.store.base import DeadLetter, EventStore, RunRecord

if TYPE_CHECKING:
    from noetl.runtime.engine import Engine


async def find_letter(store: EventStore, number: int) -> DeadLetter:
    """Raises StoreError where there is none."""
    for letter in await store.dead_letters():
        if letter.id == number:
            return letter
    raise refusals.unknown_letter(number)


async def retry_letter(engine: Engine, number: int, to: str | None = None) -> RunHandle | None:
    """Try it again and remove it: the run that goes on or begins for it, None for a signal that was sent."""
    store = engine.store
    letter = await find_letter(store, number)
    if letter.kind == "signal":
        await _send(store, letter, to)
        handle = None
    elif to is not None:
        raise NoetlError(f"dead letter {number} is no signal: it cannot be sent to a run")
    else:
        handle = await _try_again(engine, letter)
    await store.unbury(number)
    return handle


async def _send(store: EventStore, letter: DeadLetter, to: str | None) -> None:
    if to is None:
        event = letter.data["event"]
        raise NoetlError(f"dead letter {letter.id} is the signal '{event}': it needs another run to be sent to")
    record = await store.find(to)
    refuse_ended(record)
    await store.post(record.execution_id, "signal", letter.data, microseconds())


async def _try_again(engine: Engine, letter: DeadLetter) -> RunHandle:
    store = engine.store
    record = await store.record(letter.execution_id)
    if record is None:
        raise refusals.unknown_run(letter.execution_id)
    if record.ended_at is None:
        return await engine.resume(record.execution_id)
    if record.status == Status.COMPLETED:
        raise NoetlError(f"run '{record.execution_id}' has completed all the same: nothing is left to be tried again")
    key = f"dead letter {letter.id} of {letter.execution_id}"
    try:
        if letter.kind == "action":
            return await begin_rerun(engine, record.execution_id, {}, key=key)
        return await _begin_anew(engine, record, key)
    except KeyTaken as taken:
        # It was begun before, and nobody could note that any more.
        return await _go_on(engine, letter, taken.execution_id)


async def _go_on(engine: Engine, letter: DeadLetter, execution_id: str) -> RunHandle:
    begun = await engine.store.record(execution_id)
    if begun is not None and begun.ended_at is not None:
        await engine.store.unbury(letter.id)
        raise NoetlError(
            f"dead letter {letter.id} was tried again as run '{execution_id}', which has ended ({begun.status})"
        )
    return await engine.resume(execution_id)


async def _begin_anew(engine: Engine, record: RunRecord, key: str) -> RunHandle:
    """One more attempt of a run, as its playbook makes them: nothing is taken over."""
    playbook = await playbook_of(engine.store, record, engine.shapes)
    inputs = (await state_of(engine.store, record, playbook)).inputs
    return RunHandle(await begin_run(engine, playbook, inputs, new_id(), key=key, folder=record.folder))
