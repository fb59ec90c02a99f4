"""What a child says: its lines as they come, and head and tail of the whole when it is over."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from noetl.actions.readiness import Readiness, running_readiness
from noetl.actions.spawn import open_pipe
from noetl.errors import ActionError

#: How much of each stream is kept unless the action says otherwise.
MAX_OUTPUT = 16 * 1024 * 1024
#: A line longer than this is reported in pieces.
_LONGEST_LINE = 64 * 1024
_READ_SIZE = 64 * 1024
_LARGEST_PIPE = 1024 * 1024


class Sink(Protocol):
    """Takes the bytes of one stream as they come."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> None: ...


class Lines(msgspec.Struct):
    """Tells `line` each complete line of a stream."""

    _line: Callable[[str], None]
    _unfinished: bytes = b""

    def feed(self, data: bytes) -> None:
        complete, line_break, rest = data.rpartition(b"\n")
        if line_break:
            self._report(self._unfinished + complete)
            self._unfinished = rest
        else:
            self._unfinished += rest
        if len(self._unfinished) > _LONGEST_LINE:
            # Whole characters only: the rest of a broken one comes with the next read.
            piece, length = codecs.utf_8_decode(self._unfinished, "replace", False)
            self._report_long(piece)
            self._unfinished = self._unfinished[length:]

    def finish(self) -> None:
        """Tells a last line that has no line break."""
        if self._unfinished:
            self._report(self._unfinished)
            self._unfinished = b""

    def _report(self, lines: bytes) -> None:
        for line in lines.decode("utf-8", "replace").split("\n"):
            if len(line) > _LONGEST_LINE or "\r" in line:
                self._report_long(line)
            else:
                self._line(line)

    def _report_long(self, line: str) -> None:
        # As on a terminal: what follows a carriage return replaces what stood before it, as progress bars do.
        line = line.rstrip("\r").rpartition("\r")[2]
        for start in range(0, len(line) or 1, _LONGEST_LINE):
            self._line(line[start : start + _LONGEST_LINE])


class Capture(Lines):
    """The lines of a stream, and `text`: what was kept of the whole, which is `truncated` beyond the limit."""

    limit: int = MAX_OUTPUT
    truncated: bool = False
    _head: bytearray = msgspec.field(default_factory=bytearray)
    _tail: bytearray = msgspec.field(default_factory=bytearray)
    _total: int = 0

    def feed(self, data: bytes) -> None:
        self.keep(data)
        Lines.feed(self, data)

    def keep(self, data: bytes) -> None:
        """Makes data a part of the whole without telling its lines."""
        self._total += len(data)
        self.truncated = self._total > self.limit
        room = self.limit // 2 - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        # Trimmed only when it has doubled, so that each byte is moved at most once.
        if len(self._tail) > 2 * self._tail_limit + _READ_SIZE:
            del self._tail[: len(self._tail) - self._tail_limit]

    def text(self) -> str:
        """The whole, or its head and tail around a line that says how much is missing."""
        if not self.truncated:
            return (self._head + self._tail).decode("utf-8", "replace")
        head, kept = codecs.utf_8_decode(self._head, "replace", False)
        tail = self._tail[len(self._tail) - self._tail_limit :]
        # The cut may have gone through a character: what is left of it are up to three bytes 10xxxxxx.
        begins = next((at for at, byte in enumerate(tail[:4]) if byte & 0xC0 != 0x80), 0)
        missing = self._total - kept - (len(tail) - begins)
        marker = f"\n[... {missing} bytes left out, max_output is {self.limit} ...]\n"
        return head + marker + tail[begins:].decode("utf-8", "replace")

    @property
    def _tail_limit(self) -> int:
        return self.limit - self.limit // 2


class Outputs:
    """The pipes that standard output and standard error of one action come through.

    The child gets `stdout_fd` and `stderr_fd`; `start` closes the engine's copies of them. What comes is read by
    `take`, and from `watch` on by the loop as it comes. `listen` makes what reads standard output in place of its
    capture, which it gets.
    """

    def __init__(
        self, limit: int, line: Callable[[str, str], None], listen: Callable[[Capture], Sink] | None = None
    ) -> None:
        self.stdout = Capture(partial(line, "stdout"), limit=limit)
        self.stderr = Capture(partial(line, "stderr"), limit=limit)
        self._readiness: Readiness | None = None
        self._ended: asyncio.Future[None] | None = None
        read_stdout, self.stdout_fd = open_pipe()
        try:
            read_stderr, self.stderr_fd = open_pipe()
        except ActionError:
            os.close(read_stdout)
            os.close(self.stdout_fd)
            raise
        heard = self.stdout if listen is None else listen(self.stdout)
        self._reading: dict[int, Sink] = {read_stdout: heard, read_stderr: self.stderr}

    def start(self) -> None:
        self._close_child_ends()
        for fd in self._reading:
            os.set_blocking(fd, False)

    def watch(self) -> None:
        self._readiness = running_readiness()
        for fd in self._reading:
            self._readiness.add(fd, partial(self._read, fd))

    @property
    def ended(self) -> bool:
        """Whether nobody holds the other ends any more."""
        return not self._reading

    async def wait_ended(self, within_s: float) -> None:
        if self._reading:
            if self._readiness is None:
                self.watch()
            self._ended = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._ended,), timeout=within_s)

    def take(self) -> None:
        """Reads what is in the pipes now, without waiting."""
        for fd in tuple(self._reading):
            # A pipe holds no more than this; somebody who goes on writing must not keep the engine here.
            for _ in range(_LARGEST_PIPE // _READ_SIZE):
                if not self._read(fd):
                    break

    def close(self) -> None:
        """Stops reading; what is in the pipes is lost."""
        self._close_child_ends()
        for fd in tuple(self._reading):
            self._end(fd)

    def fields(self) -> dict[str, str]:
        return {"stdout": self.stdout.text(), "stderr": self.stderr.text()}

    def _read(self, fd: int) -> bool:
        try:
            data = os.read(fd, _READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return False
        if data:
            self._reading[fd].feed(data)
            return True
        self._end(fd)
        return False

    def _end(self, fd: int) -> None:
        if self._readiness is not None:
            self._readiness.remove(fd)
        os.close(fd)
        self._reading.pop(fd).finish()
        if self._ended is not None and not self._reading and not self._ended.done():
            self._ended.set_result(None)

    def _close_child_ends(self) -> None:
        if self.stdout_fd >= 0:
            os.close(self.stdout_fd)
            os.close(self.stderr_fd)
            self.stdout_fd = self.stderr_fd = -1
