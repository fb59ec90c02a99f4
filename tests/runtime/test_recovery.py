"""Runs that lost their engine, and engines that take them over."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from engine_stage import HEAD, Stage, code, stage

from noetl import Engine, NoetlError, ReplayError, StoreError
from noetl.errors import KeyTaken, LostOwnership, OwnedElsewhere
from noetl.model.event import Kind
from noetl.runtime.clock import microseconds
from noetl.runtime.identity import owner, started
from noetl.runtime.inbox import PAUSE_S

LEDGER = """
steps:
  - name: Count
    run: [{action: shell, cmd: "echo counted >> ledger"}]
    rule: [{case: default, run: [{step: Linger}]}]
  - name: Linger
    run: [{action: shell, cmd: "echo $$ $NOETL_IDEMPOTENCY_KEY >> lingered; test -e go || sleep 600"}]
    rule: [{case: default, run: [{step: End}]}]
  - name: End
    run: [{action: set, values: {done: true}}]
"""
PROGRAM = """
import asyncio, os, sys, noetl, noetl.errors

async def main():
    async with noetl.Engine("runs.db", lease_s=float(os.environ.get("LEASE_S", "30"))) as engine:
        try:
            await engine.run(engine.load("playbook.yaml"), key=(sys.argv[1:] or [None])[0])
        except noetl.errors.LostOwnership:
            sys.exit(3)

asyncio.run(main())
"""
WORKING = """
inputs: {name: {type: string, default: first}}
steps:
  - name: Work
    run:
      - action: python
        args: {name: "{{ inputs.name }}"}
        code: |
          import os, pathlib, time
          with open(f"began-{name}", "a") as file:
              print(os.getpid(), file=file)
          while not pathlib.Path(f"go-{name}").exists():
              time.sleep(0.01)
          result = os.getpid()
        as: done
"""
WAITING = "steps:\n  - name: Wait\n    run: [{action: wait, event: go, as: it}]\n"


async def until_exists(path: Path) -> str:
    async with asyncio.timeout(30):
        while not path.exists() or not path.read_text().endswith("\n"):
            await asyncio.sleep(0.01)
    return path.read_text()


@asynccontextmanager
async def killed(playbook: str, folder: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A playbook run in a process of its own, with these arguments of `Engine.run`; the process is killed at the end."""
    (folder / "playbook.yaml").write_text(HEAD + playbook)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, *words, cwd=folder)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def is_gone(pid: int) -> bool:
    return started(pid) == -1


async def until(on: Stage, kind: str) -> None:
    async with asyncio.timeout(30):
        while kind not in on.kinds():
            await asyncio.sleep(0.01)


async def the_run(on: Stage) -> str:
    (record,) = await on.engine.store.list_runs()
    return record.execution_id


async def test_a_killed_run_goes_on_and_what_had_ended_is_not_done_again(tmp_path: Path) -> None:
    async with killed(LEDGER, tmp_path):
        first = (await until_exists(tmp_path / "lingered")).split()
    (tmp_path / "go").touch()

    async with stage(str(tmp_path / "runs.db")) as on:
        handle = await on.engine.resume(await the_run(on))
        report = await handle.result()

    assert report.outputs == {"done": True}
    assert [row["name"] for row in report.steps] == ["Count", "Linger", "End"]
    assert (tmp_path / "ledger").read_text() == "counted\n"
    lines = (tmp_path / "lingered").read_text().splitlines()
    assert [line.split()[1] for line in lines] == [first[1], first[1]], "the action keeps its key"


async def test_what_a_dead_engine_left_running_is_ended_before_its_action_runs_again(tmp_path: Path) -> None:
    async with killed(LEDGER, tmp_path):
        pid = int((await until_exists(tmp_path / "lingered")).split()[0])
    assert not is_gone(pid)
    (tmp_path / "go").touch()

    async with stage(str(tmp_path / "runs.db")) as on:
        await (await on.engine.resume(await the_run(on))).result()

    assert is_gone(pid)


async def test_a_run_that_is_cancelled_after_its_engine_died_leaves_nothing_running(tmp_path: Path) -> None:
    async with killed(LEDGER, tmp_path):
        pid = int((await until_exists(tmp_path / "lingered")).split()[0])

    async with stage(str(tmp_path / "runs.db")) as on:
        handle = await on.engine.resume(await the_run(on))
        handle.cancel()
        assert (await handle.result()).status == "cancelled"

    assert is_gone(pid)


async def test_an_engine_recovers_all_that_was_interrupted(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        ids = [(await on.start(WAITING)).execution_id for _ in range(3)]

    async with stage(store) as on:
        handles = await on.engine.recover()
        assert [handle.execution_id for handle in handles] == ids
        for handle in handles:
            handle.signal("go", 7)
        assert [(await handle.result()).outputs for handle in handles] == [{"it": 7}] * 3
        assert await on.engine.recover() == []


async def test_a_timer_that_fell_due_meanwhile_fires_once(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        handle = await on.start("steps:\n  - name: Wait\n    run: [{action: wait, for: 300ms}]\n")

    await asyncio.sleep(0.35)
    async with stage(store) as on:
        report = await (await on.engine.resume(handle.execution_id)).result()
        events = await on.engine.store.read(handle.execution_id)

    assert report.succeeded
    assert [event.kind for event in events].count(Kind.TIMER_FIRED) == 1


async def test_items_of_a_loop_resume_one_by_one(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    loop = """
steps:
  - name: Each
    run:
      - {action: shell, cmd: 'echo {{ item }} >> "ledger"; test {{ item }} != 2 -o -e go || sleep 600', loop: {items: [1, 2, 3]}}
"""
    async with stage(store, folder=tmp_path) as on:
        handle = await on.start(loop)
        async with asyncio.timeout(30):
            while not (tmp_path / "ledger").exists() or "2" not in (tmp_path / "ledger").read_text():
                await asyncio.sleep(0.01)
    (tmp_path / "go").touch()

    async with stage(store) as on:
        assert (await (await on.engine.resume(handle.execution_id)).result()).succeeded

    assert (tmp_path / "ledger").read_text().split() == ["1", "2", "2", "3"]


async def test_an_action_that_is_lost_again_and_again_fails(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        handle = await on.start("steps:\n  - name: Long\n    run: [{action: shell, cmd: sleep 600}]\n")
        await until(on, Kind.ACTION_STARTED)
    for _ in range(2):
        async with stage(store) as on:
            await on.engine.resume(handle.execution_id)
            await until(on, Kind.RUN_RESUMED)
    async with Engine(store, max_lost=2) as engine:
        report = await (await engine.resume(handle.execution_id)).result()

    assert code(report) == "lost"
    assert report.error is not None
    assert "was lost 3 times" in report.error["message"]


async def test_a_called_run_is_found_again_by_its_recovered_parent(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    (tmp_path / "child.yaml").write_text(HEAD + WAITING)
    (tmp_path / "parent.yaml").write_text(
        HEAD + "steps:\n  - name: Call\n    run: [{action: playbook, path: child.yaml, as: got}]\n"
    )
    async with stage(store) as on:
        handle = await on.engine.start(on.engine.load(tmp_path / "parent.yaml"))
        async with asyncio.timeout(30):
            while len(await on.engine.store.list_runs()) < 2:
                await asyncio.sleep(0.01)

    async with stage(store) as on:
        (parent,) = await on.engine.recover()
        async with asyncio.timeout(30):
            while not on.events or on.events[-1].execution_id == parent.execution_id:
                await asyncio.sleep(0.01)
        child = await on.engine.resume(on.events[-1].execution_id)
        child.signal("go", "there")
        report = await parent.result()
        assert len(await on.engine.store.list_runs()) == 2

    assert parent.execution_id == handle.execution_id
    assert report.outputs == {"got": {"it": "there"}}


async def test_a_run_that_another_engine_drives_is_not_taken(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as one, stage(store) as two:
        handle = await one.start(WAITING)

        with pytest.raises(OwnedElsewhere, match=f"process {os.getpid()} on"):
            await two.engine.resume(handle.execution_id)
        assert await two.engine.recover() == []


async def test_an_engine_that_was_out_past_its_lease_loses_its_runs_and_writes_nothing(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as one, stage(store) as two:
        handle = await one.start(WAITING)
        # As if nothing had been heard of it for long.
        await one.engine.store.enter(owner(one.engine.ownership.engine, microseconds() - 1))

        taken = await two.engine.resume(handle.execution_id)
        handle.signal("go", "from the old one")
        with pytest.raises(LostOwnership):
            await handle.result()

        taken.signal("go", "from the new one")
        assert (await taken.result()).outputs == {"it": "from the new one"}


async def test_a_run_that_has_ended_is_not_resumed(tmp_path: Path) -> None:
    async with stage() as on:
        report = await on.run("steps:\n  - name: A\n    run: [{action: noop}]\n")

        with pytest.raises(NoetlError, match="has ended \\(completed\\)"):
            await on.engine.resume(report.execution_id)


async def test_events_that_do_not_fit_the_playbook_stop_the_recovery_at_the_first(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        handle = await on.start(LEDGER.replace("echo", "sleep 600 #"))
        await until(on, Kind.ACTION_STARTED)
        log = await on.engine.store.read(handle.execution_id)
    assert [event.step for event in log] == ["", "Count", "Count"]

    with closing(sqlite3.connect(store)) as connection:
        connection.execute("UPDATE batches SET events = replace(events, '\"Count\"', '\"Gone\"')")
        connection.execute("UPDATE batches SET events = replace(events, 'Count.run', 'Gone.run')")
        connection.execute("UPDATE playbooks SET text = replace(text, 'Count', 'Other')")
        connection.commit()
    async with stage(store) as on:
        with pytest.raises(ReplayError, match=r"event \d+ \((step|action).started\) .* does not fit the playbook"):
            await on.engine.resume(handle.execution_id)
        assert (await on.engine.store.find(handle.execution_id)).engine is None


class TestKeys:
    async def test_a_key_never_starts_a_second_run(self, tmp_path: Path) -> None:
        counted = "steps:\n  - name: Count\n    run: [{action: shell, cmd: 'echo counted >> ledger'}, {action: set, values: {n: 1}}]\n"
        async with stage(str(tmp_path / "runs.db"), folder=tmp_path) as on:
            playbook = on.engine.load(HEAD + counted)
            first = await on.engine.run(playbook, key="today")
            again = await on.engine.run(playbook, key="today")
            other = await on.engine.run(playbook, key="tomorrow")

        assert first == again
        assert other.execution_id != first.execution_id
        assert (tmp_path / "ledger").read_text() == "counted\ncounted\n"

    async def test_a_key_goes_on_with_the_run_that_was_interrupted(self, tmp_path: Path) -> None:
        async with killed(LEDGER, tmp_path, "today"):
            await until_exists(tmp_path / "lingered")
        (tmp_path / "go").touch()

        async with stage(str(tmp_path / "runs.db")) as on:
            report = await on.engine.run(on.engine.load(tmp_path / "playbook.yaml"), key="today")
            assert len(await on.engine.store.list_runs()) == 1

        assert report.outputs == {"done": True}
        assert (tmp_path / "ledger").read_text() == "counted\n"

    async def test_a_key_waits_for_the_run_that_another_engine_drives(self, tmp_path: Path) -> None:
        store = str(tmp_path / "runs.db")
        async with stage(store) as one, stage(store) as two:
            playbook = one.engine.load(HEAD + WAITING)
            handle = await one.engine.start(playbook, key="today")
            joining = asyncio.create_task(two.engine.run(playbook, key="today"))
            await until(one, Kind.ACTION_STARTED)
            handle.signal("go", 1)

            assert await joining == await handle.result()

    async def test_a_run_that_could_not_begin_leaves_nothing_behind(self, tmp_path: Path) -> None:
        store = str(tmp_path / "runs.db")
        async with stage(store) as on:
            playbook = on.engine.load(HEAD + "steps:\n  - name: A\n    run: [{action: set, values: {n: 1}}]\n")
            first = await on.engine.run(playbook, key="today")
            with pytest.raises(KeyTaken):
                await on.engine.start(playbook, key="today")

            assert [event.seq for event in on.events] == list(range(1, len(on.events) + 1)), "of one run"
            assert [run.execution_id for run in await on.engine.store.list_runs()] == [first.execution_id]


async def test_a_stopped_engine_finds_its_run_taken_when_it_wakes(tmp_path: Path) -> None:
    async with killed(LEDGER, tmp_path) as process:
        await until_exists(tmp_path / "lingered")
        process.send_signal(signal.SIGSTOP)
        (tmp_path / "go").touch()
        async with stage(str(tmp_path / "runs.db")) as on:
            execution_id = await the_run(on)
            with pytest.raises(OwnedElsewhere):
                await on.engine.resume(execution_id)
            (stopped,) = (other for other in await on.engine.store.owners() if other.pid == process.pid)
            await on.engine.store.enter(owner(stopped.engine, microseconds() - 1))

            report = await (await on.engine.resume(execution_id)).result()
            process.send_signal(signal.SIGCONT)
            assert await process.wait() == 3

            assert report.outputs == {"done": True}
            assert await on.engine.report(execution_id) == report
    assert (tmp_path / "ledger").read_text() == "counted\n"


async def test_a_worker_of_a_stopped_engine_is_ended_before_its_action_runs_again(tmp_path: Path) -> None:
    async with killed(WORKING, tmp_path) as process, stage(str(tmp_path / "runs.db"), folder=tmp_path) as on:
        execution_id = await the_run_that_waits(on)
        pid = int(await until_exists(tmp_path / "began-first"))
        other = await on.start(WORKING, {"name": "second"})
        await until_exists(tmp_path / "began-second")
        process.send_signal(signal.SIGSTOP)
        (stopped,) = (other for other in await on.engine.store.owners() if other.pid == process.pid)
        await on.engine.store.enter(owner(stopped.engine, microseconds() - 1))

        handle = await on.engine.resume(execution_id)
        async with asyncio.timeout(30):
            while (tmp_path / "began-first").read_text() == f"{pid}\n":
                await asyncio.sleep(0.01)
        assert is_gone(pid)
        for name in ("first", "second"):
            (tmp_path / f"go-{name}").touch()

        first, second = await handle.result(), await other.result()
        process.send_signal(signal.SIGCONT)
        assert await process.wait() == 3

    assert first.outputs == {"done": int((tmp_path / "began-first").read_text().split()[1])}
    assert second.outputs == {"done": int((tmp_path / "began-second").read_text())}, (
        "of a living engine, and left alone"
    )


async def test_a_stopped_engine_that_has_nothing_to_write_finds_its_run_taken_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEASE_S", "0.6")
    async with killed(WAITING, tmp_path) as process, stage(str(tmp_path / "runs.db")) as on:
        execution_id = await the_run_that_waits(on)
        process.send_signal(signal.SIGSTOP)
        joining = asyncio.create_task(on.engine.join(execution_id))
        async with asyncio.timeout(30):
            while Kind.RUN_RESUMED not in on.kinds():
                await asyncio.sleep(0.01)
        process.send_signal(signal.SIGCONT)

        assert await process.wait() == 3
        await on.engine.store.post(execution_id, "signal", {"event": "go", "data": 1}, 1)
        assert (await joining).outputs == {"it": 1}


async def the_run_that_waits(on: Stage) -> str:
    async with asyncio.timeout(30):
        while not (runs := await on.engine.store.list_runs()):
            await asyncio.sleep(0.01)
        while not await on.engine.store.read(runs[0].execution_id, limit=1):
            await asyncio.sleep(0.01)
    return runs[0].execution_id


async def test_what_was_left_running_of_a_paused_run_is_ended_before_it_begins_again(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with killed(LEDGER, tmp_path):
        pid = int((await until_exists(tmp_path / "lingered")).split()[0])
        async with stage(store) as on:
            execution_id = await the_run(on)
            await on.engine.store.post(execution_id, "pause", {"reason": "lunch"}, 1)
            async with asyncio.timeout(30):
                while (await on.engine.store.find(execution_id)).status != "paused":
                    await asyncio.sleep(0.01)
    (tmp_path / "go").touch()
    assert not is_gone(pid)

    async with stage(store) as on:
        assert (await (await on.engine.resume(execution_id)).result()).outputs == {"done": True}

    assert is_gone(pid)


async def test_nothing_is_left_running_of_an_action_that_is_given_up(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with killed(LEDGER, tmp_path):
        pid = int((await until_exists(tmp_path / "lingered")).split()[0])

    async with Engine(store, max_lost=0) as engine:
        (handle,) = await engine.recover()
        assert code(await handle.result()) == "lost"

    assert is_gone(pid)


async def test_a_run_without_events_is_said_to_be_damaged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        handle = await on.start(WAITING)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DELETE FROM batches")
        connection.commit()

    async with stage(store) as on:
        with pytest.raises(ReplayError, match="has no events: it is damaged"):
            await on.engine.resume(handle.execution_id)
        assert await on.engine.recover() == []
    assert "cannot be recovered" in caplog.text


async def test_who_asks_at_the_same_time_gets_the_same_run(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        handle = await on.start(WAITING)
    async with stage(store) as on:
        one, two, recovered = await asyncio.gather(
            on.engine.resume(handle.execution_id), on.engine.resume(handle.execution_id), on.engine.recover()
        )
        assert one.runner is two.runner
        assert [other.runner for other in recovered] in ([], [one.runner])
        two.signal("go", 1)
        assert (await one.result()).outputs == {"it": 1}


async def test_a_caller_waits_for_a_called_run_that_another_engine_drives(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    (tmp_path / "child.yaml").write_text(HEAD + WAITING)
    (tmp_path / "parent.yaml").write_text(
        HEAD + "steps:\n  - name: Call\n    run: [{action: playbook, path: child.yaml, as: got}]\n"
    )
    async with stage(store) as on:
        parent = await on.engine.start(on.engine.load(tmp_path / "parent.yaml"))
        async with asyncio.timeout(30):
            while len(runs := await on.engine.store.list_runs()) < 2:
                await asyncio.sleep(0.01)
    (child,) = (run.execution_id for run in runs if run.execution_id != parent.execution_id)

    async with stage(store) as one, stage(store) as two:
        handle = await one.engine.resume(child)
        joining = asyncio.create_task(two.engine.join(parent.execution_id))
        async with asyncio.timeout(30):
            while Kind.RUN_RESUMED not in two.kinds():
                await asyncio.sleep(0.01)
        handle.signal("go", "there")

        report = await joining
        assert report.outputs == {"got": {"it": "there"}}, report.error


async def test_a_command_for_a_run_that_nobody_drives_yet_is_kept(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with stage(store) as on:
        handle = await on.start(WAITING)
    async with stage(store) as on:
        # The inbox is looked into for another run, while this one is only claimed.
        await on.start(WAITING)
        await on.engine.ownership.claim(handle.execution_id)
        await on.engine.store.post(handle.execution_id, "signal", {"event": "go", "data": 1}, 1)
        await asyncio.sleep(2.5 * PAUSE_S)

        assert (await (await on.engine.resume(handle.execution_id)).result()).outputs == {"it": 1}


async def test_a_store_that_is_gone_fails_the_recovery(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        async with Engine(str(tmp_path)) as engine:
            await engine.recover()
