"""The engine with real actions: what its callers may rely on."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from engine_stage import HEAD, code, run, stage

import noetl
from noetl import ActionError, Call, Engine, ErrorKind, NoetlError, Outcome, PlaybookError, Status

both = pytest.mark.parametrize("rebuilds", [False, True], ids=["straight", "rebuilt"])


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Probe:
    """A handler of the test's own."""

    name: ClassVar[str] = "probe"
    options: ClassVar[type[msgspec.Struct]] = NoOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def run(self, options: NoOptions, call: Call) -> Outcome:
        self.calls.append(call)
        call.progress(0.5, "half")
        call.log("warning", "look")
        return Outcome(data=len(self.calls), fields={"extra": "more"})


class Broken(Probe):
    async def run(self, options: NoOptions, call: Call) -> Outcome:
        raise RuntimeError("not my day")


@both
async def test_parallel_shell_steps_join_and_their_data_is_there(rebuilds: bool) -> None:
    report = await run(
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: echo b, as: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: echo c, as: c}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: all, run: [{action: set, values: {both: "{{ b }}{{ c }}"}}]}
""",
        rebuilds=rebuilds,
    )
    assert report.status is Status.COMPLETED
    assert report.outputs == {"b": "b", "c": "c", "both": "bc"}
    assert [row["name"] for row in report.steps][::3] == ["A", "J"]


@both
async def test_a_registered_handler_is_called_with_what_it_may_know(rebuilds: bool, tmp_path: Path) -> None:
    probe = Probe()
    text = "steps: [{name: A, run: [{action: probe, as: n, retry: 2, timeout: 5s}]}]\n"
    async with stage(rebuilds=rebuilds, handlers=[probe], folder=tmp_path) as on:
        report = await on.run(text)
    (call,) = probe.calls
    assert report.outputs == {"n": 1}
    assert (call.action, call.attempt, call.timeout_s, call.working_folder) == ("probe", 1, 5.0, tmp_path)
    assert len(call.key) == 32
    assert {"action.progress", "log"} <= set(on.kinds())


async def test_whoever_waits_for_the_end_has_been_told_of_all_that_led_to_it() -> None:
    async with stage() as on:
        await on.run("steps: [{name: One, run: [{action: set, values: {a: 1}}]}]\n")
        assert on.kinds() == ["run.started", "step.started", "step.completed", "run.completed"]


async def test_who_acts_on_an_event_does_not_change_the_order_for_others() -> None:
    async with Engine() as engine:
        told: list[str] = []
        engine.subscribe(lambda event: engine.cancel("seen") if event.kind == "step.started" else None)
        engine.subscribe(lambda event: told.append(event.kind))
        report = await engine.run(engine.load(HEAD + "steps: [{name: One, run: [{action: wait, event: go}]}]\n"))
        assert report.status is Status.CANCELLED
        assert told == [event.kind for event in await engine.store.read(report.execution_id)]


async def test_who_can_wait_has_been_told_of_all_of_it_when_the_run_has_ended() -> None:
    async with Engine() as engine:
        told: list[str] = []
        engine.subscribe(lambda event: told.append(event.kind), within_s=3600)
        report = await engine.run(engine.load(HEAD + "steps: [{name: One, run: [{action: set, values: {n: 1}}]}]\n"))
        assert told == [event.kind for event in await engine.store.read(report.execution_id)]


async def test_who_can_wait_is_told_of_a_run_that_does_not_end() -> None:
    async with Engine() as engine:
        waits = asyncio.Event()
        engine.subscribe(lambda event: waits.set() if event.kind == "action.started" else None, within_s=0.05)
        run = await engine.start(engine.load(HEAD + "steps: [{name: One, run: [{action: wait, event: go}]}]\n"))
        await waits.wait()
        assert not run.report().succeeded


async def test_a_new_subscriber_is_told_of_nothing_that_was_before() -> None:
    async with Engine() as engine:
        early: list[str] = []
        late: list[str] = []
        engine.subscribe(lambda event: early.append(event.kind), within_s=3600)
        run = await engine.start(engine.load(HEAD + "steps: [{name: One, run: [{action: wait, event: go}]}]\n"))
        while len(await engine.store.read(run.execution_id)) < 3:
            await asyncio.sleep(0)
        engine.subscribe(lambda event: late.append(event.kind))
        run.signal("go")
        await run.result()
        assert early[: -len(late)] == ["run.started", "step.started", "action.started"]
        assert early[-len(late) :] == late


async def test_the_name_of_a_handler_can_be_taken_once() -> None:
    with pytest.raises(NoetlError, match="already"):
        noetl.Engine(handlers=[Probe(), Probe()])


async def test_a_handler_that_raises_is_a_defect_with_its_traceback() -> None:
    async with stage(handlers=[Broken()]) as on:
        report = await on.run("steps: [{name: A, run: [{action: probe}]}]\n")
    assert report.error is not None
    assert (report.error["code"], report.error["kind"]) == ("defect", "permanent")
    assert "not my day" in report.error["message"]
    assert "RuntimeError" in report.error["details"]["traceback"]


@both
async def test_a_retried_action_keeps_its_key_and_another_has_another(rebuilds: bool) -> None:
    keys: list[tuple[str, int]] = []

    class Flaky(Probe):
        async def run(self, options: NoOptions, call: Call) -> Outcome:
            keys.append((call.key, call.attempt))
            if call.attempt == 1:
                raise ActionError(ErrorKind.TRANSIENT, "flaky", "not yet")
            return Outcome()

    async with stage(rebuilds=rebuilds, handlers=[Flaky()]) as on:
        report = await on.run(
            "steps: [{name: A, run: [{action: probe, loop: {items: 2}, retry: {attempts: 2, delay: 10ms}}]}]\n"
        )
    assert report.succeeded
    assert [attempt for _, attempt in keys] == [1, 2, 1, 2]
    assert keys[0][0] == keys[1][0] != keys[2][0] == keys[3][0]
    assert report.steps[0]["attempts"] == 2


async def test_cancel_stops_the_running_process_and_the_run_ends_as_cancelled(tmp_path: Path) -> None:
    async with stage(folder=tmp_path) as on:
        handle = await on.start("steps: [{name: A, run: [{action: shell, cmd: 'echo $$ > pid; sleep 60'}]}]\n")
        while not (pid := _read(tmp_path / "pid")):
            await asyncio.sleep(0.01)
        handle.cancel("enough")
        report = await handle.result()
    assert report.status is Status.CANCELLED
    assert (code(report), report.steps[0]["status"]) == ("cancelled", "cancelled")
    assert not Path(f"/proc/{pid}").exists()


def _read(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


async def test_a_cancelled_caller_cancels_its_run() -> None:
    async with stage() as on:
        task = asyncio.create_task(on.run("steps: [{name: A, run: [{action: wait, event: never}]}]\n"))
        while "action.started" not in on.kinds():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert on.kinds()[-1] == "run.cancelled"


@both
async def test_a_signal_reaches_the_wait_for_it_and_others_are_listed(rebuilds: bool) -> None:
    async with stage(rebuilds=rebuilds) as on:
        handle = await on.start(
            "steps: [{name: A, run: [{action: wait, event: go, as: got}, {action: wait, event: kept, as: later}]}]\n"
        )
        handle.signal("kept", 2)
        handle.signal("unwanted")
        handle.signal("go", {"n": 1})
        report = await handle.result()
    assert report.outputs == {"got": {"n": 1}, "later": 2}
    assert report.signals == ["unwanted"]


async def test_a_wait_for_an_event_can_time_out() -> None:
    report = await run("steps: [{name: A, run: [{action: wait, event: go, timeout: 50ms}]}]\n")
    assert (report.status, code(report)) == (Status.FAILED, "timeout")


async def test_the_deadline_of_a_run_is_kept() -> None:
    report = await run("timeout: 100ms\nsteps: [{name: A, run: [{action: shell, cmd: [sleep, '60']}]}]\n")
    assert (report.status, code(report)) == (Status.FAILED, "timeout")
    assert report.steps[0]["status"] == "cancelled"


async def test_secrets_reach_the_action_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "s3cret-value")
    async with stage() as on:
        report = await on.run(
            """
secrets: {token: env:SHOP_TOKEN}
environment: {header: "Bearer {{ secrets.token }}"}
tasks: [{name: t, args: {h: none}, run: [{action: shell, cmd: ["sh", "-c", "echo got $0 && echo -n $0 | base64", "{{ h }}"], as: out}]}]
steps:
  - name: A
    run:
      - {task: t, with: {h: "{{ header }}!"}}
      - {action: shell, cmd: "echo {{ secrets.token | sh }} >&2; exit 1", on_error: continue}
      - {action: log, message: "using {{ secrets.token }} {{ header }}"}
"""
        )
    assert report.succeeded
    assert report.outputs["out"].startswith("got Bearer ***!")
    text = on.text() + repr(report.as_data())
    assert "s3cret" not in text
    assert "using *** ***" in text
    # "Bearer s3cret-value!" in base64, whatever its alignment
    assert "czNjcmV0" not in text
    assert "zM2NyZX" not in text


async def test_a_secret_that_is_not_there_keeps_the_run_from_starting() -> None:
    async with stage() as on:
        with pytest.raises(PlaybookError, match="NOT_THERE") as raised:
            await on.run("secrets: {t: env:NOT_THERE}\nsteps: [{name: A, run: [{action: noop}]}]\n")
        assert raised.value.problems[0].span.line == 4
        assert await on.engine.store.list_runs() == []


async def test_a_secret_too_short_to_mask_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORT", "abc")
    with pytest.raises(PlaybookError, match="fewer than 4"):
        await run("secrets: {t: env:SHORT}\nsteps: [{name: A, run: [{action: noop}]}]\n")


@both
async def test_many_runs_share_one_engine(rebuilds: bool) -> None:
    text = (
        HEAD + "inputs: {n: {type: integer}}\nsteps: [{name: A, run: [{action: shell, cmd: 'echo {{ n }}', as: x}]}]\n"
    )
    async with stage(rebuilds=rebuilds) as on:
        playbook = on.engine.load(text)
        reports = await asyncio.gather(*(on.engine.run(playbook, {"n": n}) for n in range(20)))
    assert [report.outputs["x"] for report in reports] == [str(n) for n in range(20)]


async def test_a_run_in_a_file_is_there_for_the_next_engine(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/runs.db"
    report = await run("steps: [{name: A, run: [{action: shell, cmd: echo x, as: x}]}]\n", store=url)
    async with stage(url) as on:
        (record,) = await on.engine.store.list_runs()
        events = await on.engine.store.read(record.execution_id)
    assert (record.execution_id, record.status) == (report.execution_id, "completed")
    assert [event.kind for event in events][:2] == ["run.started", "step.started"]


async def test_a_run_whose_log_cannot_be_written_ends_with_the_cause(tmp_path: Path) -> None:
    async with stage(f"sqlite:{tmp_path}/runs.db") as on:
        handle = await on.start("steps: [{name: A, run: [{action: wait, event: go}]}]\n")
        await on.engine.store.close()
        with suppress(NoetlError):  # a run that is rebuilt may have found out already
            handle.signal("go")
        with pytest.raises(noetl.StoreError):
            await handle.result()


async def test_an_engine_that_closes_leaves_its_runs_resumable_and_no_process(tmp_path: Path) -> None:
    async with stage(f"sqlite:{tmp_path}/runs.db", folder=tmp_path) as on:
        handle = await on.start("steps: [{name: A, run: [{action: shell, cmd: 'echo $$ > pid; sleep 60'}]}]\n")
        while not (pid := _read(tmp_path / "pid")):
            await asyncio.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()
    assert handle.report().status is Status.RUNNING


async def test_inputs_are_checked_before_anything_runs() -> None:
    text = "inputs: {n: {type: integer, required: true}}\nsteps: [{name: A, run: [{action: noop}]}]\n"
    for wrong in ({}, {"n": "five"}, {"n": 1, "m": 2}):
        with pytest.raises(PlaybookError):
            await run(text, wrong)


async def test_env_is_read_by_context_and_recorded() -> None:
    os.environ["NOETL_TEST_HOME"] = "here"
    try:
        report = await run(
            "context: {home: '{{ env.NOETL_TEST_HOME }}'}\nsteps: [{name: A, run: [{action: set, values: {x: '{{ home }}'}}]}]\n"
        )
    finally:
        del os.environ["NOETL_TEST_HOME"]
    assert report.outputs == {"x": "here"}


def test_the_library_runs_a_playbook_without_an_event_loop() -> None:
    report = noetl.run(HEAD + "steps: [{name: A, run: [{action: set, values: {x: 1}}]}]\n")
    assert (report.succeeded, report.outputs) == (True, {"x": 1})


def test_the_face_of_the_library_is_sorted_and_complete() -> None:
    assert list(noetl.__all__) == sorted(noetl.__all__)
    for name in noetl.__all__:
        assert getattr(noetl, name).__doc__, name


async def test_an_inline_loop_without_end_is_ended_by_its_timeout() -> None:
    report = await run(
        "steps: [{name: A, timeout: 300ms, run: [{action: noop, loop: {while: true, max: 10000000}}]}]\n"
    )
    assert code(report) == "timeout"


async def test_a_playbook_that_calls_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "self.yaml"
    path.write_text(HEAD + "steps: [{name: A, run: [{action: playbook, path: self.yaml}]}]\n")
    async with stage(folder=tmp_path) as on:
        report = await on.engine.run(on.engine.load(path))
    assert code(report) == "too_deep"


async def test_a_library_that_is_called_wrongly_says_how_to_call_it() -> None:
    with pytest.raises(NoetlError, match="arun"):
        noetl.run(HEAD + "steps: [{name: A, run: [{action: noop}]}]\n")
    with pytest.raises(NoetlError, match="async with"):
        await noetl.Engine().run(noetl.load(HEAD + "steps: [{name: A, run: [{action: noop}]}]\n"))
    async with stage() as on:
        handle = await on.start("steps: [{name: A, run: [{action: wait, event: go}]}]\n")
        with pytest.raises(TypeError):
            handle.signal("go", object())
        handle.signal("go")
        assert (await handle.result()).succeeded


async def test_a_subscriber_that_raises_does_not_disturb_the_run(caplog: pytest.LogCaptureFixture) -> None:
    async with stage() as on:
        on.engine.subscribe(lambda event: 1 / 0)
        report = await on.run("steps: [{name: A, run: [{action: set, values: {x: 1}}]}]\n")
    assert report.outputs == {"x": 1}
    assert "a subscriber failed" in caplog.text


async def test_what_is_larger_than_the_limit_is_kept_beside_the_log(tmp_path: Path) -> None:
    text = "steps:\n  - {name: A, run: [{action: set, values: {text: \"{{ 'x' * 2000 }}\"}}]}\n"
    async with Engine(str(tmp_path / "runs.db"), artifact_limit=1000) as engine:
        report = await engine.run(engine.load(HEAD + text))
        again = await engine.report(report.execution_id)

    assert report.outputs == again.outputs == {"text": "x" * 2000}
    assert list((tmp_path / "artifacts").rglob("*.json.gz"))
