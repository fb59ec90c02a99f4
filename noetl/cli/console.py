"""The process's output streams: masked, coloured only on a terminal, and silent once nobody reads any more."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable
from typing import Any, TextIO

import msgspec

from noetl.values import Masker

_STYLES = {"good": "32", "bad": "31", "warning": "33", "dim": "2", "bold": "1"}

#: What JSON leaves as it is and some terminals obey.
_CONTROL = re.compile("[\x7f-\x9f]")

#: Terminals that know no way to go back to a line.
_SIMPLE_TERMINALS = ("", "dumb", "unknown")

#: Columns and lines of a terminal that does not say how large it is.
_USUAL_SIZE = (80, 24)

_mask = Masker().mask
_mask_text = Masker().text


def _wants_colours(terminal: bool) -> bool:
    """By the conventions of no-color.org and force-color.org; who asks for no colours is heard first."""
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR", "")
    if forced:
        return forced.lower() not in ("0", "false")
    return terminal and os.environ.get("TERM") != "dumb"


class Output:
    """One stream. To write to it never raises: nobody is there to be told, and the work goes on.

    `open` says whether anybody may still read; `failure` why not, None where the reader has simply gone.
    `drawable` says whether what has been written can be written over. `before` is called before anything is written.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._buffer = file.buffer
        self.encoding = file.encoding
        self.open = True
        self.failure: OSError | None = None
        #: Whether a JSON value has been written, of which programs expect one.
        self.answered = False
        self.terminal = file.isatty()
        self.drawable = self.terminal and os.environ.get("TERM", "") not in _SIMPLE_TERMINALS
        self.colours = _wants_colours(self.terminal)
        self.unicode = file.encoding.lower().startswith("utf")
        self.before: Callable[[], None] | None = None

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal as it is now."""
        try:
            size = os.get_terminal_size(self._buffer.fileno())
        except OSError:
            return _USUAL_SIZE
        return size.columns or _USUAL_SIZE[0], size.lines or _USUAL_SIZE[1]

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colours else text

    def symbol(self, character: str, plain: str) -> str:
        """The character, or what stands for it where the encoding has none."""
        return character if self.unicode else plain

    def write(self, text: str) -> None:
        """Text that is shown with the next `line` or `flush`."""
        self._put(_mask_text(text).encode(self.encoding, "backslashreplace"))

    def line(self, text: str = "") -> None:
        self.write(f"{text}\n")
        self.flush()

    def json(self, data: Any) -> None:
        """One JSON value on a line of its own."""
        encoded = msgspec.json.encode(data)
        if b"://" in encoded:
            encoded = msgspec.json.encode(_mask(data))
        if self.terminal:
            encoded = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded.decode()).encode()
        self._put(encoded + b"\n")
        self.answered = True

    def flush(self) -> None:
        if self.open:
            try:
                # Of the file, not the buffer: typer prints help by the file.
                self._file.flush()
            except OSError as error:
                self._give_up(error)

    def still_read(self) -> bool:
        """Whether anybody may still read, asked without writing: who waits for something to write asks now and then."""
        import select

        ended = select.poll()
        ended.register(self._buffer.fileno(), 0)
        if self.open and ended.poll(0):
            self._give_up(OSError(errno.EPIPE, os.strerror(errno.EPIPE)))
        return self.open

    def _put(self, content: bytes) -> None:
        if self.before is not None:
            self.before()
        if self.open:
            try:
                self._buffer.write(content)
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.open = False
        # A terminal that was closed answers with EIO.
        if error.errno not in (errno.EPIPE, errno.EIO):
            self.failure = error
        # What is left in the buffer would be written, and fail, once more when the interpreter ends.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._buffer.fileno())
        os.close(null)


class Console:
    """Standard output and standard error."""

    def __init__(self) -> None:
        self.out = Output(sys.stdout)
        self.err = Output(sys.stderr)

    def call_before_writing(self, call: Callable[[], None] | None) -> None:
        """Whoever keeps something on the terminal that is to stay below all else takes it away when this is called."""
        self.out.before = self.err.before = call

    def error(self, message: str) -> None:
        """One sentence that says why a command did not do what it was asked."""
        self.out.flush()
        self.err.line(f"{self.err.paint('error:', 'bad')} {message}")

    def warning(self, message: str) -> None:
        self.out.flush()
        self.err.line(f"{self.err.paint('warning:', 'warning')} {message}")

    def flush(self) -> None:
        self.out.flush()
        self.err.flush()


def reserve_standard_streams() -> None:
    """Make sure that descriptors 0 to 2 are taken: a file that we open must not become somebody's standard output."""
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, closefd=False))
