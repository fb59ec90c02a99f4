"""Tells when descriptors of children can be read, at a third of what the loop's own readers cost.

A spawn is so cheap that three `add_reader` and three `remove_reader` would be felt. One epoll is the only reader that
the loop knows of; in it a descriptor comes and goes with one system call each. Of a short command that runs alone not
even that is asked: somebody stays awake for it.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable
from time import monotonic
from weakref import WeakKeyDictionary

#: How long the loop stays awake for a child; the shortest there are take half of it, and to start one as long.
_AWAKE_S = 0.001
#: How often it is looked in a turn of the loop, which takes about as long as all these looks together.
_LOOKS = 10
_PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


class Readiness:
    """Calls back in the loop while a descriptor can be read. A callback must bear being called once too often."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._awake = False
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._dispatch)

    async def stay_awake(self, happened: Callable[[], bool]) -> None:
        """Do not sleep for a moment, until it has happened: what is waited for comes soon, or takes long.

        To fall asleep and be woken takes about as long as a short command. The commands that follow one another are
        those that somebody waits for, so nobody stays awake where something else is waited for; and nothing is gained
        where there is no other processor that the child could run on.
        """
        if self._awake or self._callbacks or _PROCESSORS == 1:
            return
        self._awake = True
        try:
            until = monotonic() + _AWAKE_S
            while monotonic() < until:
                # Before the first look, too: what the loop has to do is best done while the child works.
                await asyncio.sleep(0)
                if any(happened() for _ in range(_LOOKS)):
                    return
        finally:
            self._awake = False

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

    async def stay_awake(self, happened: Callable[[], bool]) -> None:
        return

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
