"""Keeps the terminal up to date while runs go on: lines about what has ended, and below them what runs."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from noetl.cli.console import Console
from noetl.cli.live.activity import activities
from noetl.cli.live.region import Region
from noetl.cli.live.spoken import Spoken
from noetl.cli.visits import Visit
from noetl.machine import Run
from noetl.model.event import Event, Kind
from noetl.runtime.clock import microseconds
from noetl.runtime.ids import following_id

if TYPE_CHECKING:
    from noetl.cli.live.drawing import Drawing

#: Seconds between two drawings.
_REFRESH_S = 0.1
#: A run that is over before is told by its lines alone, and never waits for what drawing needs to be imported.
_FIRST_S = 0.15
#: A drawing that takes long is followed by a rest of so many times that long, but no longer than _LONGEST_REST_S.
_REST, _LONGEST_REST_S = 10, 1.0


class LiveView:
    """Takes the lines about runs, and the events of their engine, from when it is entered until it is left.

    All that is written to the console meanwhile, by whomever, stands above what runs. `runs` gives the states of the
    runs that go on, `summary` a line to stand below them. The first run of which there is an event is the one that was
    asked for, as are those that try it again; the steps of others, and with `named` of all, stand behind the name of
    their playbook.
    """

    def __init__(
        self,
        console: Console,
        runs: Callable[[], Iterable[Run]],
        summary: Callable[[], str] | None = None,
        *,
        named: bool = False,
    ) -> None:
        self._console = console
        self._output = console.out
        self._runs = runs
        self._summary = summary
        self._spoken = Spoken()
        self._named = named
        self._asked_for: set[str] = set()
        self._lines: list[str] = []
        self._region = Region(self._output)
        self._drawing: Drawing | None = None
        self._next: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._console.call_before_writing(self.settle)
        if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
            loop.add_signal_handler(signal.SIGTSTP, self._stop)
        self._next = loop.call_later(_FIRST_S, self._refresh)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTSTP)
        self.leave()

    def __call__(self, event: Event) -> None:
        if not self._asked_for and not self._named:
            self._asked_for.add(event.execution_id)
        if event.kind == Kind.RUN_FAILED and event.execution_id in self._asked_for:
            self._asked_for.add(following_id(event.execution_id))
        self._spoken(event)

    def said(self, visit: Visit | None, line: str) -> None:
        self._lines.append(line)

    def ended(self, visit: Visit, line: str) -> None:
        self._lines.append(line)

    def settle(self) -> None:
        """Give way to what somebody is about to write; what runs is drawn again below that."""
        if self._lines or self._region.shown:
            self._region.draw((), self._waiting())

    def leave(self) -> None:
        """Write what is still to be written, and leave the terminal as it was found."""
        if self._next is not None:
            self._next.cancel()
        self.settle()
        self._console.call_before_writing(None)
        self._region.leave()

    def _refresh(self) -> None:
        if not self._output.open:
            return
        # Of our own time: on a busy machine the view is not to become slower than that.
        started = time.thread_time()
        self._draw()
        rest = min(_LONGEST_REST_S, _REST * (time.thread_time() - started))
        self._next = asyncio.get_running_loop().call_later(max(_REFRESH_S, rest), self._refresh)

    def _draw(self) -> None:
        width, height = self._output.size()
        now = microseconds()
        # A line of the terminal is left to what has ended.
        room = max(1, height - (1 if self._summary is None else 2))
        runs = [("" if run.id in self._asked_for else f"{run.playbook.name}/", run) for run in self._runs()]
        found, hidden = activities(runs, self._spoken, now, room)
        lines: list[str] = []
        if found:
            if self._drawing is None:
                self._drawing = self._new_drawing()
            lines = self._drawing.lines(found, hidden, now=now, width=width)
        lines = lines[:room]
        if self._summary is not None:
            lines.append(self._summary()[: width - 1])
        self._region.draw(lines, self._waiting())

    def _new_drawing(self) -> Drawing:
        from noetl.cli.live.drawing import Drawing

        return Drawing(colours=self._output.colours, encoding=self._output.encoding)

    def _waiting(self) -> str:
        lines, self._lines = self._lines, []
        return "".join(lines)

    def _stop(self) -> None:
        """Ctrl-Z: the shell gets a clean terminal, and what runs is drawn again when it lets us go on."""
        self.settle()
        self._region.leave()
        os.kill(os.getpid(), signal.SIGSTOP)
