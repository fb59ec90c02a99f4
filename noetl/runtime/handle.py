"""A run that an engine drives, in the hands of who started it."""

from __future__ import annotations

import asyncio
from typing import Any

from noetl.errors import NoetlError
from noetl.machine import Cancel, Resume, Signal
from noetl.runtime.clock import microseconds
from noetl.runtime.report import Report, report
from noetl.runtime.runner import Runner
from noetl.store import refusals
from noetl.values import to_json


class RunHandle:
    """A run that has been started."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @property
    def execution_id(self) -> str:
        return self._runner.run.id

    @property
    def runner(self) -> Runner:
        """The runner of the run, or of the last one that tries it again."""
        return self._runner

    async def result(self) -> Report:
        """Wait for the end. Raises StoreError where the log could not be written.

        A playbook may say that a failed run is tried again: then the handle goes over to the new run, and the report is
        that of the last one.
        """
        while True:
            found = await asyncio.shield(self._runner.over)
            if self._runner.following is None:
                return found
            self._runner = await asyncio.shield(self._runner.following)

    async def result_or_cancel(self, reason: str = "cancelled by its caller") -> Report:
        """Wait for the end; when the caller is cancelled, so is the run."""
        try:
            return await self.result()
        except asyncio.CancelledError:
            self.cancel(reason)
            await self.result()
            raise

    def report(self) -> Report:
        """How far the run has come."""
        return report(self._runner.run)

    def cancel(self, reason: str = "cancelled by its caller") -> None:
        """Ask the run to end; running actions are stopped, and it ends as cancelled."""
        following = self._runner.following
        if following is None:
            self._runner.feed(Cancel(at=microseconds(), reason=reason))
        else:
            following.add_done_callback(lambda task: task.result().feed(Cancel(at=microseconds(), reason=reason)))

    def pause(self, reason: str = "paused by its caller", *, until: int | None = None, now: bool = False) -> None:
        """Ask the run to stand still, `until` a time (in microseconds since the epoch) or until it is resumed.

        What runs comes to its end; with `now` it is stopped, and begins anew when the run goes on.
        """
        self._runner.pause(reason, until=until, now=now)

    def resume(self) -> None:
        """Let a paused run go on."""
        self._runner.feed(Resume(at=microseconds()))

    def signal(self, event: str, data: Any = None) -> None:
        """Send an event to a `wait`; it is kept until one takes it.

        Raises RunEnded where none can any more, another NoetlError where the run is not driven here any more, and
        TypeError where the data has no JSON.
        """
        sent = Signal(at=microseconds(), event=event, data=to_json(data))
        runner, following = self._runner, self._runner.following
        if following is not None:
            following.add_done_callback(lambda task: task.result().feed(sent))
        elif runner.run.over:
            raise refusals.ended(runner.run.id, runner.run.status)
        elif runner.closed:
            raise NoetlError(f"run '{runner.run.id}' is not driven here any more")
        else:
            runner.feed(sent)
