"""The event log of one process, gone with it (`memory:`). Keeps what a file would keep: JSON, not the objects."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import count
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from noetl.errors import KeyTaken, StoreError
from noetl.model.event import Event
from noetl.store import refusals
from noetl.store.base import Command, DeadLetter, Owner, Pruned, RunRecord, Snapshot, StoreInfo, Unread
from noetl.store.encoding import Batch, encode_batch, read_batches
from noetl.store.status import status_change

_last = attrgetter("last")


class MemoryStore:
    """An EventStore in which everything is durable at once, and only as long as the process."""

    def __init__(self) -> None:
        self._runs: dict[str, RunRecord] = {}
        self._logs: dict[str, list[Batch]] = {}
        self._texts: dict[str, str] = {}
        self._causes: dict[str, StoreError] = {}
        self._owners: dict[str, Owner] = {}
        self._commands: dict[int, Command] = {}
        self._letters: dict[int, DeadLetter] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._notes: dict[str, int] = {}
        self._numbers = count(1)
        self._closed = False

    async def create(
        self, run: RunRecord, text: str, events: Sequence[Event] = (), *, letters: Sequence[DeadLetter] = ()
    ) -> None:
        self._refuse_if_closed()
        if run.execution_id in self._runs:
            raise refusals.duplicate_run(run.execution_id)
        if run.key is not None and (taken := await self.find_key(run.key)) is not None:
            raise KeyTaken(run.key, taken.execution_id)
        self._runs[run.execution_id] = run
        self._logs[run.execution_id] = []
        try:
            self._append(run.execution_id, 0, events, run.fence)
        except StoreError:
            del self._runs[run.execution_id], self._logs[run.execution_id]
            raise
        self._texts.setdefault(run.digest, text)
        for letter in letters:
            self._bury(letter)

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
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._append(execution_id, after, events, fence)
            for letter in letters:
                self._bury(letter)
            if unread is not None:
                self._bury_unread(execution_id, unread)
            done.set_result(None)
        except StoreError as error:
            self._causes.setdefault(execution_id, error)
            done.set_exception(error)
            done.exception()  # seen: to await a later append of the run is enough
        return done

    def _append(self, execution_id: str, after: int, events: Sequence[Event], fence: int) -> None:
        self._refuse_if_closed()
        batch = encode_batch(execution_id, after, events)
        log = self._logs.get(execution_id)
        if log is not None and self._runs[execution_id].fence != fence:
            raise refusals.lost(execution_id)
        last = None if log is None else log[-1].last if log else 0
        objection = refusals.objection(execution_id, last, after, self._causes.get(execution_id))
        if objection is not None:
            raise objection
        self._causes.pop(execution_id, None)
        if events:
            self._logs[execution_id].append(batch)
        if change := status_change(events):
            run = self._runs[execution_id]
            engine = run.engine if change.ended_at is None else None
            self._runs[execution_id] = replace(run, status=change.status, ended_at=change.ended_at, engine=engine)

    async def read(self, execution_id: str, after: int = 0, limit: int | None = None) -> list[Event]:
        self._refuse_if_closed()
        log = self._logs.get(execution_id, [])
        return read_batches(execution_id, log[bisect_right(log, after, key=_last) :], after, limit)

    async def record(self, execution_id: str) -> RunRecord | None:
        self._refuse_if_closed()
        return self._runs.get(execution_id)

    async def find(self, prefix: str) -> RunRecord:
        exact = await self.record(prefix)
        if exact is not None:
            return exact
        wanted = prefix.lower()
        return refusals.the_one(
            prefix, [run for run in self._runs.values() if run.execution_id.lower().startswith(wanted)]
        )

    async def find_key(self, key: str) -> RunRecord | None:
        self._refuse_if_closed()
        return next((run for run in self._runs.values() if run.key == key), None)

    async def text(self, digest: str) -> str:
        self._refuse_if_closed()
        if digest not in self._texts:
            raise refusals.unknown_text(digest)
        return self._texts[digest]

    async def list_runs(self, *, limit: int | None = None, status: str | None = None) -> list[RunRecord]:
        self._refuse_if_closed()
        chosen = [run for run in reversed(self._runs.values()) if status is None or run.status == status]
        return sorted(chosen, key=lambda run: run.started_at, reverse=True)[:limit]

    async def enter(self, owner: Owner) -> None:
        self._refuse_if_closed()
        self._owners[owner.engine] = owner

    async def leave(self, engine: str) -> None:
        self._refuse_if_closed()
        self._owners.pop(engine, None)
        for run in self._runs.values():
            if run.engine == engine:
                self._runs[run.execution_id] = replace(run, engine=None)

    async def owners(self) -> list[Owner]:
        self._refuse_if_closed()
        return list(self._owners.values())

    async def claim(self, execution_id: str, engine: str, *, now: int, dead: Collection[str] = ()) -> int:
        run = await self.record(execution_id)
        if run is None:
            raise refusals.unknown_run(execution_id)
        if run.engine == engine:
            return run.fence
        owner = None if run.engine is None else self._owners.get(run.engine)
        if owner is not None and owner.expires_at > now and owner.engine not in dead:
            raise refusals.owned(execution_id, owner, now)
        self._runs[execution_id] = replace(run, engine=engine, fence=run.fence + 1)
        return run.fence + 1

    async def release(self, execution_id: str, engine: str) -> None:
        run = await self.record(execution_id)
        if run is not None and run.engine == engine:
            self._runs[execution_id] = replace(run, engine=None)

    async def post(self, execution_id: str, kind: str, data: dict[str, Any], at: int) -> Command:
        run = await self.record(execution_id)
        if run is None:
            raise refusals.unknown_run(execution_id)
        if run.ended_at is not None:
            raise refusals.ended(execution_id, run.status)
        command = Command(id=next(self._numbers), execution_id=execution_id, kind=kind, data=data, at=at)
        self._commands[command.id] = command
        return command

    async def commands(self, engine: str) -> list[Command]:
        self._refuse_if_closed()
        return [command for command in self._commands.values() if self._runs[command.execution_id].engine == engine]

    async def settle(self, commands: Collection[int]) -> None:
        self._refuse_if_closed()
        for number in commands:
            self._commands.pop(number, None)

    async def save_snapshot(self, execution_id: str, snapshot: Snapshot) -> None:
        self._refuse_if_closed()
        self._snapshots[execution_id] = snapshot

    async def snapshot(self, execution_id: str) -> Snapshot | None:
        self._refuse_if_closed()
        return self._snapshots.get(execution_id)

    async def bury(self, letter: DeadLetter) -> int:
        self._refuse_if_closed()
        return self._bury(letter)

    def _bury(self, letter: DeadLetter) -> int:
        number = next(self._numbers)
        self._letters[number] = msgspec.structs.replace(letter, id=number)
        return number

    def _bury_unread(self, execution_id: str, unread: Unread) -> None:
        at = self._runs[execution_id].ended_at or 0
        asked = [command for command in self._commands.values() if command.execution_id == execution_id]
        for command in asked:
            if command.kind == "signal" and command.id > unread.after:
                self._bury(unread.letter(execution_id, at, command.data))
            del self._commands[command.id]

    async def dead_letters(self) -> list[DeadLetter]:
        self._refuse_if_closed()
        return list(reversed(self._letters.values()))

    async def unbury(self, letter: int) -> None:
        self._refuse_if_closed()
        if self._letters.pop(letter, None) is None:
            raise refusals.unknown_letter(letter)

    async def prune(self, *, before: int, keep_failed: bool = False, dry_run: bool = False) -> Pruned:
        self._refuse_if_closed()
        old = [
            run.execution_id
            for run in self._runs.values()
            if run.ended_at is not None
            and run.ended_at < before
            and not (keep_failed and run.status == "failed")
            and not self._goes_on(run.parent)
        ]
        events = sum(log[-1].last for name in old if (log := self._logs[name]))
        if dry_run:
            return Pruned(runs=len(old), events=events)
        for name in old:
            for kept in (self._runs, self._logs, self._snapshots, self._causes):
                kept.pop(name, None)
        gone = set(old)
        self._commands = {number: it for number, it in self._commands.items() if it.execution_id not in gone}
        self._letters = {number: it for number, it in self._letters.items() if it.execution_id not in gone}
        needed = {run.digest for run in self._runs.values()}
        self._texts = {digest: text for digest, text in self._texts.items() if digest in needed}
        return Pruned(runs=len(old), events=events)

    def _goes_on(self, execution_id: str | None) -> bool:
        run = None if execution_id is None else self._runs.get(execution_id)
        return run is not None and run.ended_at is None

    async def compact(self) -> int:
        self._refuse_if_closed()
        return 0

    async def note(self, name: str, value: int) -> None:
        self._refuse_if_closed()
        self._notes[name] = value

    async def noted(self, name: str) -> int | None:
        self._refuse_if_closed()
        return self._notes.get(name)

    async def about(self) -> StoreInfo:
        self._refuse_if_closed()
        return StoreInfo(
            kind="memory",
            place="memory:",
            version=None,
            size=sum(len(batch.text) for log in self._logs.values() for batch in log),
            runs=dict(Counter(run.status for run in self._runs.values())),
            events=sum(log[-1].last for log in self._logs.values() if log),
        )

    async def close(self) -> None:
        self._closed = True

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise refusals.closed()
