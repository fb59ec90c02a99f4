"""The `playbook` action: runs that call runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engine_stage import HEAD, code, run, stage

from noetl import Status

both = pytest.mark.parametrize("rebuilds", [False, True], ids=["straight", "rebuilt"])

CHILD = (
    HEAD
    + """
inputs: {n: {type: integer, default: 1}}
steps: [{name: Work, run: [{action: shell, cmd: "echo {{ n }}", as: said}]}]
outputs: {said: "{{ said }}", twice: "{{ n * 2 }}"}
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "child.yaml").write_text(CHILD)
    return tmp_path


@both
async def test_the_data_of_a_child_are_its_outputs(folder: Path, rebuilds: bool) -> None:
    text = "steps: [{name: A, run: [{action: playbook, path: child.yaml, inputs: {n: 21}, as: got}]}]\n"
    report = await run(text, folder=folder, rebuilds=rebuilds)
    assert report.outputs == {"got": {"said": "21", "twice": 42}}


async def test_a_child_can_be_named(folder: Path) -> None:
    report = await run("steps: [{name: A, run: [{action: playbook, name: child, as: got}]}]\n", folder=folder)
    assert report.outputs["got"]["said"] == "1"


async def test_a_failed_child_fails_its_action_with_its_own_error(folder: Path) -> None:
    (folder / "bad.yaml").write_text(
        HEAD + "steps: [{name: W, run: [{action: fail, code: mine, kind: user, message: no}]}]\n"
    )
    report = await run("steps: [{name: A, run: [{action: playbook, path: bad.yaml}]}]\n", folder=folder)
    assert report.error is not None
    assert (report.error["kind"], report.error["code"], report.error["message"]) == ("user", "mine", "no")
    assert report.error["details"]["step"] == "W"
    assert len(report.error["details"]["execution_id"]) == 26


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param("path: nowhere.yaml", "invalid_playbook", id="missing file"),
        pytest.param("path: child.yaml, inputs: {m: 1}", "invalid_playbook", id="unknown input"),
        pytest.param("path: child.yaml, inputs: {n: x}", "invalid_playbook", id="wrong input"),
        pytest.param("path: broken.yaml", "invalid_playbook", id="broken playbook"),
        pytest.param("path: '{{ none_of }}', name: '{{ none_of }}'", "bad_options", id="bad options"),
    ],
)
async def test_a_child_that_cannot_be_run_fails_its_action(folder: Path, options: str, expected: str) -> None:
    (folder / "broken.yaml").write_text("steps: [")
    text = f"context: {{none_of: x}}\nsteps: [{{name: A, run: [{{action: playbook, {options}}}]}}]\n"
    report = await run(text, folder=folder)
    assert code(report) == expected
    assert report.error is not None
    assert report.error["kind"] == "user"


async def test_a_retried_child_is_a_run_of_its_own(folder: Path) -> None:
    (folder / "flaky.yaml").write_text(
        HEAD + "steps: [{name: W, run: [{action: shell, cmd: 'echo x >> tries; test $(wc -l < tries) = 2'}]}]\n"
    )
    text = "steps: [{name: A, run: [{action: playbook, path: flaky.yaml, retry: {attempts: 2, delay: 0, on: [exit_code]}}]}]\n"
    async with stage(folder=folder) as on:
        report = await on.run(text)
        runs = await on.engine.store.list_runs()
    assert report.succeeded
    assert len(runs) == 3
    assert sum(record.parent == report.execution_id for record in runs) == 2


async def test_cancelling_the_parent_cancels_the_child(folder: Path) -> None:
    (folder / "slow.yaml").write_text(
        HEAD + "steps: [{name: W, run: [{action: shell, cmd: 'touch began; sleep 60'}]}]\n"
    )
    async with stage(folder=folder) as on:
        handle = await on.start("steps: [{name: A, run: [{action: playbook, path: slow.yaml}]}]\n")
        while not (folder / "began").exists():
            await asyncio.sleep(0.01)
        handle.cancel()
        report = await handle.result()
        assert report.status is Status.CANCELLED
        assert {record.status for record in await on.engine.store.list_runs()} == {"cancelled"}


async def test_a_child_that_takes_too_long_is_cancelled(folder: Path) -> None:
    (folder / "slow.yaml").write_text(HEAD + "steps: [{name: W, run: [{action: wait, for: 1h}]}]\n")
    async with stage(folder=folder) as on:
        report = await on.run("steps: [{name: A, run: [{action: playbook, path: slow.yaml, timeout: 100ms}]}]\n")
        assert code(report) == "timeout"
        assert sorted(record.status for record in await on.engine.store.list_runs()) == ["cancelled", "failed"]


async def test_a_detached_child_goes_on_by_itself(folder: Path) -> None:
    text = "steps: [{name: A, run: [{action: playbook, path: child.yaml, detach: true, as: it}]}]\n"
    async with stage(folder=folder) as on:
        report = await on.run(text)
        await on.engine.idle()
        record = await on.engine.store.record(report.outputs["it"]["execution_id"])
    assert record is not None
    assert (record.status, record.parent) == ("completed", report.execution_id)


async def test_a_child_gets_secrets_only_from_its_caller_or_its_own_sources(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARENT_SECRET", "parent-secret")
    (folder / "secretive.yaml").write_text(
        HEAD
        + 'secrets: {key: env:NOT_SET_AT_ALL}\nsteps: [{name: W, run: [{action: shell, cmd: "echo {{ secrets.key | sh }}", as: s}]}]\n'
    )
    text = """
secrets: {mine: env:PARENT_SECRET}
steps: [{name: A, run: [{action: playbook, path: secretive.yaml, secrets: {key: "{{ secrets.mine }}"}, as: got}]}]
"""
    async with stage(folder=folder) as on:
        report = await on.run(text)
    assert report.outputs == {"got": {"s": "***"}}
    assert "parent-secret" not in on.text()


async def test_a_child_passes_ten_megabytes_on(folder: Path) -> None:
    (folder / "big.yaml").write_text(
        HEAD + "steps: [{name: W, run: [{action: set, values: {x: \"{{ ['0123456789'] * 1000000 }}\"}}]}]\n"
    )
    report = await run("steps: [{name: A, run: [{action: playbook, path: big.yaml, as: got}]}]\n", folder=folder)
    assert report.succeeded, report.error
    assert len(report.outputs["got"]["x"]) == 1_000_000


async def test_a_child_in_a_retried_step_is_a_new_run_for_each_attempt(folder: Path) -> None:
    text = """
steps:
  - name: A
    retry: {attempts: 2, delay: 0, on: [exit_code]}
    run: [{action: playbook, path: child.yaml}, {action: shell, cmd: 'echo x >> tries; test $(wc -l < tries) = 2'}]
"""
    async with stage(folder=folder) as on:
        report = await on.run(text)
        assert report.succeeded, report.error
        assert len(await on.engine.store.list_runs()) == 3
