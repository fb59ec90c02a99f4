"""Who drives a run, and who may write of it: the same for every store."""

from __future__ import annotations

import pytest
from sample_runs import RUN, TEXT, event, events, numbers, opened, run_named

from noetl.errors import KeyTaken, LostOwnership, OwnedElsewhere, StoreError
from noetl.model.event import Kind
from noetl.store import Owner

ID = RUN.execution_id
NOW = 1_000_000_000


def owner(engine: str, *, expires_at: int = NOW + 30_000_000) -> Owner:
    return Owner(engine=engine, host="srv", boot="b1", pid=42, started=7, expires_at=expires_at)


async def test_a_run_that_nobody_drives_is_claimed_with_a_new_fence(url: str) -> None:
    async with opened(url, run_named(ID, engine=None, fence=3)) as store:
        await store.enter(owner("one"))

        assert await store.claim(ID, "one", now=NOW) == 4

        record = await store.record(ID)
        assert record is not None
        assert (record.engine, record.fence) == ("one", 4)


async def test_an_engine_keeps_the_fence_of_a_run_that_it_drives(url: str) -> None:
    async with opened(url, run_named(ID, engine="one", fence=1)) as store:
        await store.enter(owner("one"))

        assert await store.claim(ID, "one", now=NOW) == 1


async def test_a_run_that_another_engine_drives_cannot_be_claimed(url: str) -> None:
    async with opened(url, run_named(ID, engine="one", fence=1)) as store:
        await store.enter(owner("one", expires_at=NOW + 12_000_000))

        with pytest.raises(OwnedElsewhere, match="process 42 on 'srv', whose lease ends in 12 s"):
            await store.claim(ID, "two", now=NOW)


@pytest.mark.parametrize(
    ("leases", "dead"),
    [
        pytest.param([owner("one", expires_at=NOW)], (), id="expired"),
        pytest.param([owner("one")], ("one",), id="known to be dead"),
        pytest.param([], (), id="gone"),
    ],
)
async def test_a_run_whose_engine_is_gone_is_taken_over(url: str, leases: list[Owner], dead: tuple[str, ...]) -> None:
    async with opened(url, run_named(ID, engine="one", fence=1)) as store:
        for lease in leases:
            await store.enter(lease)

        assert await store.claim(ID, "two", now=NOW, dead=dead) == 2


async def test_a_lease_is_made_longer(url: str) -> None:
    async with opened(url) as store:
        await store.enter(owner("one", expires_at=NOW))
        await store.enter(owner("one", expires_at=NOW + 5))

        assert [known.expires_at for known in await store.owners()] == [NOW + 5]


async def test_an_engine_that_lost_a_run_can_write_nothing_of_it(url: str) -> None:
    async with opened(url, run_named(ID, engine="one", fence=1)) as store:
        await store.append(ID, 0, events(1, 2), fence=1)
        await store.claim(ID, "two", now=NOW)

        with pytest.raises(LostOwnership, match="another engine has taken run '01JA' over"):
            await store.append(ID, 2, events(3, 3), fence=1)
        with pytest.raises(LostOwnership):
            await store.append(ID, 2, events(3, 3), fence=1, awaited=True)

        await store.append(ID, 2, [event(3, {"mine": True})], fence=2)
        assert numbers(await store.read(ID)) == [1, 2, 3]


async def test_what_other_runs_write_at_the_same_moment_is_not_lost_with_it(url: str) -> None:
    async with opened(url, run_named(ID, fence=1), run_named("01JB", fence=1)) as store:
        stale = store.append(ID, 0, events(1, 2), fence=0)
        good = store.append("01JB", 0, events(1, 2, run="01JB"), fence=1)

        await good
        with pytest.raises(LostOwnership):
            await stale
        assert numbers(await store.read("01JB")) == [1, 2]
        assert await store.read(ID) == []


async def test_nobody_drives_a_run_that_has_ended(url: str) -> None:
    async with opened(url, run_named(ID, engine="one", fence=1)) as store:
        await store.append(ID, 0, [event(1, kind=Kind.RUN_COMPLETED)], fence=1)

        record = await store.record(ID)
        assert record is not None
        assert (record.status, record.engine, record.fence) == ("completed", None, 1)


async def test_an_engine_that_leaves_drives_nothing_any_more(url: str) -> None:
    async with opened(url, run_named(ID, engine="one"), run_named("01JB", engine="two")) as store:
        await store.enter(owner("one"))
        await store.leave("one")

        assert {run.execution_id: run.engine for run in await store.list_runs()} == {ID: None, "01JB": "two"}
        assert await store.owners() == []


async def test_only_who_drives_a_run_can_release_it(url: str) -> None:
    async with opened(url, run_named(ID, engine="one")) as store:
        await store.release(ID, "two")
        assert (await store.find(ID)).engine == "one"

        await store.release(ID, "one")
        assert (await store.find(ID)).engine is None


async def test_an_unknown_run_cannot_be_claimed(url: str) -> None:
    async with opened(url) as store:
        with pytest.raises(StoreError, match="no run 'nobody'"):
            await store.claim("nobody", "one", now=NOW)


async def test_a_key_belongs_to_one_run(url: str) -> None:
    async with opened(url, run_named(ID, key="daily")) as store:
        with pytest.raises(KeyTaken, match="the key 'daily' belongs to run '01JA'"):
            await store.create(run_named("01JB", key="daily"), TEXT)

        found = await store.find_key("daily")
        assert found is not None
        assert found.execution_id == ID
        assert await store.find_key("weekly") is None
        assert await store.record("01JB") is None
