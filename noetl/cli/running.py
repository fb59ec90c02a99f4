"""One run at the terminal, from its start to what is printed at its end. Command lines are read elsewhere."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from noetl.cli.console import Console
from noetl.cli.ending import Ending
from noetl.cli.interrupts import INTERRUPTED, Interrupts
from noetl.cli.lines import Lines
from noetl.cli.telling import LATE_S, telling
from noetl.cli.text import one_line
from noetl.errors import LostOwnership, OwnedElsewhere, StoreError
from noetl.machine import Status
from noetl.model.playbook import Playbook
from noetl.runtime.engine import Engine
from noetl.runtime.handle import RunHandle
from noetl.runtime.report import Report

if TYPE_CHECKING:
    from noetl.cli.junit import JUnitFile
    from noetl.runtime.memo import Memo

EXIT_CODES = {Status.COMPLETED: 0, Status.FAILED: 1, Status.CANCELLED: INTERRUPTED}


class TerminalRun:
    """A run whose events and end are told on the console: as JSON, or for people, who may want less or more.

    `junit` is a file to write besides; `look_up` a command that shows the run again, with ID for its id, None where
    nothing is kept of it.
    """

    def __init__(
        self,
        engine: Engine,
        console: Console,
        *,
        json: bool,
        quiet: bool,
        verbose: bool,
        junit: JUnitFile | None,
        look_up: str | None,
    ) -> None:
        self._engine = engine
        self._console = console
        self._json = json
        self._quiet = quiet
        self._verbose = verbose
        self._junit = junit
        self._ending = Ending(console, json=json, quiet=quiet, look_up=look_up)
        self._told = ExitStack()

    async def carry_out(self, playbook: Playbook, inputs: Mapping[str, Any], texts: Mapping[str, str]) -> int:
        """The exit code. `texts` are inputs still to be read as their types. Raises PlaybookError and StoreError."""
        return await self.see_through(playbook, lambda: self._engine.start(playbook, inputs, text=texts))

    async def see_through(self, playbook: Playbook, begin: Callable[[], Awaitable[RunHandle | Report]]) -> int:
        """The exit code of a run that `begin` begins, or goes on with, once the engine is open, or found ended."""
        engine = self._engine
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().set_exception_handler(self._warn)
        if self._junit is not None:
            engine.subscribe(self._junit, within_s=LATE_S)
        with Interrupts(self._console, first=lambda reason: _stop(task), last=self._kill) as interrupts:
            try:
                async with engine:
                    with self._told:
                        lines = self._told.enter_context(self._telling(playbook))
                        found = await begin()
                        # What is there by now stays: to look through it again and again would cost each run its part.
                        gc.freeze()
                        if isinstance(found, Report):
                            code = self._tell(found, lines)
                        else:
                            interrupts.first = found.cancel
                            code = await self._follow(found, lines)
                        await self._outlive(interrupts)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
        code = INTERRUPTED if interrupts.happened and code == 0 else code
        return code if self._write_junit() else code or EXIT_CODES[Status.FAILED]

    def _kill(self) -> None:
        """The process is about to end: nothing goes on, and the terminal is left as it was found."""
        self._engine.kill()
        self._told.close()

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

    def _telling(self, playbook: Playbook) -> AbstractContextManager[Lines]:
        wishes = {"json": self._json, "quiet": self._quiet, "verbose": self._verbose}
        return telling(self._engine, self._console, playbook, **wishes)

    async def _follow(self, handle: RunHandle, lines: Lines) -> int:
        """Wait for the end, and tell it."""
        try:
            report = await handle.result()
        except (LostOwnership, OwnedElsewhere) as error:
            lines.settle()
            self._ending.tell_lost(handle.report(), error)
            return INTERRUPTED
        except StoreError as error:
            lines.settle()
            self._ending.tell_unwritten(handle.report(), error)
            return EXIT_CODES[Status.FAILED]
        runner = handle.runner
        # What was taken over before the process was lost is not known any more.
        return self._tell(report, lines, None if runner.inherited(1) else runner.memo)

    def _tell(self, report: Report, lines: Lines, memo: Memo | None = None) -> int:
        lines.settle()
        self._ending.tell(report, memo)
        return EXIT_CODES[report.status]

    def _write_junit(self) -> bool:
        """Whether the file that was asked for is there now."""
        if self._junit is None:
            return True
        try:
            self._junit.write()
        except OSError as error:
            self._console.error(f"the file of '--junit' cannot be written: {error.strerror or error}")
            return False
        return True


def _stop(task: asyncio.Task[Any]) -> None:
    """Nothing has been started yet, so nothing has to end cleanly."""
    task.cancel()
