"""Children of the engine: nothing that a command started outlives its action, however it ends, and nothing leaks."""

from __future__ import annotations

import asyncio
import gc
import os
import select
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from processes import alive, children, open_descriptors
from running import Running
from stage import Stage

from noetl.actions import command, process
from noetl.actions.base import Outcome
from noetl.actions.shell import ShellHandler
from noetl.errors import ActionError, ErrorKind

#: Says its own process id and that of a grandchild, which is in the same group, and stays.
WITH_GRANDCHILD = "sleep 1000 & echo $$ $!; wait"


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.2)


@pytest.fixture
def short_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "DRAIN_S", 0.2)


def run(stage: Stage, cmd: Any) -> Running:
    return Running(stage, ShellHandler(), {"cmd": cmd})


def cancel_once_started(stage: Stage, cmd: str) -> list[int]:
    async def scene() -> list[int]:
        running = run(stage, cmd)
        pids = await running.started()
        assert all(alive(pid) for pid in pids)
        await running.cancelled()
        assert not any(alive(pid) for pid in pids)
        return pids

    return stage.play(scene())


def test_cancelling_ends_the_command_and_all_that_it_started(stage: Stage) -> None:
    leader, _ = cancel_once_started(stage, WITH_GRANDCHILD)
    assert stage.pids == [leader]


def test_a_timeout_ends_the_command_and_all_that_it_started(stage: Stage) -> None:
    async def scene() -> list[int]:
        running = run(stage, WITH_GRANDCHILD)
        pids = await running.started()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await running.task
        return pids

    assert not any(alive(pid) for pid in stage.play(scene()))


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize(
    "cmd",
    [
        pytest.param("trap '' TERM; sh -c 'trap \"\" TERM; echo $PPID $$; sleep 1000'; true", id="ignores-sigterm"),
        pytest.param("set -m; sh -c 'trap \"\" TERM; echo $PPID $$; sleep 1000' & wait", id="job-in-its-own-group"),
    ],
)
def test_what_does_not_obey_is_killed_after_a_grace(stage: Stage, cmd: str) -> None:
    cancel_once_started(stage, cmd)


def test_a_command_gets_the_chance_to_tidy_up(stage: Stage) -> None:
    cancel_once_started(
        stage, f"trap 'touch {stage.folder}/tidied; exit' TERM; echo $$; while true; do sleep 0.01; done"
    )
    assert (stage.folder / "tidied").exists()


def test_a_stopped_command_is_ended_too(stage: Stage) -> None:
    async def scene() -> int:
        running = run(stage, "echo $$; kill -STOP $$; sleep 1000")
        (pid,) = await running.started()
        await running.cancelled()
        return pid

    assert not alive(stage.play(scene()))


def test_a_second_cancellation_cuts_the_grace_short(stage: Stage) -> None:
    async def scene() -> None:
        running = run(stage, "trap '' TERM; echo $$; while true; do sleep 1000; done")
        (pid,) = await running.started()
        running.task.cancel()
        await asyncio.sleep(0)
        async with asyncio.timeout(process.GRACE_S / 2):
            await running.cancelled()
        assert not alive(pid)

    stage.play(scene())


@pytest.mark.usefixtures("short_drain")
@pytest.mark.parametrize(
    "redirection",
    [pytest.param("", id="holding-the-pipes"), pytest.param(">/dev/null 2>&1", id="without-the-pipes")],
)
def test_what_a_command_leaves_running_ends_with_it(stage: Stage, redirection: str) -> None:
    outcome = stage.run(ShellHandler(), {"cmd": f"sleep 1000 {redirection} & echo $!"})
    assert not alive(int(outcome.data))


def test_a_background_process_may_finish_its_sentence(stage: Stage) -> None:
    outcome = stage.run(ShellHandler(), {"cmd": "(sleep 0.1; echo late) & echo early"})
    assert outcome.data == "early\nlate"


def test_a_service_in_a_session_of_its_own_lives_on_and_holds_nobody_up(stage: Stage) -> None:
    outcome = stage.run(ShellHandler(), {"cmd": "setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.2"})
    pid = int(outcome.data)
    assert alive(pid)
    os.kill(pid, 9)


def test_a_killed_command_is_reported_with_its_signal(stage: Stage) -> None:
    async def scene() -> Outcome:
        running = run(stage, ["sh", "-c", "echo $$; exec sleep 1000"])
        os.kill((await running.started())[0], 9)
        return await running.task

    with pytest.raises(ActionError, match="was killed by SIGKILL") as caught:
        stage.play(scene())
    assert (caught.value.kind, caught.value.code) == (ErrorKind.SYSTEM, "killed")
    assert caught.value.details == {"signal": "SIGKILL"}
    assert caught.value.fields["exit_code"] == 137


async def fails(stage: Stage, cmd: Any, **options: Any) -> None:
    with pytest.raises(ActionError):
        await stage.perform(ShellHandler(), {"cmd": cmd, **options})


async def is_cancelled(stage: Stage) -> None:
    running = run(stage, WITH_GRANDCHILD)
    await running.started()
    await running.cancelled()


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda stage: stage.perform(ShellHandler(), {"cmd": "echo a"}), id="success"),
        pytest.param(lambda stage: stage.perform(ShellHandler(), {"cmd": "pwd", "cwd": "/"}), id="elsewhere"),
        pytest.param(lambda stage: stage.perform(ShellHandler(), {"cmd": "cat", "stdin": "a"}), id="stdin"),
        pytest.param(
            lambda stage: stage.perform(ShellHandler(), {"cmd": "true", "stdin": "a" * 1_000_000}), id="unread-stdin"
        ),
        pytest.param(lambda stage: fails(stage, "exit 1"), id="failure"),
        pytest.param(lambda stage: fails(stage, ["no-such-program"], stdin="a"), id="missing-program"),
        pytest.param(lambda stage: fails(stage, "true", cwd="/no/such"), id="missing-folder"),
        pytest.param(is_cancelled, id="cancelled"),
    ],
)
def test_no_descriptor_is_left(stage: Stage, use: Callable[[Stage], Awaitable[object]]) -> None:
    async def scene() -> None:
        await use(stage)
        # What earlier tests left to the collector must not be counted.
        gc.collect()
        before = open_descriptors()
        for _ in range(5):
            await use(stage)
        assert open_descriptors() == before

    stage.play(scene())


def test_a_hundred_commands_run_at_once(stage: Stage) -> None:
    async def scene() -> list[Outcome]:
        return await asyncio.gather(
            *(stage.perform(ShellHandler(), {"cmd": f"echo {n}; sleep 0.2; echo {n} >&2"}) for n in range(100))
        )

    outcomes = stage.play(scene())
    assert [outcome.fields["stdout"] for outcome in outcomes] == [f"{n}\n" for n in range(100)]
    assert [outcome.fields["stderr"] for outcome in outcomes] == [f"{n}\n" for n in range(100)]


def test_a_hundred_cancellations_at_once_leave_nothing(stage: Stage) -> None:
    async def scene() -> list[int]:
        running = [run(stage, WITH_GRANDCHILD) for _ in range(100)]
        pids = [pid for each in running for pid in await each.started()]
        await asyncio.gather(*(each.cancelled() for each in running))
        return pids

    assert not any(alive(pid) for pid in stage.play(scene()))


@pytest.mark.parametrize(
    ("module", "name"), [pytest.param(os, "pidfd_open", id="no-pidfd"), pytest.param(select, "epoll", id="no-epoll")]
)
def test_systems_without_pidfd_or_epoll_serve_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    monkeypatch.delattr(module, name)
    assert stage.run(ShellHandler(), {"cmd": "echo a; sleep 0.01; echo b"}).data == "a\nb"
    cancel_once_started(stage, WITH_GRANDCHILD)


def test_without_descriptors_left_the_failure_is_the_systems(stage: Stage) -> None:
    async def scene() -> None:
        await stage.perform(ShellHandler(), {"cmd": "true"})
        taken = []
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            os.close(taken.pop())
        try:
            await stage.perform(ShellHandler(), {"cmd": "true"})
        finally:
            for fd in taken:
                os.close(fd)

    with pytest.raises(ActionError, match="a pipe could not be opened: Too many open files") as caught:
        stage.play(scene())
    assert (caught.value.kind, caught.value.code) == (ErrorKind.SYSTEM, "spawn_failed")
