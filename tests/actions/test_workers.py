"""The pool of workers: each can be killed, and nothing of it outlives its action, its pool or its engine."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from processes import alive, children, group, open_descriptors
from running import Running
from stage import Stage

from noetl.actions import process, workers
from noetl.actions.base import Origin, Outcome
from noetl.actions.python import PythonHandler
from noetl.errors import ActionError, ErrorKind

TEN_MB = 10 * 1024 * 1024

#: Says its own process id and that of a child, which is in the same group, and stays.
WITH_CHILD = """
    import os, subprocess, time
    child = subprocess.Popen(["sleep", "1000"])
    print(os.getpid(), child.pid)
    time.sleep(1000)
    """


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
    monkeypatch.setattr(workers, "DRAIN_S", 0.2)


async def perform(stage: Stage, code: str, **call: Any) -> Outcome:
    return await stage.perform(PythonHandler(), {"code": dedent(code), "args": call.pop("args", {})}, **call)


def run(stage: Stage, code: str) -> Running:
    return Running(stage, PythonHandler(), {"code": dedent(code)})


def cancel_once_started(stage: Stage, code: str) -> None:
    async def scene() -> None:
        running = run(stage, code)
        pids = await running.started()
        await running.cancelled()
        assert not any(alive(pid) for pid in pids)
        assert (await perform(stage, "return 1")).data == 1

    stage.play(scene())


def test_a_worker_serves_one_action_after_the_other(stage: Stage) -> None:
    async def scene() -> list[int]:
        return [(await perform(stage, "import os\nreturn os.getpid()")).data for _ in range(3)]

    pids = stage.play(scene())
    assert len(set(pids)) == 1
    assert stage.pids == pids


def test_a_worker_leads_a_process_group_of_its_own(stage: Stage) -> None:
    outcome = stage.run(PythonHandler(), {"code": "import os\nreturn os.getpid() == os.getpgrp() == os.getsid(0)"})
    assert outcome.data is True


@pytest.mark.parametrize(
    ("code", "details", "message"),
    [
        pytest.param(
            "import os; os._exit(3)", {"exit_code": 3}, "ended with exit code 3 before the code did", id="os-exit"
        ),
        pytest.param("import os; os._exit(0)", {"exit_code": 0}, "ended with exit code 0", id="os-exit-0"),
        pytest.param("import os; os.kill(0, 9)", {"signal": "SIGKILL"}, "killed by SIGKILL, as happens", id="killed"),
        pytest.param("import os; os.kill(os.getpid(), 15)", {"signal": "SIGTERM"}, "by SIGTERM", id="terminated"),
        pytest.param(
            "import ctypes; ctypes.string_at(0)", {"signal": "SIGSEGV"}, "was killed by SIGSEGV", id="crashed"
        ),
        pytest.param(
            "import os, time\n"
            "reader, writer = os.pipe()\n"
            "if os.fork() == 0: os.write(writer, b'forked'), time.sleep(1000)\n"
            "os.read(reader, 1)\n"
            "os.kill(os.getpid(), 9)",
            {"signal": "SIGKILL"},
            "killed by SIGKILL",
            id="killed-while-a-fork-lives",
        ),
    ],
)
def test_a_worker_that_dies_fails_only_its_action(
    stage: Stage, code: str, details: dict[str, Any], message: str
) -> None:
    async def scene() -> None:
        other = run(stage, "import os, sys\nprint(os.getpid())\nsys.stdin.read()\nreturn 'fine'")
        await other.started()
        with pytest.raises(ActionError) as caught:
            await perform(stage, f"print('last words')\n{code}")
        error = caught.value
        assert (error.kind, error.code, error.details) == (ErrorKind.SYSTEM, "worker_died", details)
        assert message in error.message
        assert error.fields["stdout"] == "last words\n"
        assert (await other.task).data == "fine"
        assert (await perform(stage, "return 'replaced'")).data == "replaced"

    stage.play(scene())


def test_a_crash_in_machine_code_tells_the_line_of_the_playbook(stage: Stage) -> None:
    with pytest.raises(ActionError) as caught:
        stage.run(
            PythonHandler(),
            {"code": "import ctypes\nctypes.string_at(0)"},
            origin={"code": Origin("shop.yaml", 41)},
        )
    assert 'File "shop.yaml", line 42' in caught.value.fields["stderr"]


def test_cancelling_kills_the_worker_and_what_it_started(stage: Stage) -> None:
    cancel_once_started(stage, WITH_CHILD)


def test_a_timeout_kills_the_worker_and_what_it_started(stage: Stage) -> None:
    async def scene() -> None:
        running = run(stage, WITH_CHILD)
        pids = await running.started()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await running.task
        assert not any(alive(pid) for pid in pids)
        assert (await perform(stage, "return 1")).data == 1

    stage.play(scene())


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            "import os, signal\nsignal.signal(15, signal.SIG_IGN)\nprint(os.getpid())\nwhile True: pass",
            id="ignores-sigterm",
        ),
        pytest.param(
            "import os\nprint(os.getpid())\nwhile True:\n  try:\n    while True: pass\n  except BaseException: pass",
            id="catches-everything",
        ),
        pytest.param("import os, re\nprint(os.getpid())\nre.match('(a*)*b', 'a' * 60)", id="busy-in-machine-code"),
        pytest.param(
            "import os, signal\nprint(os.getpid())\nos.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass",
            id="stopped",
        ),
    ],
)
def test_code_that_does_not_obey_is_killed_after_a_grace(stage: Stage, code: str) -> None:
    cancel_once_started(stage, code)


@pytest.mark.parametrize(
    "wait", [pytest.param("time.sleep(1000)", id="sync"), pytest.param("await asyncio.sleep(1000)", id="async")]
)
def test_cancelled_code_runs_its_finally(stage: Stage, tmp_path: Path, wait: str) -> None:
    code = f"""
        import asyncio, os, pathlib, time
        try:
            print(os.getpid())
            {wait}
        finally:
            pathlib.Path("tidied").touch()
        """
    cancel_once_started(stage, code)
    assert (tmp_path / "tidied").exists()


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("subprocess.Popen(['sleep', '1000'])", id="child-holding-the-pipes"),
        pytest.param("subprocess.Popen(['sleep', '1000'], stdout=-3, stderr=-3)", id="child-without-the-pipes"),
        pytest.param("os.system('sleep 1000 &')", id="orphan-holding-the-pipes"),
        pytest.param("threading.Thread(target=time.sleep, args=[1000]).start()", id="thread"),
    ],
)
@pytest.mark.usefixtures("short_drain")
def test_what_the_code_leaves_running_ends_with_the_action(stage: Stage, code: str) -> None:
    async def scene() -> None:
        first = await perform(stage, f"import os, subprocess, threading, time\n{code}\nreturn os.getpid()")
        assert not alive(first.data)
        assert not group(first.data)
        assert (await perform(stage, "import os\nreturn os.getpid()")).data != first.data

    stage.play(scene())


def test_ten_megabytes_go_in_come_back_and_are_printed(stage: Stage) -> None:
    text = "0123456789abcdé\n" * (TEN_MB // 17)
    code = """
        import sys
        sys.stdout.write(text)
        sys.stderr.write(text)
        return {"text": text, "rows": [{"n": 1.5}] * 100_000}
        """
    outcome = stage.run(PythonHandler(), {"code": dedent(code), "args": {"text": text}})
    assert outcome.data["text"] == text
    assert len(outcome.data["rows"]) == 100_000
    assert outcome.fields["stdout"] == text
    assert outcome.fields["stderr"] == text


def test_a_longer_output_is_cut_in_the_middle(stage: Stage) -> None:
    outcome = stage.run(PythonHandler(), {"code": "print('first')\nprint('x' * 40_000_000)\nprint('last')"})
    assert outcome.fields["stdout"].startswith("first\nxxx")
    assert outcome.fields["stdout"].endswith("xxx\nlast\n")
    assert "bytes left out, max_output is 16777216" in outcome.fields["stdout"]


def test_bytes_that_are_not_utf8_are_replaced(stage: Stage) -> None:
    outcome = stage.run(PythonHandler(), {"code": r"import os; os.write(1, b'a\xffb\n'); print('\udc80')"})
    assert outcome.fields["stdout"] == "a\ufffdb\n\\udc80\n"


def test_the_pool_bounds_how_many_run_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOETL_WORKERS", "2")

    async def scene() -> list[Any]:
        code = "import os, time\ntime.sleep(0.02)\nreturn [n, os.getpid()]"
        outcomes = await asyncio.gather(*(perform(stage, code, args={"n": n}) for n in range(20)))
        return [outcome.data for outcome in outcomes]

    data = stage.play(scene())
    assert [n for n, _ in data] == list(range(20))
    assert len({pid for _, pid in data}) == 2


def test_a_cancelled_action_that_waits_for_a_worker_takes_none(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOETL_WORKERS", "1")

    async def scene() -> None:
        first = run(stage, "import os, time\nprint(os.getpid())\ntime.sleep(1000)")
        await first.started()
        second = asyncio.ensure_future(perform(stage, "return 2"))
        third = asyncio.ensure_future(perform(stage, "return 3"))
        await asyncio.sleep(0)
        second.cancel()
        await first.cancelled()
        assert (await third).data == 3

    stage.play(scene())


async def is_cancelled(stage: Stage) -> None:
    running = run(stage, WITH_CHILD)
    await running.started()
    await running.cancelled()


async def fails(stage: Stage, code: str) -> None:
    with pytest.raises(ActionError):
        await perform(stage, code)


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda stage: perform(stage, "return 1"), id="success"),
        pytest.param(lambda stage: fails(stage, "1 / 0"), id="failure"),
        pytest.param(lambda stage: fails(stage, "import os; os._exit(1)"), id="death"),
        pytest.param(is_cancelled, id="cancelled"),
    ],
)
def test_no_descriptor_is_left(stage: Stage, use: Callable[[Stage], Awaitable[object]]) -> None:
    async def scene() -> None:
        await use(stage)
        await stage.close()
        before = open_descriptors()
        for _ in range(3):
            await use(stage)
        await stage.close()
        assert open_descriptors() == before

    stage.play(scene())


def test_the_code_finds_no_descriptor_of_the_engine(stage: Stage, tmp_path: Path) -> None:
    code = """
        import os
        return [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
        """
    with open(tmp_path / "of_the_engine", "w") as file:
        found = stage.run(PythonHandler(), {"code": dedent(code)}).data
    assert found
    assert file.name not in found


def test_code_that_closes_all_descriptors_does_not_cut_its_worker_off(stage: Stage) -> None:
    assert stage.run(PythonHandler(), {"code": "import os\nos.closerange(3, 100)\nreturn 1"}).data == 1


def test_code_that_cuts_its_worker_off_fails(stage: Stage) -> None:
    with pytest.raises(ActionError) as caught:
        stage.run(PythonHandler(), {"code": "import os\nos.closerange(3, 1000)\nreturn 1"})
    assert caught.value.code == "worker_died"


def test_a_fork_that_comes_back_does_not_answer_for_its_parent(stage: Stage) -> None:
    async def scene() -> None:
        assert (
            await perform(stage, "import os\nchild = os.fork()\nif child: os.waitpid(child, 0)\nreturn bool(child)")
        ).data
        assert (await perform(stage, "return 2")).data == 2

    stage.play(scene())


def test_an_idle_worker_that_died_is_replaced(stage: Stage) -> None:
    async def scene() -> None:
        pid = (await perform(stage, "import os\nreturn os.getpid()")).data
        os.kill(pid, signal.SIGKILL)
        while alive(pid) or pid in children():
            await asyncio.sleep(0.01)
        assert (await perform(stage, "import os\nreturn os.getpid()")).data != pid

    stage.play(scene())


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(WITH_CHILD, id="with-a-child"),
        pytest.param("import os, re\nprint(os.getpid())\nre.match('(a*)*b', 'a' * 60)", id="busy-in-machine-code"),
        pytest.param("import os\nprint(os.getpid())", id="idle"),
    ],
)
def test_a_killed_engine_leaves_no_worker_behind(code: str, tmp_path: Path) -> None:
    engine = dedent(
        f"""
        import asyncio, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from stage import Stage
        from noetl.actions.python import PythonHandler

        async def main():
            stage = Stage(Path({str(tmp_path)!r}))
            line = lambda stream, text: print(text, flush=True)
            await stage.perform(PythonHandler(), {{"code": {dedent(code)!r}}}, line=line)
            await asyncio.sleep(1000)

        asyncio.run(main())
        """
    )
    with subprocess.Popen([sys.executable, "-c", engine], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        pids = [int(word) for word in running.stdout.readline().split()]
        assert pids
        assert all(alive(pid) for pid in pids)
        running.kill()
    wait_until_gone(pids)


def wait_until_gone(pids: list[int]) -> None:
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with os.fdopen(descriptor):
            assert select.select([descriptor], [], [], 10)[0], f"process {pid} lives on"
