"""The process's output streams: masked, coloured only on a terminal, and silent once nobody reads any more."""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import Any, TextIO

import msgspec

from noetl.values import Masker

_STYLES = {"good": "32", "bad": "31", "warning": "33", "dim": "2", "bold": "1"}

#: What JSON leaves as it is and some terminals obey.
_CONTROL = re.compile("[\x7f-\x9f]")

_mask = Masker().mask
_mask_text = Masker().text


class Output:
    """One stream. To write to it never raises: nobody is there to be told, and the work goes on.

    `open` says whether anybody may still read; `failure` why not, None where the reader has simply gone.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._buffer = file.buffer
        self._encoding = file.encoding
        self.open = True
        self.failure: OSError | None = None
        #: Whether a JSON value has been written, of which programs expect one.
        self.answered = False
        self.terminal = file.isatty()
        self.colours = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.unicode = file.encoding.lower().startswith("utf")

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colours else text

    def symbol(self, character: str, plain: str) -> str:
        """The character, or what stands for it where the encoding has none."""
        return character if self.unicode else plain

    def write(self, text: str) -> None:
        """Text that is shown with the next `line` or `flush`."""
        self._put(_mask_text(text).encode(self._encoding, "backslashreplace"))

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

    def _put(self, content: bytes) -> None:
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
