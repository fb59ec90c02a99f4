"""What the rehearsals of undone branches cannot show by their ends: what was done, and who asked meanwhile."""

from __future__ import annotations

import pytest
from simulation import Simulation, playbook_of, refold, simulate
from undoing_cases import SLOW_BRANCH, UNDOING_CASES, Undoing

from noetl.machine import Advance, Pause, Resume, outstanding
from noetl.model.event import Kind

CASES = {case.name: case for case in UNDOING_CASES}
#: B goes on for an hour, so that only A is undone.
WAITING = SLOW_BRANCH + (
    "  - {name: B2, run: [{action: wait, for: 1h}], rule: [{case: true, run: [{step: J}]}]}\n"
    "  - {name: J, join: all, run: [{action: shell, cmd: j, as: j}]}\noutputs: {}\n"
)


@pytest.mark.parametrize("case", UNDOING_CASES, ids=lambda case: case.name)
def test_a_branch_is_undone_in_reverse_order_of_completion(case: Undoing) -> None:
    assert [cmd for cmd, _ in simulate(case.text).started] == case.done


def _until(text: str, kind: str, count: int = 1) -> Simulation:
    """A run up to the nth event of a kind."""
    run = Simulation(playbook_of(text)).start()
    while run.kinds().count(kind) < count:
        assert run.step()
    return run


def _done(run: Simulation) -> list[str]:
    return [cmd for cmd, _ in run.started if cmd.startswith("undo")]


def test_a_compensation_that_fails_in_a_branch_is_told() -> None:
    done = simulate(CASES["a compensation that fails fails the step, and the others of its branch run"].text)
    told = [(event.kind, event.data.get("error", {}).get("code")) for event in done.events if "compens" in event.kind]
    assert told == [
        (Kind.COMPENSATION_STARTED, None),
        (Kind.COMPENSATION_FAILED, "stuck"),
        (Kind.COMPENSATION_STARTED, None),
        (Kind.COMPENSATION_COMPLETED, None),
    ]
    assert done.run.rows[0].status == "failed"


def test_undoing_goes_on_when_the_timeout_of_its_step_has_passed() -> None:
    (row,) = simulate(CASES["the timeout of a step does not count what is undone"].text).run.rows
    assert row.ended_at is not None
    assert (row.status, round((row.ended_at - row.started_at) / 1e6)) == ("completed", 15)


def test_two_branches_can_be_undone_at_once() -> None:
    run = _until(CASES["two branches are undone at the same time"].text, Kind.COMPENSATION_STARTED, 2)
    assert len([timer for timer in outstanding(run.run).timers.values() if timer]) == 2


@pytest.mark.parametrize("begun", [1, 2])
def test_a_cancel_lets_what_is_being_undone_end_and_undoes_the_rest_with_the_run(begun: int) -> None:
    run = _until(WAITING, Kind.COMPENSATION_STARTED, begun)
    run.cancel()
    run.go_on()

    why = ["full"] * begun + ["cancelled"] * (3 - begun)
    assert _done(run) == [f"undo {what} because {code}" for what, code in zip(["a2", "a", "s"], why, strict=True)]
    assert run.run.status == "cancelled"
    assert run.kinds().count(Kind.COMPENSATION_STARTED) == 3


def test_a_paused_run_undoes_a_branch_when_it_goes_on() -> None:
    run = _until(WAITING, Kind.COMPENSATION_STARTED)
    run.feed(Pause(at=run.clock, reason="lunch"))
    assert not outstanding(run.run).actions
    run.feed(Advance(at=run.clock + 60_000_000))
    assert not _done(run)
    run.feed(Resume(at=run.clock))
    run.go_on()

    assert _done(run) == ["undo a2 because full", "undo a because full"]
    assert run.run.status == "completed"


def test_the_keys_of_what_undoes_a_branch_follow_from_the_log() -> None:
    run = _until(CASES["the branch of a failed step is undone, and no other"].text, Kind.COMPENSATION_STARTED)
    again = refold(run.playbook, run.events)
    keys = [{id: command.key for id, command in outstanding(state).actions.items()} for state in (run.run, again)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 1
