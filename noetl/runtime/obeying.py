"""Carries out what other processes ask of the runs that an engine drives; the called runs stand still and go on, too.

What it comes to is the machine's; how a command gets here, the inbox's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from noetl.machine import Cancel, Resume, Signal, Status
from noetl.runtime.clock import microseconds
from noetl.runtime.inbox import Inbox
from noetl.runtime.runner import Runner
from noetl.store.base import Command, EventStore


class Obeying:
    """The obedience of one engine, which drives these runs."""

    def __init__(self, runners: Mapping[str, Runner]) -> None:
        self._runners = runners
        self._inbox: Inbox | None = None

    def listen(self, store: EventStore, engine: str) -> None:
        """From now on, look for commands."""
        if self._inbox is None:
            self._inbox = Inbox(store, engine, self.obey)

    def close(self) -> None:
        if self._inbox is not None:
            self._inbox.close()

    def obey(self, command: Command) -> Callable[[], Awaitable[None]] | None:
        """What is returned waits until that is durable; None where the run is not driven yet."""
        runner = self._runners.get(command.execution_id)
        if runner is None or (runner.closed and not runner.run.over):
            return None
        data, at = command.data, microseconds()
        if command.kind == "signal":
            runner.feed(Signal(at=at, event=data["event"], data=data.get("data"), command=command.id))
        elif command.kind == "cancel":
            runner.feed(Cancel(at=at, reason=data["reason"], command=command.id))
        elif command.id > runner.run.last_command or (runner.run.status is Status.PAUSED) == (command.kind == "pause"):
            # Else it has come before, and something later has overtaken it.
            for one in self._family(runner):
                if command.kind == "pause":
                    one.pause(data["reason"], until=data.get("until"), command=command.id, now=data.get("now", False))
                else:
                    one.feed(Resume(at=at, command=command.id))
        return runner.written

    def end_pause(self, runner: Runner) -> None:
        """Let a run go on that stands still, with those that it has called."""
        if runner.run.status is Status.PAUSED:
            for one in self._family(runner):
                one.feed(Resume(at=microseconds()))

    def _family(self, runner: Runner) -> list[Runner]:
        """A run with those that it has called, and they have; with the callers first."""
        found = [runner]
        for one in found:
            found += [other for other in self._runners.values() if other.parent == one.run.id]
        return found
