"""Going on with runs whose engine was lost, and with those that try failed ones again. Drives none of them itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from noetl.errors import NoetlError, OwnedElsewhere, RunEnded, StoreError
from noetl.machine import Run, Status
from noetl.runtime.beginning import begin_run
from noetl.runtime.calls import called_by
from noetl.runtime.clock import microseconds
from noetl.runtime.ids import following_id
from noetl.runtime.memo import memo_of
from noetl.runtime.recorded import Playbooks, playbook_of, state_of
from noetl.runtime.report import Report, report
from noetl.runtime.runner import Runner
from noetl.store.base import RunRecord
from noetl.store.refusals import unknown_run

if TYPE_CHECKING:
    from noetl.runtime.engine import Engine

#: A failed run whose next attempt was lost is looked for among those that ended in the last so many seconds.
FOLLOWED_S = 7 * 86_400

#: So many runs are recovered at once: while one is read from the log, the claims of others are written together.
RECOVERED_AT_ONCE = 100


class Recovery:
    """The recoveries of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: By the run that failed, the one that tries it again, while that is being begun.
        self.following: dict[str, asyncio.Task[Runner]] = {}

    def close(self) -> None:
        for task in list(self.following.values()):
            task.cancel()

    async def go_on_with(
        self,
        record: RunRecord,
        *,
        secrets: Mapping[str, str] | None = None,
        parent: Runner | None = None,
    ) -> Runner | Report:
        """Drive a run, or the last of those that try it again; where that has ended, its report.

        Raises OwnedElsewhere, and what `Engine.resume` does.
        """
        while True:
            runner = self._engine.driven(record.execution_id)
            if runner is not None:
                return runner
            if record.ended_at is None:
                try:
                    playbooks = Playbooks(self._engine.store, self._engine.shapes, secrets)
                    return await self._engine.adopt(record, playbooks, parent)
                except RunEnded:
                    # Since the record was read, by who drove it until then.
                    record = await self._record(record.execution_id)
            following = await self._following(record, secrets, parent)
            if following is None:
                return report(await self._state(record))
            if isinstance(following, Runner):
                return following
            record = following

    def follow(
        self, failed: Run, secrets: Mapping[str, str] | None = None, parent: Runner | None = None
    ) -> asyncio.Task[Runner]:
        """Begin the run that tries a failed one again; it waits by itself until its time has come."""
        task = self.following.get(failed.id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._follow(failed, secrets, parent))
            self.following[failed.id] = task
            task.add_done_callback(lambda task: self._followed(failed.id, task))
        return task

    async def recover(self) -> list[Runner]:
        """Drive every run that has lost its engine, but those whose callers ask for them."""
        store = self._engine.store
        records = [
            record for status in (Status.RUNNING, Status.PAUSED) for record in await store.list_runs(status=status)
        ]
        records.sort(key=lambda record: record.started_at)
        playbooks = Playbooks(store, self._engine.shapes)
        found: list[Runner] = []
        for begin in range(0, len(records), RECOVERED_AT_ONCE):
            some = records[begin : begin + RECOVERED_AT_ONCE]
            recovered = await asyncio.gather(*(self._recover(record, playbooks) for record in some))
            found += [runner for runner in recovered if runner is not None]
        return found + await self._follow_lost()

    async def _recover(self, record: RunRecord, playbooks: Playbooks) -> Runner | None:
        if self._engine.driven(record.execution_id) is not None or await self._is_called(record):
            return None
        try:
            return await self._engine.adopt(record, playbooks)
        except (OwnedElsewhere, RunEnded):
            return None
        except NoetlError as error:
            _warn(record, error)
            return None

    async def _follow_lost(self) -> list[Runner]:
        """Try failed runs again whose engine was lost between their end and the beginning of their next attempt."""
        store = self._engine.store
        found = []
        for record in await store.list_runs(status=Status.FAILED):
            late = (record.ended_at or 0) < microseconds() - FOLLOWED_S * 1_000_000
            if late or record.execution_id in self.following or not await self._may_be_tried_again(record):
                continue
            following = await store.record(following_id(record.execution_id))
            if following is not None or await self._is_called(record):
                continue
            try:
                runner = await self.go_on_with(record)
            except OwnedElsewhere:
                continue
            except NoetlError as error:
                _warn(record, error)
                continue
            if isinstance(runner, Runner):
                found.append(runner)
        return found

    async def _following(
        self, record: RunRecord, secrets: Mapping[str, str] | None, parent: Runner | None
    ) -> RunRecord | Runner | None:
        """The run that tries an ended one again, if one does; it is begun where that has not been done."""
        following = await self._engine.store.record(following_id(record.execution_id))
        if following is not None:
            return following
        if record.status != Status.FAILED or not await self._may_be_tried_again(record):
            return None
        run = await self._state(record)
        return None if run.again is None else await asyncio.shield(self.follow(run, secrets, parent))

    async def _follow(self, failed: Run, secrets: Mapping[str, str] | None, parent: Runner | None) -> Runner:
        due, attempt = _again(failed)
        execution_id = following_id(failed.id)
        try:
            return await begin_run(
                self._engine,
                failed.playbook,
                failed.inputs,
                execution_id,
                secrets=secrets,
                parent=parent,
                attempt=attempt,
                starts_at=due,
                memo=await memo_of(self._engine.store, failed.rerun),
            )
        except StoreError as error:
            if await self._engine.store.record(execution_id) is None:
                raise
            raise OwnedElsewhere(f"run '{execution_id}' was begun by another engine") from error

    def _followed(self, failed: str, task: asyncio.Task[Runner]) -> None:
        del self.following[failed]
        if not task.cancelled() and (error := task.exception()) is not None:
            logging.getLogger("noetl").warning("run %s cannot be tried again here: %s", failed, error)

    async def _may_be_tried_again(self, record: RunRecord) -> bool:
        """False where the playbook surely says no; to ask its text is cheaper than to fold the run."""
        return "retry" in await self._engine.store.text(record.digest)

    async def _is_called(self, record: RunRecord) -> bool:
        """Whether a run that goes on waits for this one, and will ask for it when it is recovered."""
        store = self._engine.store
        caller = None if record.parent is None else await store.record(record.parent)
        if caller is None or caller.ended_at is not None:
            return False
        driven = self._engine.driven(caller.execution_id)
        try:
            run = await self._state(caller) if driven is None else driven.run
        except NoetlError:
            return True
        for execution_id in called_by(run):
            called = await store.record(execution_id)
            while called is not None:
                if called.execution_id == record.execution_id:
                    return True
                called = await store.record(following_id(called.execution_id))
        return False

    async def _record(self, execution_id: str) -> RunRecord:
        record = await self._engine.store.record(execution_id)
        if record is None:
            raise unknown_run(execution_id)
        return record

    async def _state(self, record: RunRecord) -> Run:
        store = self._engine.store
        return await state_of(store, record, await playbook_of(store, record, self._engine.shapes))


def _again(failed: Run) -> tuple[int, int]:
    assert failed.again is not None
    return failed.again


def _warn(record: RunRecord, error: NoetlError) -> None:
    logging.getLogger("noetl").warning("run %s cannot be recovered: %s", record.execution_id, error)
