"""A terminal, emulated, with the real command on a real pseudo-terminal behind it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import pyte
import pyte.modes
from cli_case import NOETL, Case, normalised

_SPINNER = re.compile(r"^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏|/\\-] (?=\S)", re.MULTILINE)

#: A test that waits longer has failed.
_PATIENCE_S = 30.0


class Terminal:
    """Runs a command in a window of `columns` and `lines`; what scrolled off is kept."""

    def __init__(self, case: Case, *words: str, columns: int = 80, lines: int = 24, stderr: int | None = None) -> None:
        self._screen = pyte.HistoryScreen(columns, lines, history=10_000)
        self._stream = pyte.ByteStream(self._screen)
        self._window, terminal = pty.openpty()
        self._open = True
        #: All that the command has written.
        self.written = b""
        self._set_size(columns, lines)
        self.process = subprocess.Popen(
            [NOETL, *words],
            cwd=case.folder,
            env={"TERM": "xterm-256color", **case.environment},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal if stderr is None else stderr,
            preexec_fn=lambda: _control(terminal),
        )
        os.close(terminal)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._window)

    @property
    def cursor_shown(self) -> bool:
        return not self._screen.cursor.hidden

    def press(self, keys: bytes) -> None:
        os.write(self._window, keys)

    def resize(self, columns: int, lines: int) -> None:
        """As xterm does it: what has no room goes off at the top, and the cursor stays in its line."""
        screen = self._screen
        rows = [y for y, row in enumerate(screen.display) if row.strip()]
        gone = min(max(0, max(rows, default=0) + 1 - lines), screen.cursor.y)
        screen.history.top.extend(screen.buffer[y] for y in range(gone))
        kept = {y - gone: row for y, row in screen.buffer.items() if gone <= y < gone + lines}
        screen.buffer.clear()
        screen.buffer.update(kept)
        screen.cursor.y -= gone
        screen.lines = lines
        screen.resize(lines, columns)
        self._set_size(columns, lines)

    def wait_for(self, *texts: str) -> None:
        """Read until all of these are to be seen."""
        self.wait_until(lambda text: all(wanted in text for wanted in texts))

    def wait_until(self, condition: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not condition(self.text()):
            assert self._open, f"the command has ended:\n{self.text()}"
            assert self._read(deadline - time.monotonic()), f"nothing more came:\n{self.text()}"

    def end(self) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._open:
            assert self._read(deadline - time.monotonic()), f"it does not end:\n{self.text()}"
        return self.process.wait(timeout=_PATIENCE_S)

    def text(self) -> str:
        """All that there is to read, from the first line that scrolled off; times and what spins are replaced."""
        screen = self._screen
        scrolled = ["".join(row[x].data for x in range(max(row, default=-1) + 1)) for row in screen.history.top]
        text = "\n".join(row.rstrip() for row in (*scrolled, *screen.display)).rstrip("\n") + "\n"
        return _SPINNER.sub("* ", normalised(text))

    def _read(self, patience: float) -> bool:
        """Whether anything came in time, if only the end."""
        if not select.select([self._window], [], [], max(0.0, patience))[0]:
            return False
        try:
            content = os.read(self._window, 65536)
        except OSError:  # the other end is closed
            content = b""
        self._open = bool(content)
        self.written += content
        self._stream.feed(content)
        return True

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._window, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def _control(terminal: int) -> None:
    """Make the terminal the one that controls this process."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
