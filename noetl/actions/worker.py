"""The worker process of isolated Python: carries out one program after the other for the engine that started it.

It talks with the engine over a socket, so that standard output and error belong to the user's code. It imports as
little as possible, since its start is what the first `python` action of a run waits for.
"""

from __future__ import annotations

import _thread
import contextlib
import faulthandler
import fcntl
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from math import isfinite
from types import ModuleType
from typing import Any

from noetl.actions.program import Program, describe, describe_bad_result, is_good_exit
from noetl.actions.worker_state import Terminated, WorkerState, silence

#: The first bytes of a message are its length.
HEADER_SIZE = 8
#: The worker's own descriptors are above this, so that code which closes "all" low ones does not cut it off.
_LOWEST_FD = 100
#: What a worker is called that works for no action.
_IDLE = "noetl-worker"


def main() -> None:
    """Serves until the engine closes its end of the socket. Descriptor 0 is the socket, 1 the lifeline."""
    control = socket.socket(fileno=fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _LOWEST_FD))
    _die_with_the_engine(fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, _LOWEST_FD))
    silence(0, 1)
    faulthandler.enable(2)
    worker = _Worker(control)
    try:
        while worker.serve():
            pass
    except Terminated:
        # To the engine it looks as if the signal had done it, and no thread or exit handler holds the end up.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


def _die_with_the_engine(lifeline: int) -> None:
    """Asks the kernel to kill this whole group when the other end of the pipe closes.

    The engine never writes to it, so a kill -9 of the engine is enough, whatever the user's code is busy with.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    else:
        signal.signal(signal.SIGIO, lambda *_: os.killpg(0, signal.SIGKILL))
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)
    closed = select.poll()
    closed.register(lifeline, 0)
    if closed.poll(0):
        # Before anybody could be told.
        os._exit(1)


class _Worker:
    """The worker's end of the talk with its engine."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._sending = _thread.allocate_lock()
        self._pid = os.getpid()
        self._state = WorkerState()

    def serve(self) -> bool:
        """Carries out one request; False when there will be no more."""
        header, fds, _, _ = socket.recv_fds(self._control, HEADER_SIZE, 2)
        if len(header) < HEADER_SIZE:
            return False
        request = json.loads(self._receive(int.from_bytes(header, "big")))
        _bear(request["process_name"])
        with self._state.speaking_through(*fds):
            reply = self._carry_out(request)
        if os.getpid() != self._pid:
            # The user's code has forked, and the child came back to where only its parent should.
            os._exit(0)
        reply["reusable"] = not _leftovers()
        if reply["reusable"]:
            _bear(_IDLE)
        self._send(reply)
        return True

    def _carry_out(self, request: Mapping[str, Any]) -> dict[str, Any]:
        module = ModuleType("__main__")
        namespace = module.__dict__
        namespace.update(progress=self._progress, log=self._log)
        program: Program | None = None
        try:
            self._state.restore(request)
            sys.modules["__main__"] = module
            program = Program(request, namespace)
            value = program.value(_finish(program.start()))
        except Terminated:
            raise
        except BaseException as error:
            if not is_good_exit(error):
                return {"failure": describe(error, request)}
            value = None if program is None else program.value(None)
        try:
            return {"value": _json(value)}
        except TypeError as error:
            return {"failure": describe_bad_result(error)}
        finally:
            # Files that the code left open are flushed now, not when a collector finds the cycle they are in.
            namespace.clear()

    def _progress(self, share: float, message: str = "") -> None:
        """Tells how much of the work is done, from 0 to 1."""
        self._send({"progress": [float(share), str(message)]})

    def _log(self, message: object, level: str = "info") -> None:
        """Writes to the log of the run."""
        self._send({"log": [str(level), str(message)]})

    def _send(self, message: Mapping[str, Any]) -> None:
        data = json.dumps(message).encode()
        with self._sending:
            if os.getpid() == self._pid:
                self._control.sendall(len(data).to_bytes(HEADER_SIZE, "big"))
                self._control.sendall(data)

    def _receive(self, size: int) -> bytearray:
        data = bytearray(size)
        left = memoryview(data)
        while left:
            received = self._control.recv_into(left)
            if not received:
                raise SystemExit
            left = left[received:]
        return data


def _bear(name: str) -> None:
    """What `ps` shows of this process, and how it is found when its engine is stopped and has lost the action."""
    with contextlib.suppress(OSError):
        file = os.open("/proc/self/comm", os.O_WRONLY)
        try:
            os.write(file, name.encode())
        finally:
            os.close(file)


def _finish(returned: Any) -> Any:
    if not hasattr(returned, "__await__"):
        return returned
    import asyncio

    async def wait() -> Any:
        return await returned

    return asyncio.run(wait())


def _leftovers() -> bool:
    """Whether the code left threads or children running; they end with the action, and so must this process."""
    if _thread._count():
        return True
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def _json(value: Any) -> Any:
    """JSON data; only values that are not imports what turns them into it, which takes longer than most programs."""
    with contextlib.suppress(RecursionError):
        if _is_plain(value):
            return value
    from noetl.values import to_json

    return to_json(value)


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return _is_unicode(value)
    if kind is int:
        return bool(-(2**63) <= value < 2**63)
    if kind is float:
        return isfinite(value)
    if kind is list:
        return all(map(_is_plain, value))
    if kind is dict:
        return all(type(key) is str and _is_unicode(key) and _is_plain(item) for key, item in value.items())
    return value is None or kind is bool


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
