"""Running an ended run again: what is taken over of it, what is not, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from engine_stage import HEAD, Stage, stage

from noetl import NoetlError, PlaybookError, Report
from noetl.model.event import Kind
from noetl.runtime.memo import Memo

#: Fails at its second step until there is a file `ready`.
LOADS = """
inputs:
  day: {type: string, default: monday}
  note: {type: string}
steps:
  - name: Fetch
    run:
      - {action: shell, cmd: [sh, -c, "echo fetch $0 >> ledger; echo 42", "{{ day }}"], as: rows}
      - {action: shell, cmd: [sh, -c, "echo item $0 >> ledger", "{{ item }}"], loop: {items: [a, b], parallel: 2}}
    rule: [{case: default, run: [{step: Load}]}]
  - name: Load
    run: [{action: shell, cmd: [sh, -c, "echo load $0 >> ledger; test -e ready", "{{ rows }}"]}]
    rule: [{case: default, run: [{step: Tell}]}]
  - name: Tell
    run: [{action: shell, cmd: "echo tell >> ledger"}]
outputs: {rows: "{{ rows }}", day: "{{ day }}"}
"""


async def again(on: Stage, of: Report, **options: Any) -> tuple[Report, Memo]:
    handle = await on.engine.rerun(of.execution_id, **options)
    report = await handle.result()
    assert handle.runner.memo is not None
    return report, handle.runner.memo


def ledger(folder: Path) -> list[str]:
    """What was done since somebody looked last."""
    path = folder / "ledger"
    lines = path.read_text().splitlines() if path.exists() else []
    path.write_text("")
    return lines


def reasons(memo: Memo) -> list[tuple[str, str]]:
    return [(known.step, str(why)) for known, why in memo.rest()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


async def failed(on: Stage, folder: Path, text: str = LOADS, inputs: Mapping[str, Any] | None = None) -> Report:
    report = await on.run(text, inputs)
    assert report.status == "failed"
    (folder / "ready").touch()
    ledger(folder)
    return report


@pytest.mark.parametrize("rebuilds", [False, True])
async def test_only_what_failed_and_what_follows_is_done(folder: Path, rebuilds: bool) -> None:
    async with stage(folder=folder, rebuilds=rebuilds) as on:
        first = await failed(on, folder)
        report, memo = await again(on, first)

        assert (report.status, report.outputs) == ("completed", {"rows": "42", "day": "monday"})
        assert ledger(folder) == ["load 42", "tell"]
        assert [known.place for known in memo.reused()] == ["Fetch.run[0]", "Fetch.run[1]", "Fetch.run[1]"]
        assert memo.rest() == []


async def test_the_log_says_where_an_outcome_comes_from(folder: Path) -> None:
    async with stage(folder=folder) as on:
        first = await failed(on, folder)
        report, _ = await again(on, first)
        events = await on.engine.store.read(report.execution_id)

    assert events[0].data["rerun"]["of"] == first.execution_id
    reused = [event.data.get("reused") for event in events if event.kind == Kind.ACTION_COMPLETED]
    assert reused == [first.execution_id] * 3 + [None] * 2


async def test_what_is_given_something_else_is_done_again(folder: Path) -> None:
    async with stage(folder=folder) as on:
        first = await failed(on, folder)
        report, memo = await again(on, first, inputs={"day": "tuesday"})

    assert report.outputs["day"] == "tuesday"
    assert ledger(folder) == ["fetch tuesday", "load 42", "tell"]
    assert reasons(memo) == [("Fetch", "changed")]
    assert memo.rest()[0][0].differing == ("cmd",)


async def test_from_a_step_on_all_is_done_again(folder: Path) -> None:
    async with stage(folder=folder) as on:
        await failed(on, folder)
        done = await on.run(LOADS)
        ledger(folder)
        _, memo = await again(on, done, from_step="Load")
        assert ledger(folder) == ["load 42", "tell"]
        assert reasons(memo) == [("Load", "excluded"), ("Tell", "excluded")]

        _, memo = await again(on, done, from_step="Fetch")
        assert memo.reused() == []


async def test_another_text_may_take_another_way(folder: Path) -> None:
    async with stage(folder=folder) as on:
        (folder / "ready").touch()
        done = await on.run(LOADS)
        ledger(folder)
        short = LOADS.replace("    rule: [{case: default, run: [{step: Tell}]}]\n", "")
        _, memo = await again(on, done, playbook=on.engine.load(HEAD + short))

    assert ledger(folder) == []
    assert reasons(memo) == [("Tell", "unreached")]


async def test_a_rerun_of_a_rerun_knows_what_both_have_done(folder: Path) -> None:
    async with stage(folder=folder) as on:
        first = await failed(on, folder)
        (folder / "ready").unlink()
        second, _ = await again(on, first)
        assert second.status == "failed"
        ledger(folder)
        (folder / "ready").touch()
        third, memo = await again(on, second)

    assert third.succeeded
    assert ledger(folder) == ["load 42", "tell"]
    assert len(memo.reused()) == 3


DRAWS = """
context: {day: "{{ now() }}", batch: "{{ uuid() }}"}
steps:
  - name: Draw
    run:
      - {action: shell, cmd: [echo, "{{ day }}", "{{ batch }}", "{{ uuid() }}", "{{ random() }}", "{{ now() }}"], as: drawn}
    rule: [{case: default, run: [{step: Fail}]}]
  - name: Fail
    run: [{action: shell, cmd: test -e ready}]
outputs: {drawn: "{{ drawn }}"}
"""


async def test_what_is_drawn_is_the_same_and_no_reason_to_do_it_again(folder: Path) -> None:
    async with stage(folder=folder) as on:
        first = await failed(on, folder, DRAWS)
        second, memo = await again(on, first)
        third, also = await again(on, second)
        outputs = {report.execution_id: report.outputs for report in (second, third)}
        keys = [
            event.data["key"]
            for report in (first, second, third)
            for event in await on.engine.store.read(report.execution_id)
            if event.kind == Kind.ACTION_STARTED and event.step == "Fail"
        ]

    assert [known.step for known in memo.reused()] == ["Draw"]
    assert [known.step for known in also.reused()] == ["Draw", "Fail"]
    assert len({str(output) for output in outputs.values()}) == 1
    assert len(set(keys)) == 3, "what is done again is not the same action to those who ask for its key"


UNDOES = """
tasks:
  - {name: undo, run: [{action: shell, cmd: "echo undo >> ledger"}]}
steps:
  - name: Reserve
    run: [{action: shell, cmd: "echo reserve >> ledger", compensate: undo}]
    rule: [{case: default, run: [{step: Pay}]}]
  - name: Pay
    run: [{action: shell, cmd: "echo pay >> ledger; test -e ready"}]
"""


async def test_what_was_undone_is_done_again_and_undone_again(folder: Path) -> None:
    async with stage(folder=folder) as on:
        first = await failed(on, folder, UNDOES)
        (folder / "ready").unlink()
        report, memo = await again(on, first)

    assert report.status == "failed"
    assert ledger(folder) == ["reserve", "pay", "undo"]
    assert reasons(memo) == [("Reserve", "undone")]


async def test_what_a_branch_has_undone_is_done_again_and_what_came_after_is_taken_over(folder: Path) -> None:
    text = (
        UNDOES.replace(
            "  - name: Pay",
            """  - name: Pay
    on_error: compensate""",
        ).replace("test -e ready", "test -e paid || { touch paid; exit 1; }")
        + """
    rule: [{case: result.failed, run: [{step: Reserve}]}, {case: default, run: [{step: Ship}]}]
  - {name: Ship, run: [{action: shell, cmd: "echo ship >> ledger"}]}
"""
    )
    async with stage(folder=folder) as on:
        first = await on.run(text)
        assert first.succeeded
        assert ledger(folder) == ["reserve", "pay", "undo", "reserve", "pay", "ship"]
        (folder / "paid").unlink()
        _, memo = await again(on, first)

    assert ledger(folder) == ["reserve", "pay", "undo"]
    assert reasons(memo) == [("Reserve", "undone")]


async def test_what_was_done_after_a_join_is_taken_over(folder: Path) -> None:
    text = """
steps:
  - {name: A, run: [{action: noop}], rule: [{case: default, run: [{step: J}]}]}
  - {name: B, run: [{action: noop}], rule: [{case: default, run: [{step: J}]}]}
  - {name: J, join: all, run: [{action: shell, cmd: "echo join >> ledger"}, {action: shell, cmd: test -e ready}]}
start: [A, B]
"""
    async with stage(folder=folder) as on:
        first = await failed(on, folder, text)
        report, _ = await again(on, first)

    assert report.succeeded
    assert ledger(folder) == []


async def test_a_rerun_outlives_its_engine(folder: Path) -> None:
    gated = LOADS.replace(
        '    run:\n      - {action: shell, cmd: [sh, -c, "echo fetch',
        '    run:\n      - {action: wait, event: go}\n      - {action: shell, cmd: [sh, -c, "echo fetch',
    )
    store = str(folder / "runs.db")
    async with stage(store, folder=folder) as on:
        handle = await on.start(gated)
        handle.signal("go")
        first = await handle.result()
        (folder / "ready").touch()
        ledger(folder)
        await on.engine.rerun(first.execution_id)
    async with stage(store, folder=folder) as on:
        (resumed,) = await on.engine.recover()
        resumed.signal("go")
        report = await resumed.result()

    assert report.succeeded
    assert ledger(folder) == ["load 42", "tell"]


async def test_a_called_playbook_that_completed_is_not_called_again(folder: Path) -> None:
    (folder / "child.yaml").write_text(
        HEAD + 'steps: [{name: C, run: [{action: shell, cmd: "echo child >> ledger"}]}]\n'
    )
    parent = """
steps:
  - name: Call
    run: [{action: playbook, path: child.yaml}]
    rule: [{case: default, run: [{step: Fail}]}]
  - name: Fail
    run: [{action: shell, cmd: test -e ready}]
"""
    async with stage(folder=folder) as on:
        first = await failed(on, folder, parent)
        report, _ = await again(on, first)

    assert report.succeeded
    assert ledger(folder) == []


async def test_the_inputs_of_the_old_run_are_kept(folder: Path) -> None:
    async with stage(folder=folder) as on:
        first = await failed(on, folder, LOADS, {"day": "friday"})
        report, _ = await again(on, first, text={"note": "7"})
        events = await on.engine.store.read(report.execution_id, limit=1)

    assert events[0].data["inputs"] == {"day": "friday", "note": "7"}


async def test_what_cannot_be_run_again_is_explained(folder: Path) -> None:
    async with stage(folder=folder) as on:
        first = await failed(on, folder)
        with pytest.raises(NoetlError, match=r"has visited no step 'Lode' \(did you mean 'Load'\?\)"):
            await on.engine.rerun(first.execution_id, from_step="Lode")
        with pytest.raises(PlaybookError, match="no input 'dey'"):
            await on.engine.rerun(first.execution_id, {"dey": "x"})
        with pytest.raises(NoetlError, match="no run 'nobody'"):
            await on.engine.rerun("nobody")
        handle = await on.start("steps: [{name: W, run: [{action: wait, event: never}]}]\n")
        with pytest.raises(NoetlError, match="has not ended"):
            await on.engine.rerun(handle.execution_id)
