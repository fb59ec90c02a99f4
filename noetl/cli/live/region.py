"""The lines at the bottom of the terminal that are drawn again and again. Knows nothing of what they show."""

from __future__ import annotations

from collections.abc import Sequence

from noetl.cli.console import Output

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ERASE_LINE, _ERASE_BELOW = "\x1b[K", "\x1b[J"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"


class Region:
    """Lines that give way to what is written otherwise.

    The cursor always stands where they begin. So all of them can be erased without knowing how many lines of the
    terminal they take now: after it was resized, that depends on the terminal.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._hidden = False
        self.shown = False

    def draw(self, lines: Sequence[str], above: str = "") -> None:
        """Show these lines, none wider than the terminal; `above` is whole lines that stay above them."""
        parts = ["\r", _ERASE_BELOW] if self.shown and above else ["\r"] if self.shown else []
        if lines and not self._hidden:
            parts.append(_HIDE_CURSOR)
            self._hidden = True
        parts.append(above)
        if lines:
            # A terminal that has become narrower since somebody looked must not make two lines of one.
            parts.append(_NO_WRAP + "\n".join(f"{line}{_ERASE_LINE}" for line in lines) + _WRAP)
            parts.append(_ERASE_BELOW)
            parts.append(f"\x1b[{len(lines) - 1}A\r" if len(lines) > 1 else "\r")
        elif self.shown and not above:
            parts.append(_ERASE_BELOW)
        # Before it is written, for to write may mean to be asked to give way.
        self.shown = False
        if text := "".join(parts):
            self._output.write(text)
            self._output.flush()
        self.shown = bool(lines)

    def leave(self) -> None:
        """Leave the terminal as it was found."""
        self.draw(())
        if self._hidden:
            self._hidden = False
            self._output.write(_SHOW_CURSOR)
            self._output.flush()
