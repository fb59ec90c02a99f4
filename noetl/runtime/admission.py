"""The limits of one engine in real time: who waits is let in when somebody leaves, or when its time has come."""

from __future__ import annotations

import asyncio

from noetl.runtime.limits import Demand, Limits


class Admission:
    """Asks the limits again whenever something has changed. Belongs to the running loop."""

    def __init__(self, concurrency: int | None) -> None:
        self._limits = Limits(concurrency)
        self._loop = asyncio.get_running_loop()
        self._soon: asyncio.Handle | None = None
        self._later: asyncio.TimerHandle | None = None

    def now(self) -> float:
        return self._loop.time()

    def ask(self, demand: Demand) -> str | None:
        """None where the action may start now; else it is queued, and this is why. Raises Refused."""
        reason = self._limits.ask(demand, self.now())
        if reason is not None:
            self._look_again()
        return reason

    def leave(self, demand: Demand, *, failed: bool | None) -> str | None:
        """An action is over; gives the state of its circuit where that has changed."""
        changed = self._limits.leave(demand, self.now(), failed=failed)
        self._look_again()
        return changed

    def withdraw(self, demand: Demand) -> None:
        """A queued action does not want to start any more."""
        self._limits.withdraw(demand)
        self._look_again()

    def forget(self, owner: str) -> None:
        """A run is over."""
        self._limits.forget(owner)

    def _look_again(self) -> None:
        # Not at once: who is let in may itself ask, in the middle of it.
        if self._soon is None:
            self._soon = self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._soon = None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        again_at = self._limits.go_on(self.now())
        if again_at is not None:
            self._later = self._loop.call_at(again_at, self._go_on)
