"""Whether a command ends while the engine stays awake for it or outlives that moment, all that it says is heard."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from processes import alive, open_descriptors
from running import Running
from stage import Stage

from noetl.actions import command, readiness
from noetl.actions.base import Outcome
from noetl.actions.shell import ShellHandler
from noetl.errors import ActionError

#: More than a pipe holds.
MUCH = 300_000


@pytest.fixture(
    autouse=True,
    params=[
        pytest.param(0.2, id="awake-for-long"),
        pytest.param(1e-4, id="awake-for-a-look"),
        pytest.param(None, id="never-awake"),
    ],
)
def awake_s(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(readiness, "_PROCESSORS", 1 if request.param is None else 2)
    monkeypatch.setattr(readiness, "_AWAKE_S", request.param or 0.0)


async def perform(stage: Stage, cmd: Any, **options: Any) -> Outcome:
    return await stage.perform(ShellHandler(), {"cmd": cmd, **options})


def test_what_a_command_says_at_once_is_heard(stage: Stage) -> None:
    outcome = stage.play(perform(stage, "printf 'a\nb'; printf c >&2"))
    assert (outcome.fields["stdout"], outcome.fields["stderr"]) == ("a\nb", "c")
    assert sorted(stage.lines) == [("stderr", "c"), ("stdout", "a"), ("stdout", "b")]


def test_a_command_that_goes_on_is_heard_live(stage: Stage) -> None:
    async def scene() -> None:
        running = Running(stage, ShellHandler(), {"cmd": "echo $$; exec sleep 1000"})
        await running.started()
        await running.cancelled()

    stage.play(scene())


def test_more_than_a_pipe_holds_comes_whole(stage: Stage) -> None:
    outcome = stage.play(perform(stage, f"head -c {MUCH} /dev/zero | tr '\\0' a; echo b >&2"))
    assert outcome.fields == {"exit_code": 0, "stdout": "a" * MUCH, "stderr": "b\n", "truncated": False}


def test_more_than_a_pipe_holds_goes_in_and_comes_back(stage: Stage) -> None:
    assert stage.play(perform(stage, ["cat"], stdin="a" * MUCH)).data == "a" * MUCH


def test_of_more_than_is_kept_head_and_tail_come(stage: Stage) -> None:
    outcome = stage.play(perform(stage, "printf 0123456789", max_output=4))
    assert outcome.fields["stdout"] == "01\n[... 6 bytes left out, max_output is 4 ...]\n89"


def test_a_failure_is_a_failure(stage: Stage) -> None:
    with pytest.raises(ActionError, match="'echo a; exit 3' exited with 3: a"):
        stage.play(perform(stage, "echo a; exit 3"))


@pytest.mark.parametrize(
    "redirection",
    [pytest.param("", id="holding-the-pipes"), pytest.param(">/dev/null 2>&1", id="without-the-pipes")],
)
def test_what_a_command_leaves_behind_at_once_ends_with_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, redirection: str
) -> None:
    monkeypatch.setattr(command, "DRAIN_S", 0.1)
    outcome = stage.play(perform(stage, f"sleep 1000 {redirection} & echo $!"))
    assert not alive(int(outcome.data))


def test_what_a_command_leaves_behind_may_finish_its_sentence(stage: Stage) -> None:
    outcome = stage.play(perform(stage, "(sleep 0.1; echo late) & echo early"))
    assert outcome.data == "early\nlate"


def test_a_timeout_ends_it_whenever_it_comes(stage: Stage) -> None:
    async def scene(within_s: float) -> None:
        running = Running(stage, ShellHandler(), {"cmd": ["sleep", "1000"]})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(within_s):
                await running.task

    for within_s in (0.0, 0.01, 0.3):
        stage.play(scene(within_s))
    assert not any(alive(pid) for pid in stage.pids)


def test_several_at_once_are_all_heard(stage: Stage) -> None:
    async def scene() -> list[Outcome]:
        return await asyncio.gather(*(perform(stage, f"echo {n}; sleep 0.0{n}; echo {n} >&2") for n in range(10)))

    assert [(each.fields["stdout"], each.fields["stderr"]) for each in stage.play(scene())] == [
        (f"{n}\n", f"{n}\n") for n in range(10)
    ]


def test_one_after_the_other_leaves_no_descriptor(stage: Stage) -> None:
    async def scene() -> None:
        await perform(stage, "true")
        before = open_descriptors()
        for _ in range(20):
            await perform(stage, "echo a")
        # What tests before this one have left may be closed meanwhile.
        assert open_descriptors() <= before

    stage.play(scene())


def test_what_somebody_else_reaped_has_ended_all_the_same(stage: Stage) -> None:
    async def scene() -> None:
        running = Running(stage, ShellHandler(), {"cmd": "echo $$; exec sleep 1000"})
        (pid,) = await running.started()
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        with pytest.raises(ActionError, match="exited with 255"):
            await running.task

    stage.play(scene())
