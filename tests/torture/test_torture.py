"""A few rounds of torment; `python tests/torture/torment.py --kills 1000` has as many as one likes."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from torment import RUNS, Torment, torment
from victim import LOST, UNWRITTEN

from noetl.postgres.embedded import FOLDER_VARIABLE, EmbeddedServer

pytestmark = pytest.mark.timeout(400)

KILLS = 2
KEYS = [f"run-{number}" for number in range(RUNS)]
SQLITE = "sqlite:FOLDER/runs.db"


async def until_at_work(on: Torment) -> None:
    """Some actions have begun, most have not."""
    async with asyncio.timeout(60):
        while len(list(on.ledger.folder.iterdir())) < 2 * RUNS:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("kind", "durability"), [("sqlite", "relaxed"), ("sqlite", "strict"), ("postgres", "relaxed")])
async def test_what_is_killed_again_and_again_is_done_and_nothing_that_had_ended_twice(
    kind: str, durability: str, request: pytest.FixtureRequest
) -> None:
    url = SQLITE
    if kind == "postgres":
        request.getfixturevalue("embedded")
        url = f"embedded:?schema=torment_{uuid4().hex}"
    with torment(url, seed=7, durability=durability) as on:
        await on.kill(KILLS)

    assert on.wrong == []


async def test_a_run_goes_on_when_the_disk_has_room_again() -> None:
    with torment(SQLITE) as on:
        statuses = []
        for limit in (60_000, 200_000):
            process = await on.start("--file-limit", str(limit), *KEYS)
            statuses.append(await process.wait())
            assert on.alive() == []
        async with on.signalling(KEYS):
            process = await on.start(*KEYS)
            assert await process.wait() == 0
        await on.check(KEYS)

    assert UNWRITTEN in statuses
    assert on.wrong == []


async def test_an_event_log_that_somebody_locks_for_a_while_is_waited_for() -> None:
    with torment(SQLITE) as on:
        async with on.signalling(KEYS):
            process = await on.start(*KEYS)
            await until_at_work(on)
            with closing(sqlite3.connect(on.folder / "runs.db", isolation_level=None, timeout=10)) as other:
                other.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(1)
                other.execute("ROLLBACK")
            assert await process.wait() == 0
        await on.check(KEYS)

    assert on.wrong == []


async def test_an_engine_that_was_stopped_past_its_lease_does_nothing_more() -> None:
    with torment(SQLITE) as on:
        async with on.signalling(KEYS):
            stopped = await on.start("--lease", "1", *KEYS)
            await until_at_work(on)
            stopped.send_signal(signal.SIGSTOP)
            other = await on.start("--lease", "1", *KEYS)
            assert await other.wait() == 0
        stopped.send_signal(signal.SIGCONT)
        assert await stopped.wait() == LOST
        await on.check(KEYS)

    assert on.wrong == []


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """A server of this test alone, which it may stop."""
    # Not where pytest puts it: the path of a socket has to be short.
    with TemporaryDirectory() as folder:
        monkeypatch.setenv(FOLDER_VARIABLE, folder)
        server = EmbeddedServer(Path(folder))
        server.join()
        yield server
        server.leave()


async def test_a_server_that_is_restarted_in_the_middle_costs_nothing(own_server: EmbeddedServer) -> None:
    with torment(f"postgresql://postgres@/postgres?host={own_server.folder}/data") as on:
        async with on.signalling(KEYS):
            process = await on.start(*KEYS)
            await until_at_work(on)
            await asyncio.to_thread(own_server._cluster.stop)
            await asyncio.to_thread(own_server.revive)
            assert await process.wait() == 0
        await on.check(KEYS)

    assert on.wrong == []
