"""Many runs in one process, through the library: prints what they took as JSON. Run as a program of its own."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import noetl

#: All at once would measure what starting them needs.
AT_ONCE = 100


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


def _settled_bytes() -> int:
    """What is in memory when the garbage is gone."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    measured = {"runs": runs, "waiting": waiting}[sys.argv[1]]
    print(json.dumps(asyncio.run(measured(sys.argv[2], int(sys.argv[3])))))
