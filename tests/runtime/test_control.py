"""Pausing, resuming, cancelling and signalling: by the handle of a run, and from another process through the store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from engine_stage import HEAD, Stage, stage

from noetl import RunHandle
from noetl.model.event import Kind
from noetl.runtime.clock import microseconds

GATED = """
steps:
  - name: First
    run: [{action: wait, event: go, as: a}]
    rule: [{case: default, run: [{step: Second}]}]
  - name: Second
    run: [{action: set, values: {b: "{{ a }}"}}]
"""
SLEEPING = """
steps:
  - name: Sleep
    run: [{action: shell, cmd: "echo begun >> ledger; test -e go || sleep 600; echo ended >> ledger"}]
    rule: [{case: default, run: [{step: End}]}]
  - name: End
    run: [{action: set, values: {done: true}}]
"""


async def until(on: Stage, kind: str) -> None:
    async with asyncio.timeout(30):
        while kind not in on.kinds():
            await asyncio.sleep(0.01)


async def until_begun(folder: Path) -> None:
    async with asyncio.timeout(30):
        while not (folder / "ledger").exists():
            await asyncio.sleep(0.01)


async def status(on: Stage, handle: RunHandle) -> tuple[str, str]:
    """As the run has it, and as the index of runs has it."""
    return handle.report().status, (await on.engine.store.find(handle.execution_id)).status


async def test_a_paused_run_stands_still_until_it_is_resumed() -> None:
    async with stage() as on:
        handle = await on.start(GATED)
        handle.pause("maintenance")
        handle.signal("go", 7)
        await asyncio.sleep(0)
        assert await status(on, handle) == ("paused", "paused")
        assert Kind.STEP_COMPLETED not in on.kinds()

        handle.resume()
        report = await handle.result()

        assert report.outputs == {"a": 7, "b": 7}
        assert [row["status"] for row in report.steps] == ["completed", "completed"]


async def test_what_runs_ends_in_a_paused_run_and_nothing_follows(tmp_path: Path) -> None:
    async with stage(folder=tmp_path) as on:
        handle = await on.start(SLEEPING.replace("sleep 600", "until test -e go; do sleep 0.01; done"))
        await until_begun(tmp_path)
        handle.pause()
        await until(on, Kind.RUN_PAUSED)
        (tmp_path / "go").touch()
        await until(on, Kind.ACTION_COMPLETED)
        assert "End" not in {event.step for event in on.events}

        handle.resume()
        assert (await handle.result()).outputs == {"done": True}
        assert (tmp_path / "ledger").read_text() == "begun\nended\n"


async def test_a_pause_at_once_stops_what_runs_and_begins_it_anew(tmp_path: Path) -> None:
    async with stage(folder=tmp_path) as on:
        handle = await on.start(SLEEPING)
        await until_begun(tmp_path)
        handle.pause(now=True)
        (tmp_path / "go").touch()
        handle.resume()
        report = await handle.result()

    assert report.outputs == {"done": True}
    assert (tmp_path / "ledger").read_text() == "begun\nbegun\nended\n"
    assert report.steps[0]["attempts"] == 1
    assert Kind.ACTION_CANCELLED not in on.kinds()


async def test_a_pause_with_an_end_ends_by_itself() -> None:
    async with stage() as on:
        handle = await on.start(GATED)
        handle.pause(until=microseconds() + 50_000)
        handle.signal("go", 1)

        assert (await handle.result()).succeeded
        assert Kind.RUN_RESUMED in on.kinds()


async def test_a_pause_with_an_end_outlives_its_engine(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        handle = await on.start(GATED)
        handle.pause(until=microseconds() + 100_000)
        handle.signal("go", 2)
        await until(on, Kind.SIGNAL_RECEIVED)

    async with stage(store) as on:
        (again,) = await on.engine.recover()
        assert (await again.result()).outputs == {"a": 2, "b": 2}


async def test_a_timer_that_falls_due_in_a_pause_fires_when_the_run_goes_on() -> None:
    async with stage() as on:
        handle = await on.start("steps:\n  - name: Wait\n    run: [{action: wait, for: 20ms}]\n")
        handle.pause()
        await asyncio.sleep(0.05)
        assert Kind.TIMER_FIRED not in on.kinds()

        handle.resume()
        assert (await handle.result()).succeeded


async def test_a_paused_run_can_be_cancelled() -> None:
    async with stage() as on:
        handle = await on.start(GATED)
        handle.pause()
        handle.cancel("enough")

        report = await handle.result()
        assert (report.status, report.error and report.error["message"]) == ("cancelled", "cancelled: enough")


async def test_a_paused_run_that_lost_its_engine_stays_paused_until_somebody_resumes_it(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        handle = await on.start(GATED)
        handle.pause()
        await until(on, Kind.RUN_PAUSED)

    async with stage(store) as on:
        (again,) = await on.engine.recover()
        again.signal("go", 1)
        await until(on, Kind.SIGNAL_RECEIVED)
        assert await status(on, again) == ("paused", "paused")
        resumed = await on.engine.resume(handle.execution_id)
        assert (await resumed.result()).outputs == {"a": 1, "b": 1}


async def until_settled(on: Stage) -> None:
    async with asyncio.timeout(30):
        while await on.engine.store.commands(on.engine.ownership.engine):
            await asyncio.sleep(0.01)


class TestFromAnotherProcess:
    async def ask(self, on: Stage, handle: RunHandle, kind: str, **data: Any) -> None:
        await on.engine.store.post(handle.execution_id, kind, data, microseconds())

    async def test_a_run_is_paused_signalled_and_resumed(self, tmp_path: Path) -> None:
        store = str(tmp_path / "runs.db")
        async with stage(store) as on, stage(store) as other:
            handle = await on.start(GATED)
            await self.ask(other, handle, "pause", reason="maintenance")
            async with asyncio.timeout(30):
                while (await other.engine.store.find(handle.execution_id)).status != "paused":
                    await asyncio.sleep(0.01)
            await self.ask(other, handle, "signal", event="go", data={"n": 1})
            await self.ask(other, handle, "resume")

            assert (await handle.result()).outputs == {"a": {"n": 1}, "b": {"n": 1}}

    async def test_a_run_is_cancelled_with_a_reason(self, tmp_path: Path) -> None:
        store = str(tmp_path / "runs.db")
        async with stage(store) as on, stage(store) as other:
            handle = await on.start(GATED)
            await self.ask(other, handle, "cancel", reason="not today")

            report = await handle.result()
            assert report.error is not None
            assert report.error["message"] == "cancelled: not today"

    async def test_a_signal_waits_for_an_engine_that_drives_the_run(self, tmp_path: Path) -> None:
        store = str(tmp_path / "runs.db")
        async with stage(store) as on:
            handle = await on.start(GATED)
        async with stage(store) as other:
            await self.ask(other, handle, "signal", event="go", data=3)
        async with stage(store) as on:
            (again,) = await on.engine.recover()
            assert (await again.result()).outputs == {"a": 3, "b": 3}

    async def test_a_command_that_is_delivered_twice_acts_once(self, tmp_path: Path) -> None:
        store = str(tmp_path / "runs.db")
        twice = (
            GATED
            + "    rule: [{case: default, run: [{step: Third}]}]\n  - {name: Third, run: [{action: wait, event: go, as: c}]}\n"
        )
        async with stage(store) as on:
            handle = await on.start(twice)
            command = await on.engine.store.post(handle.execution_id, "signal", {"event": "go", "data": 1}, 5)
            on.engine._obeying.obey(command)
            on.engine._obeying.obey(command)
            async with asyncio.timeout(30):
                while "Third" not in {event.step for event in on.events}:
                    await asyncio.sleep(0.01)
            assert on.kinds().count(Kind.SIGNAL_RECEIVED) == 1
        async with stage(store) as on:
            (again,) = await on.engine.recover()
            await until_settled(on)
            assert again.report().status == "running", "the lost acknowledgement brings the command again"
            await on.engine.store.post(handle.execution_id, "signal", {"event": "go", "data": 2}, 5)
            assert (await again.result()).outputs == {"a": 1, "b": 1, "c": 2}

    async def test_called_runs_stand_still_with_their_caller(self, tmp_path: Path) -> None:
        (tmp_path / "child.yaml").write_text(HEAD + GATED)
        (tmp_path / "parent.yaml").write_text(
            HEAD + "steps:\n  - name: Call\n    run: [{action: playbook, path: child.yaml, as: got}]\n"
        )
        async with stage(str(tmp_path / "runs.db")) as on:
            handle = await on.engine.start(on.engine.load(tmp_path / "parent.yaml"))
            async with asyncio.timeout(30):
                while len({event.execution_id for event in on.events}) < 2:
                    await asyncio.sleep(0.01)
            child = on.events[-1].execution_id
            await self.ask(on, handle, "pause", reason="both", now=True)
            await until(on, Kind.RUN_PAUSED)
            await on.engine.store.post(child, "signal", {"event": "go", "data": 1}, 5)
            await until_settled(on)
            assert {run.status for run in await on.engine.store.list_runs()} == {"paused"}

            await self.ask(on, handle, "resume")
            assert (await handle.result()).outputs == {"got": {"a": 1, "b": 1}}

    async def test_called_runs_go_on_with_their_caller_in_another_engine(self, tmp_path: Path) -> None:
        (tmp_path / "child.yaml").write_text(HEAD + GATED)
        (tmp_path / "parent.yaml").write_text(
            HEAD + "steps:\n  - name: Call\n    run: [{action: playbook, path: child.yaml, as: got}]\n"
        )
        async with stage(str(tmp_path / "runs.db")) as on:
            handle = await on.engine.start(on.engine.load(tmp_path / "parent.yaml"))
            async with asyncio.timeout(30):
                while len({event.execution_id for event in on.events}) < 2:
                    await asyncio.sleep(0.01)
            child = on.events[-1].execution_id
            await self.ask(on, handle, "pause", reason="both")
            async with asyncio.timeout(30):
                while on.kinds().count(Kind.RUN_PAUSED) < 2:
                    await asyncio.sleep(0.01)

        async with stage(str(tmp_path / "runs.db")) as on:
            again = await on.engine.resume(handle.execution_id)
            await on.engine.store.post(child, "signal", {"event": "go", "data": 1}, 5)
            assert (await again.result()).outputs == {"got": {"a": 1, "b": 1}}
