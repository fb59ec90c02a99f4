"""What every store promises that outlives its process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sample_runs import RUN, TEXT, event, events, numbers, opened, run_named

from noetl.errors import StoreError
from noetl.model.event import Kind

ID = RUN.execution_id
APPENDER = Path(__file__).with_name("appender.py")


async def test_a_reopened_store_has_what_was_written(durable_url: str) -> None:
    async with opened(durable_url, RUN) as store:
        await store.append(ID, 0, [*events(1, 3), event(4, kind=Kind.RUN_PAUSED)])

    async with opened(durable_url) as store:
        assert numbers(await store.read(ID)) == [1, 2, 3, 4]
        assert await store.record(ID) == run_named(ID, status="paused")
        assert await store.text("d1") == TEXT
        await store.append(ID, 4, events(5, 5))
        assert numbers(await store.read(ID, 3)) == [4, 5]


async def test_closing_writes_what_nobody_awaited(durable_url: str) -> None:
    async with opened(durable_url, RUN) as store:
        for first in range(1, 5001, 10):
            store.append(ID, first - 1, events(first, first + 9))

    async with opened(durable_url) as store:
        assert await store.read(ID) == events(1, 5000)


async def test_two_stores_see_what_the_other_wrote(durable_url: str) -> None:
    async with opened(durable_url, RUN) as one, opened(durable_url) as other:
        await one.append(ID, 0, events(1, 2))
        assert numbers(await other.read(ID)) == [1, 2]

        await other.append(ID, 2, events(3, 3))
        assert numbers(await one.read(ID)) == [1, 2, 3]


async def test_a_store_appends_after_what_another_wrote(durable_url: str) -> None:
    async with opened(durable_url, RUN) as one, opened(durable_url) as other:
        await one.append(ID, 0, events(1, 2))
        await other.append(ID, 2, events(3, 4))
        await one.append(ID, 4, events(5, 5))

        assert numbers(await one.read(ID)) == [1, 2, 3, 4, 5]


async def test_of_two_stores_that_append_the_same_event_one_has_a_conflict(durable_url: str) -> None:
    async with opened(durable_url, RUN) as one, opened(durable_url) as other:
        await one.append(ID, 0, events(1, 2))
        await other.append(ID, 2, events(3, 4))

        with pytest.raises(StoreError, match="its log ends with event 4, not with event 2"):
            await one.append(ID, 2, events(3, 3))
        with pytest.raises(StoreError, match="its log ends with event 4, not with event 3"):
            await one.append(ID, 3, events(4, 4))
        await one.append(ID, 4, events(5, 5))
        assert numbers(await other.read(ID)) == [1, 2, 3, 4, 5]


async def test_a_conflict_with_another_store_spares_the_runs_written_beside_it(durable_url: str) -> None:
    runs = [run_named(f"01JB{number}") for number in range(20)]
    async with opened(durable_url, RUN, *runs) as one, opened(durable_url) as other:
        await one.append(ID, 0, events(1, 1))
        await other.append(ID, 1, events(2, 2))

        stale = one.append(ID, 1, events(2, 2))
        fine = [one.append(run.execution_id, 0, events(1, 3, run=run.execution_id)) for run in runs]

        await asyncio.gather(*fine)
        with pytest.raises(StoreError, match="conflict"):
            await stale


async def test_two_stores_write_at_the_same_time(durable_url: str) -> None:
    async with opened(durable_url, RUN, run_named("01JB")) as one, opened(durable_url) as other:
        for seq in range(1, 301):
            mine = one.append(ID, seq - 1, events(seq, seq))
            theirs = other.append("01JB", seq - 1, events(seq, seq, run="01JB"))
        await mine
        await theirs

        assert await other.read(ID) == events(1, 300)
        assert await one.read("01JB") == events(1, 300, run="01JB")


async def test_of_many_stores_that_race_for_one_run_each_event_has_one_author(durable_url: str) -> None:
    async def race(author: int) -> int:
        won = 0
        async with opened(durable_url) as store:
            for seq in range(1, 41):
                try:
                    await store.append(ID, seq - 1, [event(seq, {"author": author})])
                    won += 1
                except StoreError:
                    await asyncio.sleep(0)
        return won

    async with opened(durable_url, RUN) as store:
        won = await asyncio.gather(*map(race, range(4)))
        found = await store.read(ID)

    assert len(found) == sum(won) == 40
    assert [sum(one.data["author"] == author for one in found) for author in range(4)] == won


async def test_what_a_killed_process_had_been_acknowledged_is_there(durable_url: str) -> None:
    with subprocess.Popen([sys.executable, APPENDER, durable_url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        process.kill()
        acknowledged = [int(line) for line in process.stdout.read().split()]

    async with opened(durable_url) as store:
        found = await store.read(ID)
        assert len(found) >= max(acknowledged, default=700)
        assert found == events(1, len(found))
        await store.append(ID, len(found), events(len(found) + 1, len(found) + 1))


async def test_a_log_is_read_while_another_process_writes_it(durable_url: str) -> None:
    with subprocess.Popen([sys.executable, APPENDER, durable_url], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            async with opened(durable_url) as store:
                for _ in range(20):
                    durable = int(process.stdout.readline())
                    found = await store.read(ID)
                    assert numbers(found) == list(range(1, len(found) + 1))
                    assert len(found) >= durable
        finally:
            process.kill()
