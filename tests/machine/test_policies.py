"""What the rehearsals of policies cannot show by their ends: what was done, in which order, and what was told."""

from __future__ import annotations

import pytest
from policy_cases import POLICY_CASES, UNDO
from simulation import Simulation, playbook_of, simulate

from noetl.machine import Start
from noetl.model.event import Kind

CASES = {case.name: case.text for case in POLICY_CASES}


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("what had completed is undone when the run fails", ["a", "b", "undo b because full", "undo a because full"]),
        (
            "a compensation sees what its work saw and gave",
            ["book x", "book y", "undo y 1 book y because full", "undo x 1 book x because full"],
        ),
        ("parallel work is undone too", ["a", "b", "undo b because full", "undo a because full"]),
        ("a failed compensation does not keep the others from being undone", ["a", "b", "good"]),
        ("a run that completes undoes nothing", ["a"]),
        ("under on_error continue the run is undone when all branches have ended", ["b", "undo b because a"]),
        (
            "a compensation is tried again by its own policies, and may loop in parallel",
            ["a", "fail 1", "fail 2", "fail 3", "fail", "fail", "fail"],
        ),
        ("a stop in a compensation ends only that", ["a"]),
        (
            "a task or step is undone as a whole, and what is in it by itself",
            ["a", "undo step because full", "undo action because full"],
        ),
    ],
)
def test_work_is_undone_in_reverse_order_of_completion(name: str, done: list[str]) -> None:
    assert [cmd for cmd, _ in simulate(CASES[name]).started] == done


def test_a_failed_compensation_is_told() -> None:
    done = simulate(CASES["a failed compensation does not keep the others from being undone"])
    told = [
        (event.kind, event.data.get("error", {}).get("code")) for event in done.events if "compensation" in event.kind
    ]
    assert told == [
        (Kind.COMPENSATION_STARTED, None),
        (Kind.COMPENSATION_FAILED, "stuck"),
        (Kind.COMPENSATION_STARTED, None),
        (Kind.COMPENSATION_COMPLETED, None),
    ]


LONG = UNDO + "steps: [{name: A, run: [{action: shell, cmd: a, compensate: undo}, {action: shell, cmd: never}]}]"


def test_a_cancelled_run_is_undone() -> None:
    run = Simulation(playbook_of(LONG)).finish()
    run.cancel()
    run.go_on()

    assert run.run.status == "cancelled"
    assert run.started[-1] == ("undo ? because cancelled", 1)


def test_a_cancel_while_a_run_is_undone_is_recorded_and_changes_nothing() -> None:
    run = Simulation(playbook_of(LONG.replace('"undo {{', '"never {{'))).finish()
    run.cancel()
    run.go_on()
    assert not run.run.over
    run.cancel("once more")
    run.go_on()

    assert not run.run.over
    assert run.events[-1].data["reason"] == "once more"
    assert run.events[-1].data["ignored"]


def test_a_run_and_a_step_that_take_too_long_are_told_as_late() -> None:
    done = simulate(CASES["a late run and a late step go on"])
    late = [(event.step, event.at - done.events[0].at) for event in done.events if event.kind == Kind.RUN_LATE]
    assert [(step, round(after / 1e6)) for step, after in late] == [("", 1), ("A", 2)]


AGAIN = """
on_error: {retry: {attempts: 3, delay: 10s, on: [broken]}}
steps: [{name: A, run: [{action: shell, cmd: fail}]}]
"""


def test_a_failed_run_says_when_it_is_tried_again() -> None:
    done = simulate(AGAIN)
    assert done.run.status == "failed"
    assert done.run.again == (done.run.at + 10_000_000, 2)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(AGAIN.replace("attempts: 3", "attempts: 1"), id="no attempts left"),
        pytest.param(AGAIN.replace("[broken]", "[transient]"), id="another error"),
    ],
)
def test_a_run_is_not_tried_again_where_its_policy_says_no(text: str) -> None:
    assert simulate(text).run.again is None


def test_a_run_that_tries_again_begins_when_its_time_has_come() -> None:
    run = Simulation(playbook_of("sla: 1m\nsteps: [{name: A, run: [{action: shell, cmd: a, as: a}]}]"))
    run.feed(Start(at=run.clock, inputs={}, env={}, attempt=2, starts_at=run.clock + 5_000_000))
    assert not run.run.over
    assert run.path == []
    began = run.clock
    run.go_on()

    assert run.outputs == {"a": "a"}
    assert run.run.rows[0].started_at - began >= 5_000_000
    assert run.run.attempt == 2
