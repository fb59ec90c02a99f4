"""All interrupted runs of an event log at the terminal, until they have ended."""

from __future__ import annotations

import asyncio
from typing import Any

from noetl.cli.console import Console
from noetl.cli.ending import Ending
from noetl.cli.interrupts import INTERRUPTED, Interrupts
from noetl.cli.running import EXIT_CODES
from noetl.cli.telling import telling
from noetl.errors import LostOwnership, StoreError
from noetl.machine import Run, Status
from noetl.runtime.engine import Engine
from noetl.runtime.handle import RunHandle
from noetl.runtime.report import Report


class Recovered:
    """The runs that an engine recovers; told on the console."""

    def __init__(self, engine: Engine, console: Console, *, json: bool, quiet: bool, verbose: bool) -> None:
        self._engine = engine
        self._console = console
        self._json = json
        self._wishes = {"json": json, "quiet": quiet, "verbose": verbose}
        self._ending = Ending(console, json=False, quiet=quiet, look_up=None)

    async def see_through(self) -> int:
        """The exit code: the worst of them."""
        task = asyncio.current_task()
        assert task is not None
        engine = self._engine
        with Interrupts(self._console, first=lambda reason: _stop(task), last=engine.kill) as interrupts:
            try:
                async with engine:
                    with telling(engine, self._console, None, **self._wishes) as lines:
                        handles = await self._begin()
                        interrupts.first = engine.cancel
                        found = await asyncio.gather(*(handle.result() for handle in handles), return_exceptions=True)
                        lines.settle()
                    await engine.idle()
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
        codes = [self._tell(one) for one in found]
        if self._json:
            self._console.out.json([one.as_data() for one in found if isinstance(one, Report)])
        elif not codes and not self._wishes["quiet"]:
            self._console.out.line("no run is interrupted")
        return INTERRUPTED if interrupts.happened else 1 if 1 in codes else max(codes, default=0)

    async def _begin(self) -> list[RunHandle]:
        """The runs that go on. Those that stay paused until somebody resumes them are left to him."""
        handles = []
        for handle in await self._engine.recover():
            run = handle.runner.run
            if run.status is Status.PAUSED and not _ends_by_itself(run):
                await self._engine.let_go(handle.runner)
                if not self._wishes["quiet"]:
                    self._console.err.line(f"run {run.id} stays paused ('noetl resume {run.id}' goes on with it)")
            else:
                handles.append(handle)
        return handles

    def _tell(self, found: Report | BaseException) -> int:
        if isinstance(found, Report):
            if not self._json:
                self._ending.tell(found)
            return EXIT_CODES[found.status]
        if not isinstance(found, StoreError):
            raise found
        self._console.error(str(found))
        return INTERRUPTED if isinstance(found, LostOwnership) else EXIT_CODES[Status.FAILED]


def _ends_by_itself(run: Run) -> bool:
    return any(timer.purpose == "pause" for timer in run.timers.values())


def _stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
