"""Runs whose state is saved on the way: gone on with from there, and from all their events where that does not fit.

With NOETL_REBUILD=1 all events are read all the time, so here that is off.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from engine_stage import HEAD

from noetl import Engine, ReplayError
from noetl.runtime.snapshots import distance
from noetl.store import Snapshot

CHAIN = """
context: {n: 0}
steps:
  - name: Count
    run: [{action: set, values: {n: "{{ n + 1 }}"}}, {action: shell, cmd: "true"}]
    rule: [{case: "n < 6", run: [{step: Count}]}, {case: true, run: [{step: Wait}]}]
  - {name: Wait, run: [{action: wait, event: go, as: it}]}
"""


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


async def interrupted(path: Path, *, every: int = 10) -> str:
    """A run that has saved its state and waits for an event, and whose engine is gone."""
    async with Engine(str(path), snapshot_every=every, rebuilds=False) as engine:
        waits = asyncio.Event()
        engine.subscribe(lambda event: waits.set() if event.step == "Wait" else None)
        handle = await engine.start(engine.load(HEAD + CHAIN))
        await waits.wait()
        if every:
            async with asyncio.timeout(30):
                while await engine.store.snapshot(handle.execution_id) is None:
                    await asyncio.sleep(0.01)
        return handle.execution_id


async def finished(path: Path, execution_id: str) -> dict[str, object]:
    async with Engine(str(path), rebuilds=False) as engine:
        handle = await engine.resume(execution_id)
        handle.signal("go", "now")
        report = await handle.result()
        assert [row["name"] for row in report.steps] == ["Count"] * 6 + ["Wait"]
        assert (await engine.report(execution_id)).as_data() == report.as_data()
        return report.outputs


async def test_a_run_goes_on_from_its_saved_state(path: Path) -> None:
    execution_id = await interrupted(path)
    # What stands before it is not even read.
    execute(path, "DELETE FROM batches WHERE last < (SELECT seq FROM snapshots)")
    assert execute(path, "SELECT min(first) > 1 FROM batches") == [(1,)]

    assert await finished(path, execution_id) == {"n": 6, "it": "now"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE snapshots SET state = x'80049500'", id="damaged"),
        pytest.param("UPDATE snapshots SET form = '0.0/0/0'", id="of another version or playbook"),
        pytest.param("UPDATE snapshots SET seq = seq + 1000", id="ahead of the log"),
        pytest.param("UPDATE snapshots SET seq = seq - 1", id="of another place in the log"),
    ],
)
async def test_a_saved_state_that_does_not_fit_is_passed_over(
    path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    execution_id = await interrupted(path)
    execute(path, change)

    with caplog.at_level(logging.DEBUG, "noetl"):
        assert await finished(path, execution_id) == {"n": 6, "it": "now"}

    assert f"the snapshot of run {execution_id} is not used" in caplog.text


async def test_a_log_that_does_not_fit_its_playbook_is_found_out_from_its_beginning(path: Path) -> None:
    execution_id = await interrupted(path)
    execute(path, "UPDATE batches SET events = replace(events, 'action.completed', 'token.joined')")

    async with Engine(str(path)) as engine:
        with pytest.raises(ReplayError, match=r"event \d+ .* does not fit the playbook"):
            await engine.report(execution_id)


async def test_no_state_is_saved_where_nobody_wants_that(path: Path) -> None:
    await interrupted(path, every=0)

    assert execute(path, "SELECT * FROM snapshots") == []


async def test_a_state_that_cannot_be_saved_stops_nothing(path: Path) -> None:
    async with Engine(str(path), snapshot_every=1) as engine:
        await engine.store.record("nobody")
        execute(path, "CREATE TRIGGER no BEFORE INSERT ON snapshots BEGIN SELECT RAISE(ABORT, 'no'); END")
        handle = await engine.start(engine.load(HEAD + CHAIN))
        handle.signal("go", 1)

        assert (await handle.result()).outputs == {"n": 6, "it": 1}


async def test_a_saved_state_that_comes_too_early_is_no_state_of_the_run(path: Path) -> None:
    execution_id = await interrupted(path, every=0)
    async with Engine(str(path)) as engine:
        await engine.store.save_snapshot(execution_id, Snapshot(seq=0, form="", state=b""))

    assert await finished(path, execution_id) == {"n": 6, "it": "now"}


def test_states_are_saved_less_often_as_a_run_grows() -> None:
    taken = [0]
    while taken[-1] < 100_000:
        taken.append(taken[-1] + distance(taken[-1], 1000))

    assert taken[:5] == [0, 1000, 2000, 3000, 4500]
    assert len(taken) < 15


def test_a_state_that_takes_long_to_encode_is_saved_less_often() -> None:
    assert distance(5000, 1000, took_s=0.001) == 2500
    assert distance(5000, 1000, took_s=0.1) == 20_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"
