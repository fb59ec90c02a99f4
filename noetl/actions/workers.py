"""The engine's side of isolated Python: a pool of warm worker processes, each of which can be killed and replaced.

Knows how to carry a request to a worker and its reply back, not what the two mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import posix
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec

from noetl.actions.output import Outputs
from noetl.actions.process import Process
from noetl.actions.spawn import open_pipe, spawn
from noetl.actions.worker import HEADER_SIZE
from noetl.errors import ActionError, ErrorKind

#: How long processes that a program left behind may keep its pipes open after it has ended.
DRAIN_S = 1.0
#: How long a worker may take to exit once it has hung up.
_EXIT_S = 2.0
_START = "import sys; sys.path[:] = sys.argv[1:]; from noetl.actions.worker import main; main()"


class WorkerDied(Exception):
    """The worker ended before its program; `status` is its exit code, negative for a signal, None if it lives on."""

    def __init__(self, status: int | None) -> None:
        super().__init__(status)
        self.status = status


class WorkerPool:
    """The warm workers of one engine: started when needed, at most `size`, used again as long as they are clean.

    The size is that of Python's thread pools, or what the variable `NOETL_WORKERS` says.
    """

    def __init__(self, size: int) -> None:
        self._free = asyncio.Semaphore(size)
        self._idle: list[Worker] = []

    @classmethod
    async def open(cls, key: str) -> WorkerPool:
        given = os.environ.get("NOETL_WORKERS", "")
        return cls(int(given) if given.isdecimal() and int(given) else min(32, (os.cpu_count() or 1) + 4))

    async def close(self) -> None:
        """Ends the idle workers; one at work ends with the action that it works for."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(worker.end(at_once=True) for worker in idle))

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[Worker]:
        """A worker for one request; it is ended if it is not clean afterwards."""
        async with self._free:
            worker = self._take() or Worker()
            try:
                yield worker
            finally:
                if worker.clean:
                    self._idle.append(worker)
                else:
                    await worker.end()

    def _take(self) -> Worker | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.clean:
                return worker
            worker.close()
        return None


class Worker:
    """One worker process. `clean` says that it can serve another request."""

    def __init__(self) -> None:
        lifeline, self._lifeline = open_pipe()
        try:
            self._socket, others_socket = socket.socketpair()
        except OSError as error:
            os.close(lifeline)
            self._cut_lifeline()
            message = f"a socket could not be opened: {error.strerror}"
            raise ActionError(ErrorKind.SYSTEM, "spawn_failed", message) from error
        self._socket.setblocking(False)
        try:
            self.pid = spawn(
                [sys.executable, "-P", "-c", _START, *filter(None, sys.path)],
                dict(posix.environ),
                cwd=None,
                stdin=others_socket.fileno(),
                stdout=lifeline,
                stderr=2,
            )
        except BaseException:
            self.close()
            raise
        finally:
            os.close(lifeline)
            others_socket.close()
        self.clean = True
        self._process = Process(self.pid, self._hang_up)
        self._process.watch()

    async def ask(
        self, request: Mapping[str, Any], outputs: Outputs, note: Callable[[Mapping[str, Any]], None]
    ) -> dict[str, Any]:
        """The reply; `note` gets what the program tells on the way. Raises WorkerDied."""
        self.clean = False
        try:
            await self._send(request, outputs)
            while True:
                message = await self._receive()
                if "reusable" in message:
                    break
                note(message)
        except (EOFError, ConnectionError):
            outputs.take()
            raise WorkerDied(await self._exit_status()) from None
        outputs.take()
        await outputs.wait_ended(DRAIN_S)
        self.clean = message["reusable"] and outputs.ended and self._process.status is None
        return message

    async def end(self, *, at_once: bool = False) -> None:
        """Ends the worker and all that it started; `at_once` leaves it no time to tidy up."""
        if at_once:
            self._cut_lifeline()
        await self._process.end()
        self.close()

    def close(self) -> None:
        """Closes what the engine has of it."""
        self._socket.close()
        self._cut_lifeline()

    def _cut_lifeline(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _hang_up(self) -> None:
        # A forked child of the worker may hold the other end open, so that its death alone would not be noticed.
        self.clean = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    async def _send(self, request: Mapping[str, Any], outputs: Outputs) -> None:
        data = msgspec.json.encode(request)
        header = len(data).to_bytes(HEADER_SIZE, "big")
        try:
            socket.send_fds(self._socket, [header], [outputs.stdout_fd, outputs.stderr_fd])
        finally:
            outputs.start()
            outputs.watch()
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def _receive(self) -> dict[str, Any]:
        size = int.from_bytes(await self._read(HEADER_SIZE), "big")
        return msgspec.json.decode(await self._read(size), type=dict[str, Any])

    async def _read(self, size: int) -> bytearray:
        loop = asyncio.get_running_loop()
        data = bytearray(size)
        left = memoryview(data)
        while left:
            received = await loop.sock_recv_into(self._socket, left)
            if not received:
                raise EOFError
            left = left[received:]
        return data

    async def _exit_status(self) -> int | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_S):
                return await self._process.wait()
        return None
