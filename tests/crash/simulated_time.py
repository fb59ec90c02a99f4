"""An event loop in which no time passes but by timers: it jumps to the next one as soon as nothing else is to be done."""

from __future__ import annotations

import asyncio
import selectors
from types import SimpleNamespace
from typing import Any

#: The wall clock's time when the simulation begins, in seconds since the epoch.
BEGINNING_S = 1_700_000_000.0

#: A simulation that goes on for longer hangs.
LONGEST_S = 3 * 3600.0


class Stuck(Exception):
    """Nothing ever happens any more."""


class Clock:
    """The time of one simulated world; it goes on over all loops that run in it."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def pass_by(self, seconds: float) -> None:
        self.passed_s += seconds
        if self.passed_s > LONGEST_S:
            raise Stuck(f"nothing has ended within {LONGEST_S:g} simulated seconds")

    def module(self) -> Any:
        """What stands in for the module `time` where the wall clock is read."""
        return SimpleNamespace(time_ns=lambda: round((BEGINNING_S + self.passed_s) * 1e9))


class _NoSockets(selectors.DefaultSelector):
    """Never waits for a file: whoever waits, waits for a timer."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck("everybody waits, and for nothing that could happen")
        if timeout > 0:
            self._clock.pass_by(timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """One process: what runs in it is deterministic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        super().__init__(_NoSockets(clock))

    def time(self) -> float:
        return self._clock.passed_s

    def die(self) -> None:
        """End all tasks without leaving them time, as far as Python can."""
        for _ in range(20):
            tasks = asyncio.all_tasks(self)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            for _ in range(5):
                self.call_soon(self.stop)
                self.run_forever()
        self.close()
