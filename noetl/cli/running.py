"""One run at the terminal, from its start to what is printed at its end. Command lines are read elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from noetl.cli.console import Console
from noetl.cli.interrupts import INTERRUPTED, Interrupts
from noetl.cli.progress import Progress
from noetl.cli.render import summary
from noetl.cli.text import one_line
from noetl.errors import ErrorKind, StoreError
from noetl.machine import Status
from noetl.machine.result import make_error
from noetl.model.playbook import Playbook
from noetl.runtime.engine import Engine, RunHandle
from noetl.runtime.report import Report

_EXIT_CODES = {Status.COMPLETED: 0, Status.FAILED: 1, Status.CANCELLED: INTERRUPTED}

#: A longer name is not worth moving all durations to the right.
_WIDEST = 32


class TerminalRun:
    """A run whose events and end are told on the console: as JSON, or for people, who may want less or more."""

    def __init__(self, engine: Engine, console: Console, *, json: bool, quiet: bool, verbose: bool) -> None:
        self._engine = engine
        self._console = console
        self._json = json
        self._quiet = quiet
        self._verbose = verbose

    async def carry_out(self, playbook: Playbook, inputs: Mapping[str, Any], texts: Mapping[str, str]) -> int:
        """The exit code. `texts` are inputs still to be read as their types. Raises PlaybookError and StoreError."""
        engine = self._engine
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().set_exception_handler(self._warn)
        with Interrupts(self._console, first=lambda reason: _stop(task), last=engine.kill) as interrupts:
            try:
                async with engine:
                    self._subscribe(playbook)
                    handle = await engine.start(playbook, inputs, text=texts)
                    interrupts.first = handle.cancel
                    code = await self._follow(handle)
                    await self._outlive(interrupts)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
        return INTERRUPTED if interrupts.happened and code == 0 else code

    async def _outlive(self, interrupts: Interrupts) -> None:
        """Wait for the runs that this one has left to themselves (`detach`)."""
        interrupts.first = self._engine.cancel
        if interrupts.happened:
            self._engine.cancel("interrupted")
        await self._engine.idle()

    def _warn(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """Somebody's task or callback raised and nobody took it; asyncio would print a traceback."""
        error = context.get("exception")
        about = f" ({type(error).__name__}: {one_line(str(error))})" if error is not None else ""
        self._console.warning(f"{one_line(context['message'])}{about}")

    def _subscribe(self, playbook: Playbook) -> None:
        if self._quiet:
            return
        output = self._console.err if self._json else self._console.out
        width = min(_WIDEST, max(map(len, playbook.steps)))
        soon = asyncio.get_running_loop().call_soon
        self._engine.subscribe(Progress(output, width=width, verbose=self._verbose, soon=soon))

    async def _follow(self, handle: RunHandle) -> int:
        """Wait for the end, and tell it."""
        try:
            report = await handle.result()
        except StoreError as error:
            self._tell_unwritten(handle.report(), error)
            return _EXIT_CODES[Status.FAILED]
        self._tell(report)
        return _EXIT_CODES[report.status]

    def _tell(self, report: Report) -> None:
        console = self._console
        if self._json:
            console.out.json(report.as_data())
        elif not (self._quiet and report.succeeded):
            output = console.err if self._quiet else console.out
            for line in summary(report, output):
                output.write(f"{line}\n")
        console.flush()

    def _tell_unwritten(self, report: Report, error: StoreError) -> None:
        """The event log failed under the run, which ended there and then."""
        if self._json:
            lost = make_error(ErrorKind.SYSTEM, "store", str(error))
            self._console.out.json({**report.as_data(), "status": "failed", "error": lost})
            self._console.flush()
        else:
            self._console.error(str(error))


def _stop(task: asyncio.Task[Any]) -> None:
    """Nothing has been started yet, so nothing has to end cleanly."""
    task.cancel()
