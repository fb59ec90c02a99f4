"""How far a run has come, told from its state."""

from __future__ import annotations

import pytest
from engine_stage import HEAD

from noetl.actions.registry import Registry, Shapes
from noetl.language import load
from noetl.machine import ActionEnded, Advance, Cancel, Pause, Run, RunAction, Said, Start, decide, outstanding
from noetl.model.event import Kind
from noetl.runtime.progress import progress

SHAPES = Shapes(Registry())

CHAIN = """
steps:
  - {name: A, run: [{action: shell, cmd: a}], rule: [{case: default, run: [{step: B}]}]}
  - {name: B, run: [{action: shell, cmd: b}], rule: [{case: default, run: [{step: C}]}]}
  - {name: C, run: [{action: noop}]}
"""
FORK = """
steps:
  - {name: A, run: [{action: shell, cmd: a}], rule: [{case: default, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: noop}], rule: [{case: default, run: [{step: D}]}]}
  - {name: C, run: [{action: noop}], rule: [{case: default, run: [{step: D}]}]}
  - {name: D, join: all, run: [{action: noop}]}
"""
CHOICE = """
steps:
  - {name: A, run: [{action: shell, cmd: a}], rule: [{case: "{{ result.failed }}", run: [{step: B}]}]}
  - {name: B, run: [{action: noop}]}
"""
UNJOINED = FORK.replace("join: all, ", "")
LOOP = "steps:\n  - {name: A, run: [{action: shell, cmd: a, loop: {items: 100, parallel: 4, on_error: continue}}]}\n"
SEQUENTIAL_LOOP = "steps:\n  - {name: A, run: [{action: shell, cmd: a, loop: {items: 10}}]}\n"
ONE_STEP = "steps:\n  - {name: A, run: [{action: shell, cmd: a}]}\n"
UNDONE = """
tasks: [{name: undo, run: [{action: shell, cmd: undo}]}]
steps:
  - {name: A, run: [{action: shell, cmd: a, compensate: undo}], rule: [{case: default, run: [{step: B}]}]}
  - {name: B, on_error: compensate, run: [{action: shell, cmd: b}], rule: [{case: default, run: [{step: C}]}]}
  - {name: C, run: [{action: noop}]}
"""
WAITING = "steps:\n  - {name: A, run: [{action: wait, event: go}]}\n"


class Going:
    """A run whose actions end when the test says so."""

    def __init__(self, text: str) -> None:
        self.run = Run(load(HEAD + text, SHAPES), "01J0000000000000000000TEST")
        self.at = 1_000_000
        decide(self.run, Start(at=self.at, inputs={}, env={}))

    def actions(self) -> list[RunAction]:
        return [action for action in outstanding(self.run).actions.values() if isinstance(action, RunAction)]

    def end_one(self, *, after_s: float = 0, fails: bool = False) -> None:
        self.at += round(after_s * 1e6)
        action = self.actions()[0]
        error = {"kind": "permanent", "code": "broken", "message": "it broke"} if fails else None
        decide(self.run, ActionEnded(at=self.at, token=action.token, wait=action.wait, error=error))
        decide(self.run, Advance(at=self.at))


@pytest.mark.parametrize(
    ("text", "total"),
    [
        pytest.param(CHAIN, 3, id="a chain is as long as it is"),
        pytest.param(FORK, 4, id="branches meet in one visit"),
        pytest.param(CHOICE, None, id="a condition decides"),
        pytest.param(UNJOINED, None, id="two branches may make a visit each"),
    ],
)
def test_the_total_is_told_where_nothing_decides_about_it(text: str, total: int | None) -> None:
    found = progress(Going(text).run, 2_000_000)
    assert (found.completed, found.total) == (0, total)


def test_visits_are_counted_by_their_state() -> None:
    going = Going(CHAIN)
    going.end_one()
    found = progress(going.run, going.at)
    assert (found.completed, found.total) == (1, 3)
    assert found.visits == {"completed": 1, "running": 1}
    assert progress(Going(WAITING).run, 2_000_000).visits == {"waiting": 1}


def test_what_is_queued_is_told_with_its_reason_until_it_starts() -> None:
    going = Going(ONE_STEP)
    (action,) = going.actions()
    said = {"place": action.work.place, "reason": "the rate of limit 'shop'"}
    decide(going.run, Said(at=going.at, token=action.token, kind=Kind.ACTION_QUEUED, data=said))
    found = progress(going.run, going.at)
    assert (found.visits, found.waits_for) == ({"queued": 1}, {"the rate of limit 'shop'": 1})
    begun = {"place": action.work.place, "queued": 1.5}
    decide(going.run, Said(at=going.at, token=action.token, kind=Kind.ACTION_PROGRESS, data=begun))
    assert progress(going.run, going.at).visits == {"running": 1}


def test_a_paused_run_has_paused_visits_but_for_what_still_runs() -> None:
    waiting, running = Going(WAITING), Going(ONE_STEP)
    for going in (waiting, running):
        decide(going.run, Pause(at=going.at, reason="maintenance"))
    assert progress(waiting.run, waiting.at).visits == {"paused": 1}
    assert progress(running.run, running.at).visits == {"running": 1}


def test_a_branch_that_is_undone_is_running_and_leads_on_from_its_step() -> None:
    going = Going(UNDONE)
    going.end_one()
    going.end_one(fails=True)
    found = progress(going.run, going.at)
    assert (found.visits, found.completed, found.total) == ({"completed": 1, "running": 1}, 1, 3)


def test_a_loop_tells_what_is_done_and_how_long_the_rest_takes() -> None:
    going = Going(LOOP)
    (loop,) = progress(going.run, going.at).loops
    assert (loop.step, loop.done, loop.total, loop.left_s) == ("A", 0, 100, None)
    going.end_one(after_s=2, fails=True)
    going.end_one()
    (loop,) = progress(going.run, going.at).loops
    # Two took 2 s each, 98 are left, and four go on at once.
    assert (loop.done, loop.failed, loop.total, loop.left_s) == (2, 1, 100, 49.0)
    assert progress(going.run, going.at).left_s == 49.0


def test_a_sequential_loop_is_as_long_as_its_iterations() -> None:
    going = Going(SEQUENTIAL_LOOP)
    going.end_one(after_s=3)
    (loop,) = progress(going.run, going.at).loops
    assert (loop.done, loop.total, loop.left_s) == (1, 10, 27.0)


def test_nothing_is_estimated_of_what_has_never_been_measured() -> None:
    going = Going(CHAIN)
    going.end_one(after_s=1)
    assert progress(going.run, going.at).left_s is None


@pytest.mark.parametrize("cancelled", [False, True])
def test_of_a_run_that_has_ended_nothing_is_left(cancelled: bool) -> None:
    going = Going(WAITING if cancelled else ONE_STEP)
    if cancelled:
        decide(going.run, Cancel(at=going.at, reason="enough"))
    else:
        going.end_one(after_s=1)
    found = progress(going.run, going.at + 5_000_000)
    assert (found.completed, found.total, found.left_s) == (1, 1, 0.0)
    assert found.visits == {"cancelled" if cancelled else "completed": 1}
    assert found.elapsed_s == (0 if cancelled else 1)
