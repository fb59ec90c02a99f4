"""Takes over runs that the store knows and nobody drives. Which of them, and when, is for others to say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from noetl.actions.leftovers import end_leftovers
from noetl.machine import Run
from noetl.machine.waits import ActionWait
from noetl.runtime.memo import memo_of
from noetl.runtime.recorded import Playbooks, refuse_ended, state_of
from noetl.runtime.runner import Runner
from noetl.store.base import RunRecord

if TYPE_CHECKING:
    from noetl.runtime.engine import Engine


class Adopting:
    """The adoptions of one engine. An action that was lost more than `max_lost` times is given up."""

    def __init__(self, engine: Engine, max_lost: int) -> None:
        self._engine = engine
        self._max_lost = max_lost
        self._under_way: dict[str, asyncio.Task[Runner]] = {}

    def close(self) -> None:
        for task in list(self._under_way.values()):
            task.cancel()

    async def adopt(self, record: RunRecord, playbooks: Playbooks, parent: Runner | None = None) -> Runner:
        """Drive a run; who asks at the same time gets the same runner."""
        task = self._under_way.get(record.execution_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._adopt(record, playbooks, parent))
            self._under_way[record.execution_id] = task
            task.add_done_callback(lambda _: self._under_way.pop(record.execution_id))
        # Shielded: who asks may be cancelled, and a run must not stay claimed with nobody to drive it.
        return await asyncio.shield(task)

    async def _adopt(self, record: RunRecord, playbooks: Playbooks, parent: Runner | None) -> Runner:
        engine = self._engine
        runner = engine.driven(record.execution_id)
        if runner is not None:
            return runner
        refuse_ended(record)
        playbook, known = await playbooks.of(record)
        fence = await engine.ownership.claim(record.execution_id)
        try:
            run = await state_of(engine.store, record, playbook)
            # It may have ended since the record was read.
            refuse_ended(replace(record, status=run.status, ended_at=run.ended_at))
            memo = await memo_of(engine.store, run.rerun)
            await self._end_given_up(run)
        except BaseException:
            await engine.release(record.execution_id)
            raise
        runner = engine.driven(record.execution_id)
        if runner is not None:
            # It was just being begun here.
            return runner
        runner = engine.drive(run, replace(record, fence=fence), known, parent, memo)
        runner.adopt(max_lost=self._max_lost)
        return runner

    async def _end_given_up(self, run: Run) -> None:
        """End what was left behind of actions that were lost too often to be carried out again."""
        for token in run.tokens.values():
            if isinstance(token.wait, ActionWait) and token.wait.lost >= self._max_lost:
                await end_leftovers(token.wait.frame.key)
