"""A circuit breaker: stops calling what keeps failing, and tries now and then whether it works again (language.md 7).

Pure: it is told the time, in seconds of any clock that does not go back.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum

from noetl.model.playbook import CircuitBreaker

#: Fewer calls than this say nothing about a share of failures.
FEWEST_CALLS = 5


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """The state of one breaker. Every call that `admits` let through is told to `ended`, or was `abandoned`."""

    def __init__(self, settings: CircuitBreaker) -> None:
        self._settings = settings
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._failures = 0
        self._open_until = 0.0
        self._trials = 0
        self._succeeded = 0
        self.state = State.CLOSED

    def is_open(self, now: float) -> bool:
        """Whether nothing may be called, not even as a trial."""
        return self.state is State.OPEN and now < self._open_until

    def admits(self, now: float) -> bool:
        """Whether a call may be made; if so, it counts as one of the trials of a half-open circuit."""
        if self.state is State.OPEN and now >= self._open_until:
            self._become(State.HALF_OPEN)
        if self.state is State.CLOSED:
            return True
        if self.state is State.OPEN or self._trials + self._succeeded >= self._settings.half_open:
            return False
        self._trials += 1
        return True

    def ended(self, now: float, *, failed: bool) -> None:
        """A call that was admitted is over."""
        if self.state is State.HALF_OPEN:
            self._trials = max(0, self._trials - 1)
            if failed:
                self._open(now)
            else:
                self._succeeded += 1
                if self._succeeded >= self._settings.half_open:
                    self._become(State.CLOSED)
        elif self.state is State.CLOSED:
            self._note(now, failed)
            calls = len(self._outcomes)
            if calls >= FEWEST_CALLS and self._failures >= self._settings.threshold * calls:
                self._open(now)

    def abandoned(self) -> None:
        """A call that was admitted says nothing: it was cancelled."""
        if self.state is State.HALF_OPEN:
            self._trials = max(0, self._trials - 1)

    def _note(self, now: float, failed: bool) -> None:
        self._outcomes.append((now, failed))
        self._failures += failed
        while self._outcomes[0][0] <= now - self._settings.window:
            self._failures -= self._outcomes.popleft()[1]

    def _open(self, now: float) -> None:
        self._open_until = now + self._settings.open_for
        self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self._trials = self._succeeded = 0
        self._outcomes.clear()
        self._failures = 0
