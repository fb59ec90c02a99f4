"""Who a process is among all that share an event log, and whether another one that was on this host still lives."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from noetl.store.base import Owner

_BOOT = Path("/proc/sys/kernel/random/boot_id")

#: The field of `/proc/PID/stat` that holds when the process started, counted after the name of its program.
_START_FIELD = 19


@cache
def host() -> str:
    return os.uname().nodename


@cache
def boot() -> str:
    """A name for this start of the machine; empty where the system has none."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def started(pid: int) -> int:
    """When a process started, in ticks since boot; 0 where that cannot be known, -1 when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0 if _lives(pid) else -1
    # The name of the program, in parentheses, may itself hold blanks and parentheses.
    fields = stat.rpartition(b")")[2].split()
    return -1 if fields[0] in (b"Z", b"X") else int(fields[_START_FIELD])


def owner(engine: str, expires_at: int) -> Owner:
    """This process, as the owner of runs."""
    pid = os.getpid()
    return Owner(engine=engine, host=host(), boot=boot(), pid=pid, started=started(pid), expires_at=expires_at)


def is_dead(other: Owner) -> bool:
    """Whether an owner is known to be gone; of one on another host only its lease tells."""
    if other.host != host():
        return False
    return other.boot != boot() or started(other.pid) != other.started


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
