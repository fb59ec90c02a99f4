"""Tells when descriptors of children can be read, at a third of what the loop's own readers cost.

A spawn is so cheap that three `add_reader` and three `remove_reader` would be felt. One epoll is the only reader that
the loop knows of; in it a descriptor comes and goes with one system call each.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable
from weakref import WeakKeyDictionary

#: How long the loop stays awake for a child; to start one takes the processor as long.
_AWAKE_S = 0.0005
_PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


class Readiness:
    """Calls back in the loop while a descriptor can be read. A callback must bear being called once too often."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._dispatch)

    @property
    def idle(self) -> bool:
        """Whether nothing is waited for."""
        return not self._callbacks

    def stay_awake(self) -> None:
        """Do not sleep for a moment: what is waited for is there soon, or takes long.

        To fall asleep and be woken takes about as long as a short command. Nothing is gained where there is no other
        processor that the child could run on.
        """
        if _PROCESSORS > 1:
            loop = asyncio.get_running_loop()
            self._look(loop, loop.time() + _AWAKE_S)

    def _look(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        if self._callbacks and loop.time() < until:
            loop.call_soon(self._look, loop, until)

    def add(self, fd: int, callback: Callable[[], object]) -> None:
        self._callbacks[fd] = callback
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, fd: int) -> None:
        """To be called before the descriptor is closed."""
        del self._callbacks[fd]
        self._epoll.unregister(fd)

    def _dispatch(self) -> None:
        for fd, _ in self._epoll.poll(0):
            # A callback of the same round may have removed it.
            if fd in self._callbacks:
                self._callbacks[fd]()


class LoopReadiness(Readiness):
    """The same by the loop's own readers, where the system has no epoll."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    @property
    def idle(self) -> bool:
        return False

    def add(self, fd: int, callback: Callable[[], object]) -> None:
        self._loop.add_reader(fd, callback)

    def remove(self, fd: int) -> None:
        self._loop.remove_reader(fd)


# The loop holds the callback and so the Readiness, which must not hold the loop, or neither would ever be freed.
_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Readiness] = WeakKeyDictionary()


def running_readiness() -> Readiness:
    """The one of the running loop."""
    loop = asyncio.get_running_loop()
    found = _of_loop.get(loop)
    if found is None:
        if not hasattr(select, "epoll"):
            return LoopReadiness(loop)
        found = _of_loop[loop] = Readiness(loop)
    return found
