"""`on_error: {retry: ...}` of a playbook: a failed run is tried again as a new run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine_stage import HEAD, stage

from noetl.model.event import Kind
from noetl.runtime.ids import following_id

FLAKY = """
on_error: {retry: {attempts: 3, delay: 20ms, on: [exit_code]}}
inputs: {name: {type: string, default: log}}
steps: [{name: A, run: [{action: shell, cmd: 'echo x >> "{{ name }}"; test $(wc -l < "{{ name }}") -ge 2'}, {action: set, values: {attempt: "{{ execution.attempt }}"}}]}]
"""


async def test_a_failed_run_is_tried_again_as_a_new_run_and_the_last_is_reported(tmp_path: Path) -> None:
    async with stage(folder=tmp_path) as on:
        report = await on.run(FLAKY, {"name": "other"})
        first = next(event.execution_id for event in on.events if event.kind == Kind.RUN_FAILED)
        runs = await on.engine.store.list_runs()

    assert (report.status, report.outputs, report.attempt) == ("completed", {"attempt": 2}, 2)
    assert report.execution_id == following_id(first)
    assert [run.status for run in runs] == ["completed", "failed"]
    assert (tmp_path / "other").read_text() == "x\nx\n"


async def test_a_run_that_fails_every_time_reports_the_last_failure(tmp_path: Path) -> None:
    async with stage(folder=tmp_path) as on:
        report = await on.run(FLAKY.replace("-ge 2", "-ge 9"))

    assert (report.status, report.attempt) == ("failed", 3)


async def test_a_key_stands_for_all_attempts(tmp_path: Path) -> None:
    async with stage(str(tmp_path / "runs.db"), folder=tmp_path) as on:
        playbook = on.engine.load(HEAD + FLAKY)
        first = await on.engine.run(playbook, key="today")
        assert await on.engine.run(playbook, key="today") == first

    assert first.attempt == 2


async def test_a_run_that_waits_for_its_next_attempt_can_be_cancelled(tmp_path: Path) -> None:
    async with stage(folder=tmp_path) as on:
        handle = await on.start(FLAKY.replace("20ms", "1h"))
        async with asyncio.timeout(30):
            while on.kinds().count(Kind.RUN_STARTED) < 2:
                await asyncio.sleep(0.01)
        handle.cancel("enough")
        report = await handle.result()

    assert (report.status, report.attempt, report.steps) == ("cancelled", 2, [])


async def test_the_next_attempt_outlives_the_engine(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store, folder=tmp_path) as on:
        await on.start(FLAKY.replace("20ms", "300ms"))
        async with asyncio.timeout(30):
            while on.kinds().count(Kind.RUN_STARTED) < 2:
                await asyncio.sleep(0.01)

    async with stage(store, folder=tmp_path) as on:
        (again,) = await on.engine.recover()
        assert (await again.result()).outputs == {"attempt": 2}


async def test_an_attempt_that_was_lost_before_it_was_made_is_made_up_for(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store, folder=tmp_path) as on:
        handle = await on.start(FLAKY)
        on.engine.follow = lambda failed: asyncio.get_running_loop().create_task(asyncio.sleep(3600))  # type: ignore[assignment, return-value]
        async with asyncio.timeout(30):
            while Kind.RUN_FAILED not in on.kinds():
                await asyncio.sleep(0.01)

    async with stage(store, folder=tmp_path) as on:
        (again,) = await on.engine.recover()
        assert again.execution_id == following_id(handle.execution_id)
        assert (await again.result()).outputs == {"attempt": 2}
        assert await on.engine.recover() == []


async def test_a_called_playbook_is_tried_again_before_its_caller_fails(tmp_path: Path) -> None:
    (tmp_path / "child.yaml").write_text(HEAD + FLAKY)
    async with stage(folder=tmp_path) as on:
        (tmp_path / "parent.yaml").write_text(
            HEAD + "steps: [{name: A, run: [{action: playbook, path: child.yaml, as: got}]}]\n"
        )
        report = await on.engine.run(on.engine.load(tmp_path / "parent.yaml"))

    assert report.outputs == {"got": {"attempt": 2}}
