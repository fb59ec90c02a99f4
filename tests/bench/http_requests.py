"""The `http` action against httpx alone: many small requests, and one large download."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import texts
from interleaving import Interleaved
from process import NotMeasured, Usage
from row import Row
from workbench import Workbench

REQUESTS = 2000
AT_ONCE = 50
LARGE_BYTES = 1_000_000_000
_SERVER = Path(__file__).with_name("http_server.py")


def requests(bench: Workbench) -> list[Row]:
    """A parallel loop of `noetl run`, its event log included, against as many workers with one client."""
    with _server() as url:
        many = bench.file("requests.yaml", texts.requests(f"{url}/small", REQUESTS, AT_ONCE))
        few = bench.file("few_requests.yaml", texts.requests(f"{url}/small", AT_ONCE, AT_ONCE))

        def ours(playbook: Path, count: int) -> Usage:
            # Each iteration starts and ends an action, and is joined.
            return bench.run(playbook, events=3 * count + 4, steps=1)

        found = Interleaved(
            bench.turns,
            floor=lambda: bench.floor("requests", f"{url}/small", REQUESTS, AT_ONCE),
            ours=lambda: ours(many, REQUESTS),
            floor_start=lambda: bench.floor("requests", f"{url}/small", AT_ONCE, AT_ONCE),
            start=lambda: ours(few, AT_ONCE),
        )
    floor_s = found.wall_s("floor") - found.wall_s("floor_start")
    ours_s = found.wall_s("ours") - found.wall_s("start")
    floor_cpu_s = found.cpu_s("floor") - found.cpu_s("floor_start")
    rate = (REQUESTS - AT_ONCE) / ours_s
    return [
        Row(
            name=f"http: {REQUESTS} requests, {AT_ONCE} at once, by a loop of `noetl run`",
            floor_s=found.wall_s("floor"),
            ours_s=found.wall_s("ours"),
            ratio=found.wall_s("floor") / found.wall_s("ours"),
            net=floor_s / ours_s,
            cpu=(found.cpu_s("ours") - found.cpu_s("start")) / floor_cpu_s,
            limit=0.8,
            rate=True,
            note=f"{rate:.0f} requests a second, net; peak {found.peak_mib():.0f} MiB",
        )
    ]


def download(bench: Workbench) -> list[Row]:
    """`save_to`, against httpx that writes what it gets."""
    target = bench.scratch / "large"
    tenth = LARGE_BYTES // 10
    with _server() as url:
        large = bench.file("download.yaml", texts.download(f"{url}/large/{LARGE_BYTES}", str(target)))
        small = bench.file("download_tenth.yaml", texts.download(f"{url}/large/{tenth}", str(target)))

        def ours(playbook: Path, size: int) -> Usage:
            usage = bench.run(playbook, events=6, steps=1)
            if target.stat().st_size != size:
                raise NotMeasured(f"{target.stat().st_size} bytes were saved, not {size}")
            target.unlink()
            return usage

        def floor() -> Usage:
            usage = bench.floor("download", f"{url}/large/{LARGE_BYTES}", target)
            target.unlink()
            return usage

        found = Interleaved(
            max(1, bench.turns // 2),
            floor=floor,
            ours=lambda: ours(large, LARGE_BYTES),
            tenth=lambda: ours(small, tenth),
        )
    return [
        Row(
            name=f"http: {LARGE_BYTES // 10**6} MB by `save_to`",
            floor_s=found.wall_s("floor"),
            ours_s=found.wall_s("ours"),
            ratio=found.wall_s("ours") / found.wall_s("floor"),
            note=f"peak {found.peak_mib():.0f} MiB (with a tenth of it {found.peak_mib('tenth'):.0f} MiB)",
        )
    ]


def both(bench: Workbench) -> list[Row]:
    return requests(bench) + download(bench)


@contextmanager
def _server() -> Iterator[str]:
    """The URL of a server in a process of its own."""
    with subprocess.Popen(
        [sys.executable, _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()
            process.wait()
