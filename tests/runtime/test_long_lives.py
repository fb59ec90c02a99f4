"""What an engine that lives long must not keep, and what it need not do twice."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from engine_stage import HEAD, stage

from noetl import Engine, Outcome
from noetl.actions.base import Call

WAITING = 'secrets: {token: "file:token"}\nsteps:\n  - name: Wait\n    run: [{action: wait, event: go}]\n'
RUNS = 120


class NoOptions(msgspec.Struct):
    pass


class Leaving:
    """Tells of a process, and ends while that goes on: as if another program had got its number since."""

    name: ClassVar[str] = "leaving"
    options: ClassVar[type[msgspec.Struct]] = NoOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, pid: int) -> None:
        self._pid = pid

    async def run(self, options: Any, call: Call) -> Outcome:
        call.spawned(self._pid)
        return Outcome()


async def test_a_process_is_not_killed_for_an_action_that_is_over() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        try:
            async with stage(handlers=[Leaving(process.pid)]) as on:
                assert (await on.run("steps:\n  - {name: A, run: [{action: leaving}]}\n")).succeeded
                on.engine.kill()
            assert process.poll() is None
        finally:
            process.kill()


async def test_many_runs_are_recovered_in_one_pass(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    playbook = tmp_path / "waiting.yaml"
    playbook.write_text(HEAD + WAITING)
    (tmp_path / "token").write_text("s3cret")
    async with Engine(store) as engine:
        loaded = engine.load(playbook)
        handles = await asyncio.gather(*(engine.start(loaded) for _ in range(RUNS)))
    async with Engine(store) as engine:
        found = await engine.recover()
        assert {handle.execution_id for handle in found} == {handle.execution_id for handle in handles}
        for handle in found:
            handle.signal("go")
        reports = await asyncio.gather(*(handle.result() for handle in found))
        assert all(report.succeeded for report in reports)
        assert await engine.recover() == []


async def test_runs_whose_secret_is_gone_are_left_and_the_others_go_on(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    for name, text in (("safe", WAITING.partition("\n")[2]), ("secret", WAITING)):
        (tmp_path / f"{name}.yaml").write_text(HEAD + text)
    (tmp_path / "token").write_text("s3cret")
    async with Engine(store) as engine:
        for name in ("safe", "secret", "safe", "secret"):
            await engine.start(engine.load(tmp_path / f"{name}.yaml"))
    (tmp_path / "token").unlink()
    async with Engine(store) as engine:
        assert len(await engine.recover()) == 2
