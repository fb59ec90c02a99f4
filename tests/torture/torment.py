"""kill -9 in earnest: a real engine over a real store is killed again and again, and a ledger counts what it did.

As a program: `python tests/torture/torment.py --kills 1000 [--store URL] [--seed N] [--durability strict]`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from ledger import Ledger

from noetl.runtime import identity
from noetl.store import open_store
from noetl.store.base import EventStore, RunRecord

HERE = Path(__file__).parent

#: Every process of a torment has this in its environment, with the folder of the torment.
MARK = "NOETL_TORMENT"

#: How many runs go on at once.
RUNS = 4

#: A generation of runs that has not ended after so many seconds hangs.
LONGEST_S = 300.0


class Torment:
    """One store, and the runs on it; `wrong` is what should not have been.

    `seed` decides when and how the engine is killed, as far as the machine lets it.
    """

    def __init__(self, url: str, folder: Path, *, seed: int = 1, durability: str = "relaxed") -> None:
        self.url = url
        self.folder = folder
        self.kills: Counter[str] = Counter()
        self.ledger = Ledger(folder / "effects")
        self.wrong = self.ledger.wrong
        self._durability = durability
        self._chance = random.Random(seed)
        for name in ("mixed.yaml", "called.yaml", "effect.sh"):
            shutil.copy(HERE / name, folder)
        self._reboot()

    async def kill(self, times: int) -> None:
        """Generation after generation of runs, until engines have been killed so often."""
        generation = 0
        while self.kills.total() < times and not self.wrong:
            generation += 1
            await self.live(f"g{generation}", times)

    async def live(self, generation: str, kills: int = 0) -> None:
        """Some runs from their beginning to their end, while engines are killed until that was done so often."""
        keys = [f"{generation}-{number}" for number in range(RUNS)]
        given_up = time.monotonic() + LONGEST_S
        async with self.signalling(keys):
            while time.monotonic() < given_up:
                process = await self.start(*keys)
                if self.kills.total() < kills and not await self._ends_within(process, self._moment()):
                    await self.strike(process)
                    continue
                status = await process.wait()
                if status:
                    self.wrong.append(f"the engine of generation {generation} ended with {status}")
                break
            else:
                self.wrong.append(f"generation {generation} does not end")
        await self.check(keys)

    def _moment(self) -> tuple[float, float]:
        """How long a victim lives, from its start and from when it is up; now and then it dies before that."""
        if self._chance.random() < 0.1:
            return self._chance.uniform(0, 0.6), 0.0
        return LONGEST_S, 3.0 * self._chance.random() ** 2

    async def _ends_within(self, process: asyncio.subprocess.Process, moment: tuple[float, float]) -> bool:
        assert process.stdout is not None
        from_start_s, from_up_s = moment
        try:
            async with asyncio.timeout(from_start_s):
                await process.stdout.readline()
            async with asyncio.timeout(from_up_s):
                await process.wait()
        except TimeoutError:
            return False
        return True

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """A victim, in a process group of its own."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "victim.py"),
            self.url,
            "--durability",
            self._durability,
            *words,
            cwd=self.folder,
            env={**os.environ, MARK: str(self.folder)},
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    @asynccontextmanager
    async def signalling(self, keys: list[str]) -> AsyncIterator[None]:
        """Meanwhile somebody sends each run the event that it waits for, once."""
        task = asyncio.create_task(self._signal(keys))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _signal(self, keys: list[str]) -> None:
        async with self.opened() as store:
            for key in keys:
                while (record := await store.find_key(key)) is None:
                    await asyncio.sleep(0.05)
                await store.post(record.execution_id, "signal", {"event": "go", "data": key}, 1)

    async def strike(self, process: asyncio.subprocess.Process) -> None:
        """Kill the engine alone, with its process group, or everything at once, as when a machine loses its power."""
        way = self._chance.choice(["process", "group", "machine"])
        self.kills[way] += 1
        # Not by the methods of `process`: asyncio may lose the status of one that has just ended.
        if way != "machine":
            with suppress(ProcessLookupError):
                (os.kill if way == "process" else os.killpg)(process.pid, signal.SIGKILL)
        else:
            self.kill_all()
            self._reboot()
        await process.wait()
        async with self.opened() as store:
            await self.ledger.note(store, await self.recent(store))

    def _reboot(self) -> None:
        """What the victims take for the name of this start of the machine."""
        (self.folder / "boot").write_text(f"boot {self.kills['machine']}\n")

    def kill_all(self) -> None:
        """All at once: nobody has time to notice that the others are gone."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in self.alive():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

    def alive(self) -> list[int]:
        """The processes of this torment."""
        mark = f"{MARK}={self.folder}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0") and identity.started(int(entry.name)) > 0:
                    found.append(int(entry.name))
        return found

    async def recent(self, store: EventStore) -> list[RunRecord]:
        """The runs of the last generation, at least."""
        return await store.list_runs(limit=4 * RUNS)

    async def check(self, keys: list[str]) -> None:
        """All has ended: each run as it should, each action with its effect, and nobody is at work any more."""
        async with self.opened() as store:
            recent = await self.recent(store)
            await self.ledger.note(store, recent)
            for key in keys:
                record = await store.find_key(key)
                assert record is not None, f"run {key} was never made"
                children = [run for run in recent if run.parent == record.execution_id]
                await self.ledger.check(store, record, children, key)
            for status in ("running", "paused"):
                self.wrong += [f"run {run.execution_id} is {status}" for run in await store.list_runs(status=status)]
        self.ledger.check_repeated()
        if left := self.alive():
            self.wrong.append(f"processes were left: {left}")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[EventStore]:
        store = await open_store(self.url)
        try:
            yield store
        finally:
            await store.close()


@contextmanager
def torment(url: str, *, seed: int = 1, durability: str = "relaxed") -> Iterator[Torment]:
    """A torment in a folder of its own, for which FOLDER stands in the URL; what it has started is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        found = Torment(url.replace("FOLDER", folder), Path(folder), seed=seed, durability=durability)
        try:
            yield found
        finally:
            found.kill_all()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--store", default="sqlite:FOLDER/runs.db", help="the URL; FOLDER stands for a new folder")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--durability", default="relaxed")
    options = parser.parse_args()
    began = time.monotonic()
    with torment(options.store, seed=options.seed, durability=options.durability) as found:
        asyncio.run(found.kill(options.kills))
        actions, repeated = found.ledger.totals()
    ways = ", ".join(f"{count} of a {way}" for way, count in sorted(found.kills.items()))
    print(f"seed {options.seed}: {found.kills.total()} kills ({ways}) in {time.monotonic() - began:.0f} s")
    print(f"{actions} actions had their effect, {repeated} of them were begun more than once")
    print("\n".join(found.wrong) or "nothing was lost, and nothing that had ended was done twice")
    sys.exit(bool(found.wrong))


if __name__ == "__main__":
    main()
