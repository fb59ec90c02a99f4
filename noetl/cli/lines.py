"""Where the lines about a run go: each is said in a visit or tells the end of one. What they say is made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from noetl.cli.console import Output
from noetl.cli.visits import Visit


class Lines(Protocol):
    """Takes lines, with their line breaks, in order."""

    def said(self, visit: Visit | None, line: str) -> None:
        """Something happened in the visit; None where it belongs to none."""

    def ended(self, visit: Visit, line: str) -> None:
        """The visit has ended."""

    def settle(self) -> None:
        """Write what still waits to be written: something else comes next."""


class PlainLines:
    """Writes lines as they come. Those of one turn of the event loop go out at once: a chain must not wait at each.

    `soon` calls back when the loop turns.
    """

    def __init__(self, output: Output, soon: Callable[[Callable[[], None]], object]) -> None:
        self._output = output
        self._soon = soon
        self._waiting: list[str] = []

    def said(self, visit: Visit | None, line: str) -> None:
        if not self._waiting:
            self._soon(self.settle)
        self._waiting.append(line)

    ended = said

    def settle(self) -> None:
        if self._waiting:
            lines, self._waiting = self._waiting, []
            self._output.write("".join(lines))
            self._output.flush()
