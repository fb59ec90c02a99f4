"""What a child reads from its standard input, written without ever blocking the loop."""

from __future__ import annotations

import asyncio
import os

from noetl.actions.spawn import open_pipe


class Input:
    """The pipe into one child.

    `start` closes the engine's copy of the child's end, `child_fd`, and begins to write; `close` ends it.
    """

    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)
        self._loop = asyncio.get_running_loop()
        self.child_fd: int | None
        self._fd: int | None
        self.child_fd, self._fd = open_pipe()

    def start(self) -> None:
        assert self._fd is not None
        self._close_child_end()
        os.set_blocking(self._fd, False)
        self._loop.add_writer(self._fd, self._write)
        self._write()

    def close(self) -> None:
        self._close_child_end()
        if self._fd is not None:
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = None

    def _write(self) -> None:
        assert self._fd is not None
        try:
            while self._left:
                self._left = self._left[os.write(self._fd, self._left) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # A child need not read what it is given: `head -1` does not.
            pass
        self.close()

    def _close_child_end(self) -> None:
        if self.child_fd is not None:
            os.close(self.child_fd)
            self.child_fd = None
