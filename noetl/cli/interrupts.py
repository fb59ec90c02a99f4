"""Ctrl-C, SIGTERM and the end of the terminal: the first asks what goes on to end, the second ends all at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from types import TracebackType
from typing import Self

from noetl.cli.console import Console

INTERRUPTED = 3

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


def interruptible() -> None:
    """From now on these signals raise KeyboardInterrupt, so that all end the process in the same way."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Whoever started us with `nohup` wants us to ignore it.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


class Interrupts:
    """While it is entered, the first signal calls `first` with a reason, and the second `last` before the process ends.

    `first` may be changed while things go on.
    """

    def __init__(self, console: Console, *, first: Callable[[str], None], last: Callable[[], None]) -> None:
        self.first = first
        self.happened = False
        self._last = last
        self._console = console
        self._handled: list[int] = []

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in _NAMES:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._signalled, number)
                self._handled.append(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in self._handled:
            loop.remove_signal_handler(number)

    def _signalled(self, number: signal.Signals) -> None:
        if self.happened:
            self._last()
            os._exit(INTERRUPTED)
        self.happened = True
        self._console.out.flush()
        self._console.err.line("cancelling (press Ctrl-C again to stop at once)")
        self.first(f"interrupted by {_NAMES[number]}")
