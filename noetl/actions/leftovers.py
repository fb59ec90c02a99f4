"""What a lost engine has left behind of an action: processes that must not meet their replacement.

They are found by the idempotency key that every process of an action has in its environment, and hands on to its
children: no list has to be kept while all is well, and who has left its process group is found, too. A worker, which
one action after the other shares, has got its environment before: it bears a name made of the key while it works.
"""

from __future__ import annotations

import asyncio
import os
import signal
from binascii import b2a_base64
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from noetl.actions.process import GRACE_S, KILL_S

#: The variable that holds the key of the action that a process works for.
KEY_VARIABLE = "NOETL_IDEMPOTENCY_KEY"

_POLL_S = 0.02


def worker_name(key: str) -> str:
    """What a worker is called while it works for the action with this key; the system keeps 15 characters."""
    return "noetl-" + b2a_base64(blake2b(key.encode(), digest_size=6).digest(), newline=False).decode()


async def end_leftovers(key: str) -> bool:
    """End all processes on this machine that work for the action with this key; False when something lives on.

    First SIGTERM, after a grace SIGKILL. What cannot be seen, another user's processes among it, is left alone.
    """
    for number, within_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, KILL_S)):
        if await _gone(key, number, within_s):
            return True
    return False


async def _gone(key: str, number: signal.Signals, within_s: float) -> bool:
    loop = asyncio.get_running_loop()
    given_up = loop.time() + within_s
    signalled: set[int] = set()
    while found := set(_working_for(key)):
        if loop.time() > given_up:
            return False
        # Who appeared since, a child of one of them, has not been told yet.
        for pid in found - signalled:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)
        signalled |= found
        await asyncio.sleep(_POLL_S)
    return True


def _working_for(key: str) -> Iterator[int]:
    wanted, name = f"{KEY_VARIABLE}={key}".encode(), worker_name(key).encode()
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if pid == os.getpid():
            continue
        with suppress(OSError):
            # Of who is not ours to end, the environment cannot be read.
            environment = (folder / "environ").read_bytes().split(b"\0")
            works = wanted in environment or (folder / "comm").read_bytes().rstrip(b"\n") == name
            if works and not _is_zombie(folder):
                yield pid


def _is_zombie(folder: Path) -> bool:
    return (folder / "stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")
