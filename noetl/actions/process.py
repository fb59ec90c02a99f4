"""Children of the engine: each leads a process group of its own, is watched by the loop, and ends with all its kin.

Knows nothing of what the children do or say.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial

from noetl.actions.readiness import running_readiness

#: How long a group may take to obey SIGTERM before SIGKILL follows.
GRACE_S = 2.0
#: How long to wait for a group after SIGKILL; only a process that the kernel holds, or another user's, lives longer.
KILL_S = 10.0
_SHORTEST_POLL_S = 0.001
_LONGEST_POLL_S = 0.05
#: What is reported of a child whose exit status somebody else took.
_STATUS_UNKNOWN = 255


def signal_name(number: int) -> str:
    """`SIGKILL`; `signal 40` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Process:
    """A spawned leader of a process group.

    `status` is None while the leader lives, then its exit code, negative for a signal; `on_exit` is called then. Both
    only once somebody looks: who calls `wait_a_moment` or `wait`, or the loop from `watch` on.
    """

    def __init__(self, pid: int, on_exit: Callable[[], None] | None = None) -> None:
        self.pid = pid
        self._on_exit = on_exit
        self.status: int | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._watched = False

    async def wait_a_moment(self) -> int | None:
        """The status if the leader exits within a moment; none is spent on it where anything else is waited for."""
        await running_readiness().stay_awake(self._reap)
        return self.status

    def watch(self) -> None:
        """Has the loop notice the exit."""
        self._watched = True
        try:
            pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            self._poll(_SHORTEST_POLL_S)
        else:
            running_readiness().add(pidfd, partial(self._pidfd_ready, pidfd))

    def _pidfd_ready(self, pidfd: int) -> None:
        if self._reap():
            running_readiness().remove(pidfd)
            os.close(pidfd)

    def _poll(self, delay_s: float) -> None:
        if not self._reap():
            asyncio.get_running_loop().call_later(delay_s, self._poll, min(2 * delay_s, _LONGEST_POLL_S))

    def _reap(self) -> bool:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            self.status = _STATUS_UNKNOWN
        else:
            if not pid:
                return False
            self.status = os.waitstatus_to_exitcode(status)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._on_exit is not None:
            self._on_exit()
        return True

    async def wait(self) -> int:
        """Returns the status once the leader has exited; its kin may live on."""
        if self.status is None and not self._watched:
            self.watch()
        if self.status is None:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
            assert self.status is not None
        return self.status

    @property
    def has_kin(self) -> bool:
        """Whether anybody of the group is left, zombies included; one system call."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return True

    async def end(self) -> bool:
        """SIGTERM to the whole group, SIGKILL after a grace; returns when the leader is reaped and its kin are gone.

        False when something outlived SIGKILL. A cancellation while it waits ends the grace, and is raised at the end.
        """
        cancelled: asyncio.CancelledError | None = None
        self._signal_group(signal.SIGTERM)
        # A stopped process obeys SIGTERM only when it is continued.
        self._signal_group(signal.SIGCONT)
        try:
            gone = await self._gone(GRACE_S)
        except asyncio.CancelledError as error:
            gone, cancelled = False, error
        if not gone:
            self._kill_kin()
            waiting = asyncio.ensure_future(self._gone(KILL_S))
            while not waiting.done():
                try:
                    await asyncio.shield(waiting)
                except asyncio.CancelledError as error:
                    cancelled = error
            gone = waiting.result()
        if cancelled is not None:
            raise cancelled
        return gone

    async def _gone(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self.wait()
                delay_s = _SHORTEST_POLL_S
                while any(self._kin()):
                    await asyncio.sleep(delay_s)
                    delay_s = min(2 * delay_s, _LONGEST_POLL_S)
        except TimeoutError:
            return False
        return True

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _kill_kin(self) -> None:
        """The group at once, so that nobody forks out of reach, then the groups that a job-control shell made."""
        self._signal_group(signal.SIGKILL)
        for pid, group in self._kin():
            if group != self.pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    def _kin(self) -> Iterator[tuple[int, int]]:
        """Process id and group of all that live in the leader's group or session, the leader included."""
        if self.status is not None:
            self._reap_orphans()
        if not os.path.isdir("/proc/self"):
            if self.has_kin:
                yield self.pid, self.pid
            return
        for name in os.listdir("/proc"):
            if name.isdigit():
                state, group, session = _stat(name)
                if self.pid in (group, session) and state not in (b"Z", b"X"):
                    yield int(name), group

    def _reap_orphans(self) -> None:
        """Where the engine is the first process of a container, the kernel hands the leader's orphans to it."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self.pid, os.WNOHANG)[0]:
                pass


def _stat(pid: str) -> tuple[bytes, int, int]:
    """State, process group and session from `/proc`; of a process that has just gone, a dead one's."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(1024)
    except OSError:
        return b"X", -1, -1
    # The name of the program, in parentheses, may itself hold blanks and parentheses.
    state, _, group, session, *_ = text.rpartition(b")")[2].split()
    return state, int(group), int(session)
