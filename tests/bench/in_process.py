"""Many runs in one process, through the library: prints what they took as JSON. Run as a program of its own."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from nothing import Nothing, nothing

import noetl

#: All at once would measure what starting them needs.
AT_ONCE = 100

#: How wide the bare pool is that the loop is compared with.
POOL = 50


async def runs(text: str, count: int) -> dict[str, Any]:
    """So many runs to their ends, one after the other and then all at once."""
    async with noetl.Engine("sqlite:runs.db") as engine:
        playbook = engine.load(Path(text))
        await engine.run(playbook)
        started = time.perf_counter()
        for _ in range(count):
            assert (await engine.run(playbook)).succeeded
        in_turn_s = time.perf_counter() - started
        started = time.perf_counter()
        reports = await asyncio.gather(*(engine.run(playbook) for _ in range(count)))
        assert all(report.succeeded for report in reports)
        return {"in_turn_s": in_turn_s, "at_once_s": time.perf_counter() - started}


async def waiting(text: str, count: int) -> dict[str, Any]:
    """The memory of runs that wait for an event."""
    async with noetl.Engine("sqlite:runs.db") as engine:
        playbook = engine.load(Path(text))
        first = await engine.start(playbook)
        before = _settled_bytes()
        started = time.perf_counter()
        handles: list[noetl.RunHandle] = []
        while len(handles) < count:
            handles += await asyncio.gather(*(engine.start(playbook) for _ in range(AT_ONCE)))
        wall_s = time.perf_counter() - started
        bytes_each = (_settled_bytes() - before) / count
        assert all(handle.report().status == "running" for handle in handles)
        started = time.perf_counter()
        engine.cancel("measured")
        await engine.idle()
        assert (await first.result()).status == "cancelled"
        return {"bytes_each": bytes_each, "start_s": wall_s, "cancel_s": time.perf_counter() - started}


async def abandoned(text: str, count: int) -> dict[str, Any]:
    """Runs that wait for an event, and whose engine is killed."""
    async with noetl.Engine("sqlite:runs.db") as engine:
        playbook = engine.load(Path(text))
        for _ in range(0, count, AT_ONCE):
            await asyncio.gather(*(engine.start(playbook) for _ in range(AT_ONCE)))
        # Read after what was written before.
        assert len(await engine.store.list_runs()) == count
        os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


async def recovery(text: str, count: int) -> dict[str, Any]:
    """Going on with the runs of a killed engine, and the memory that they then take."""
    subprocess.run([sys.executable, __file__, "abandoned", text, str(count)], check=False)
    async with noetl.Engine("sqlite:runs.db") as engine:
        before = _settled_bytes()
        started = time.perf_counter()
        handles = await engine.recover()
        wall_s = time.perf_counter() - started
        assert len(handles) == count
        bytes_each = (_settled_bytes() - before) / count
        assert all(handle.report().status == "running" for handle in handles)
        return {"recover_s": wall_s, "bytes_each": bytes_each}


async def loop(text: str, count: int) -> dict[str, Any]:
    """One run that loops over so many items, and as many calls of a bare pool of coroutines."""
    async with noetl.Engine("sqlite:runs.db", handlers=[Nothing()]) as engine:
        playbook = engine.load(Path(text))
        pool_s = await _pool(count)
        started = time.perf_counter()
        assert (await engine.run(playbook)).succeeded
        wall_s = time.perf_counter() - started
        return {"pool_s": pool_s, "loop_s": wall_s, "peak_bytes": _peak_bytes()}


async def _pool(count: int) -> float:
    """How long a bare pool takes that is as wide as the loop."""
    items = iter(range(count))

    async def worker() -> None:
        for _ in items:
            await nothing()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(POOL)))
    return time.perf_counter() - started


async def durability(text: str, count: int, mode: str) -> dict[str, Any]:
    """So many runs at once, in one mode of durability, and how long the disk takes to be in step with a small write."""
    async with noetl.Engine("sqlite:runs.db", handlers=[Nothing()], durability=mode) as engine:
        playbook = engine.load(Path(text))
        await engine.run(playbook)
        started = time.perf_counter()
        reports = await asyncio.gather(*(engine.run(playbook) for _ in range(count)))
        wall_s = time.perf_counter() - started
        assert all(report.succeeded for report in reports)
        return {"wall_s": wall_s, "sync_s": _sync_s()}


def _sync_s() -> float:
    """The median of some syncs of a page."""
    took = []
    file = os.open("sync", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for _ in range(51):
        os.write(file, bytes(4096))
        started = time.perf_counter()
        os.fdatasync(file)
        took.append(time.perf_counter() - started)
    os.close(file)
    return sorted(took)[25]


def _peak_bytes() -> int:
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def _settled_bytes() -> int:
    """What is in memory when the garbage is gone."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    measures = {
        "runs": runs,
        "waiting": waiting,
        "abandoned": abandoned,
        "recovery": recovery,
        "loop": loop,
        "durability": durability,
    }
    name, text, count, *more = sys.argv[1:]
    print(json.dumps(asyncio.run(measures[name](text, int(count), *more))))
