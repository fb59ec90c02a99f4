"""Runs are removed by themselves when they have been kept long enough."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engine_stage import HEAD

from noetl import Engine, NoetlError
from noetl.runtime.clock import microseconds
from noetl.runtime.retention import Retention, is_alone, prune, retention_of, wanted_retention

DONE = "steps:\n  - {name: A, run: [{action: noop}]}\n"
FAILED = "steps:\n  - {name: A, run: [{action: fail, code: full, message: full}]}\n"
NOTE = "pruned_at"


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


async def filled(store: str) -> None:
    async with Engine(store) as engine:
        for text in (DONE, FAILED):
            await engine.run(engine.load(HEAD + text))


async def statuses(engine: Engine) -> set[str]:
    return {run.status for run in await engine.store.list_runs()}


async def pruned(engine: Engine) -> None:
    """Wait until the engine has pruned."""
    async with asyncio.timeout(30):
        while await engine.store.noted(NOTE) is None:
            await asyncio.sleep(0.01)


async def test_an_engine_removes_old_runs(store: str) -> None:
    await filled(store)
    async with Engine(store, retention=0) as engine:
        await pruned(engine)
        assert await statuses(engine) == set()


async def test_the_environment_says_how_long_runs_are_kept(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(store)
    monkeypatch.setenv("NOETL_RETENTION", "0s")
    async with Engine(store) as engine:
        await pruned(engine)
        assert await statuses(engine) == set()


async def test_nothing_is_removed_where_nobody_asks(store: str) -> None:
    await filled(store)
    async with Engine(store) as engine:
        await engine.run(engine.load(HEAD + DONE))
        assert await engine.store.noted(NOTE) is None
        assert await statuses(engine) == {"completed", "failed"}


async def test_what_is_young_stays(store: str) -> None:
    await filled(store)
    async with Engine(store, retention="30d", keep_failed=True) as engine:
        await pruned(engine)
        assert await statuses(engine) == {"completed", "failed"}


async def test_of_all_engines_one_prunes_in_a_day(store: str) -> None:
    async with Engine(store, retention=0) as engine:
        await engine.store.note(NOTE, microseconds() - 1_000_000)
        await engine.run(engine.load(HEAD + DONE))
        async with Engine(store, retention=0) as other:
            await other.run(other.load(HEAD + DONE))
        assert await statuses(engine) == {"completed"}


async def test_the_next_day_runs_are_removed_again(store: str) -> None:
    await filled(store)
    async with Engine(store) as engine:
        await engine.store.note(NOTE, yesterday := microseconds() - 86_400 * 1_000_000)
    async with Engine(store, retention=0) as engine:
        async with asyncio.timeout(30):
            while await engine.store.noted(NOTE) == yesterday:
                await asyncio.sleep(0.01)
        assert await statuses(engine) == set()


async def test_failed_runs_can_be_kept(store: str) -> None:
    await filled(store)
    async with Engine(store) as engine:
        assert (await prune(engine.store, Retention(0, keep_failed=True), dry_run=True)).runs == 1
        assert (await prune(engine.store, Retention(0, keep_failed=True))).runs == 1
        assert await statuses(engine) == {"failed"}


@pytest.mark.parametrize(
    ("given", "keep_failed", "message"),
    [
        pytest.param("soon", False, "how long runs are kept is not understood: .* got 'soon'", id="no duration"),
        pytest.param(-1, False, "is not understood", id="negative"),
        pytest.param("6d", True, "at least 7d, not for 6d", id="too short beside failed runs"),
    ],
)
def test_what_cannot_be_kept_is_refused(given: str | float, keep_failed: bool, message: str) -> None:
    with pytest.raises(NoetlError, match=message):
        retention_of(given, keep_failed=keep_failed)
    with pytest.raises(NoetlError, match=message):
        Engine(retention=given, keep_failed=keep_failed)


def test_what_an_engine_is_told_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOETL_RETENTION", "30d")
    monkeypatch.setenv("NOETL_KEEP_FAILED", "1")

    assert wanted_retention(None, None) == Retention(30 * 86_400, keep_failed=True)
    assert wanted_retention("8d", False) == Retention(8 * 86_400)


async def test_a_store_is_left_alone_while_an_engine_works_with_it(store: str) -> None:
    async with Engine(store) as engine:
        assert await is_alone(engine.store)
        await engine.run(engine.load(HEAD + DONE))
        assert not await is_alone(engine.store)
    async with Engine(store) as engine:
        assert await is_alone(engine.store)
