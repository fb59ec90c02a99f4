"""What the system knows of processes and descriptors."""

from __future__ import annotations

import os
from collections.abc import Iterator


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    return any(each == pid and state not in ("Z", "X") for each, state, _, _ in _processes())


def children() -> set[int]:
    """The children of this process, zombies included."""
    return {pid for pid, _, parent, _ in _processes() if parent == os.getpid()}


def group(leader: int) -> set[int]:
    """The living processes of a process group."""
    return {pid for pid, state, _, group in _processes() if group == leader and state not in ("Z", "X")}


def open_descriptors() -> set[str]:
    """The open descriptors of this process, with what they point at."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except FileNotFoundError:
            continue
    return found


def _processes() -> Iterator[tuple[int, str, int, int]]:
    """Id, state, parent and group of each."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    state, parent, group, *_ = file.read().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield int(name), state, int(parent), int(group)
