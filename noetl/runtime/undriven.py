"""Runs that nobody drives: which engines are alive, and telling such a run something without going on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from noetl.language.schema import ActionShape
from noetl.machine import Fact, Run, decide
from noetl.runtime import identity
from noetl.runtime.clock import microseconds
from noetl.runtime.dead_letters import left_over, unread_by
from noetl.runtime.ownership import Ownership
from noetl.runtime.recorded import playbook_of, refuse_ended, state_of
from noetl.store.base import EventStore, Owner, RunRecord


class Claimer(Protocol):
    """What is needed of the engine."""

    @property
    def shapes(self) -> Mapping[str, ActionShape]: ...

    @property
    def store(self) -> EventStore: ...

    @property
    def ownership(self) -> Ownership: ...


async def living(store: EventStore) -> dict[str, Owner]:
    """The engines that may drive runs, as far as anybody can tell from here."""
    now = microseconds()
    return {
        owner.engine: owner for owner in await store.owners() if owner.expires_at > now and not identity.is_dead(owner)
    }


async def driver_of(store: EventStore, record: RunRecord) -> Owner | None:
    """Who drives a run; None where nobody alive does."""
    return None if record.engine is None else (await living(store)).get(record.engine)


async def tell(engine: Claimer, record: RunRecord, fact: Fact) -> Run:
    """Record what follows from a fact at once, and leave the run to whoever goes on with it. Raises OwnedElsewhere."""
    store, execution_id = engine.store, record.execution_id
    refuse_ended(record)
    playbook = await playbook_of(store, record, engine.shapes)
    fence = await engine.ownership.claim(execution_id)
    try:
        run = await state_of(store, record, playbook)
        events = decide(run, fact)
        if events:
            letters = left_over(run) if run.over else []
            after = events[0].seq - 1
            await store.append(execution_id, after, events, fence=fence, letters=letters, unread=unread_by(run))
        return run
    finally:
        await store.release(execution_id, engine.ownership.engine)
