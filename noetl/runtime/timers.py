"""The timers of one run, set in the event loop. Knows not what they are for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from noetl.runtime.clock import microseconds

#: A timer far away is looked at again after this many seconds: the wall clock may be set meanwhile.
LONGEST_SLEEP_S = 3600.0


class Timers:
    """`fire` is called with the number of a timer that has fallen due; it is set no more then."""

    def __init__(self, fire: Callable[[int], None]) -> None:
        self._fire = fire
        self._loop = asyncio.get_running_loop()
        self._set: dict[int, asyncio.TimerHandle] = {}

    def update(self, due: Mapping[int, int | None], *, complete: bool) -> None:
        """By number, when each is due, None where it is dropped; with `complete`, there are no others any more."""
        if complete:
            for number in self._set.keys() - due.keys():
                self._drop(number)
        for number, at in due.items():
            if at is None:
                self._drop(number)
            elif number not in self._set:
                self._sleep(number, at)

    def close(self) -> None:
        for number in list(self._set):
            self._drop(number)

    def _drop(self, number: int) -> None:
        handle = self._set.pop(number, None)
        if handle is not None:
            handle.cancel()

    def _sleep(self, number: int, due: int) -> None:
        delay = min(max(0.0, (due - microseconds()) / 1e6), LONGEST_SLEEP_S)
        self._set[number] = self._loop.call_later(delay, self._look, number, due)

    def _look(self, number: int, due: int) -> None:
        if microseconds() < due:
            self._sleep(number, due)
        else:
            del self._set[number]
            self._fire(number)
