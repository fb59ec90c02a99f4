"""`on_error: compensate` on a real engine: what is done and undone, what is told of it, and what a kill leaves of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_stage import stage
from test_recovery import killed, the_run, until_exists

#: Two branches; in the first a room and a table are booked before it fails, in the second a car.
TRIP = """
tasks:
  - {name: undo, args: {what: "?"}, run: [{action: shell, cmd: [sh, -c, "echo undo $0 >> ledger", "{{ what }}: {{ error.code }}"]}]}
  - {name: hold, args: {what: "?"}, run: [{action: shell, cmd: [sh, -c, "echo undo $0 >> ledger; echo held > holds; test -e go || sleep 600", "{{ what }}"]}]}
steps:
  - {name: Trip, run: [{action: noop}], rule: [{case: default, run: [{step: Room}, {step: Car}]}]}
  - name: Room
    run: [{action: shell, cmd: "echo room >> ledger", compensate: {task: undo, with: {what: room}}}]
    rule: [{case: default, run: [{step: Table}]}]
  - name: Table
    on_error: compensate
    run:
      - {action: shell, cmd: "echo table >> ledger", compensate: {task: undo, with: {what: table}}}
      - {action: fail, code: full, message: no table is free}
    rule: [{case: "{{ result.failed }}", run: [{step: Home}]}]
  - name: Car
    run: [{action: shell, cmd: "echo car >> ledger", compensate: {task: undo, with: {what: car}}}]
    rule: [{case: default, run: [{step: Home}]}]
  - {name: Home, join: all, run: [{action: set, values: {home: true}}]}
outputs: {home: "{{ home }}"}
"""
UNDONE = ["room", "table", "undo table: full", "undo room: full", "car"]


@pytest.mark.parametrize("rebuilds", [False, True])
async def test_the_branch_that_failed_is_undone_and_the_run_goes_on(tmp_path: Path, rebuilds: bool) -> None:
    async with stage(folder=tmp_path, rebuilds=rebuilds) as on:
        report = await on.run(TRIP)

    assert (report.status, report.outputs) == ("completed", {"home": True})
    assert (tmp_path / "ledger").read_text().splitlines() == UNDONE
    assert [(one["step"], one["status"]) for one in report.compensations] == [
        ("Table", "completed"),
        ("Room", "completed"),
    ]


async def test_a_compensation_that_fails_is_reported_and_fails_the_step(tmp_path: Path) -> None:
    async with stage(folder=tmp_path) as on:
        report = await on.run(TRIP.replace("echo undo $0 >> ledger", "exit 3"))

    statuses = {row["name"]: row["status"] for row in report.steps}
    assert (report.status, statuses["Table"]) == ("completed", "failed")
    assert [one["error"]["code"] for one in report.compensations] == ["exit_code", "exit_code"]


async def test_the_report_has_what_is_undone_in_the_order_of_undoing(tmp_path: Path) -> None:
    text = TRIP.replace("{action: set, values: {home: true}}", "{action: fail, code: lost, message: lost}")
    text = text.replace('outputs: {home: "{{ home }}"}', "outputs: {}")
    async with stage(folder=tmp_path) as on:
        report = await on.run(text)

    assert report.status == "failed"
    assert [one["step"] for one in report.compensations] == ["Table", "Room", "Car"]
    assert (tmp_path / "ledger").read_text().splitlines() == [*UNDONE, "undo car: lost"]


async def test_a_run_killed_in_the_middle_of_undoing_a_branch_goes_on_with_it(tmp_path: Path) -> None:
    text = TRIP.replace("{task: undo, with: {what: room}}", "{task: hold, with: {what: room}}")
    async with killed(text, tmp_path):
        await until_exists(tmp_path / "holds")
    (tmp_path / "go").touch()

    async with stage(str(tmp_path / "runs.db")) as on:
        report = await (await on.engine.resume(await the_run(on))).result()

    assert report.outputs == {"home": True}
    # The compensation that was cut off is carried out again, under its key; nothing else is.
    ledger = ["room", "table", "undo table: full", "undo room", "undo room", "car"]
    assert (tmp_path / "ledger").read_text().splitlines() == ledger
