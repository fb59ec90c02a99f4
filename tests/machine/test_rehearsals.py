"""Every playbook of the corpus comes to what it must, in any order of completions and rebuilt after every event."""

from __future__ import annotations

import random

import pytest
from corner_cases import CORNER_CASES
from corpus import CORPUS, Rehearsal
from policy_cases import POLICY_CASES
from simulation import Simulation, final_state, playbook_of, refold, simulate
from undoing_cases import UNDOING_CASES

each = pytest.mark.parametrize(
    "rehearsal", [*CORPUS, *CORNER_CASES, *POLICY_CASES, *UNDOING_CASES], ids=lambda rehearsal: rehearsal.name
)


@each
def test_a_rehearsal_comes_to_its_result(rehearsal: Rehearsal) -> None:
    done = simulate(rehearsal.text)
    assert str(done.run.status) == rehearsal.status, done.run.error
    assert done.outputs == rehearsal.outputs
    assert (done.run.error or {}).get("code") == rehearsal.error
    if rehearsal.path is not None:
        assert done.path == rehearsal.path
    assert not done.run.tokens
    assert not done.run.timers


@each
def test_a_run_folded_again_from_its_events_is_the_same(rehearsal: Rehearsal) -> None:
    done = simulate(rehearsal.text)
    assert final_state(refold(done.playbook, done.events)) == final_state(done.run)


@each
def test_a_run_rebuilt_after_every_event_goes_the_same_way(rehearsal: Rehearsal) -> None:
    straight = simulate(rehearsal.text)
    rebuilt = simulate(rehearsal.text, rebuilds=True)
    assert rebuilt.events == straight.events
    assert final_state(rebuilt.run) == final_state(straight.run)


@each
@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_actions_end_changes_nothing(rehearsal: Rehearsal, seed: int) -> None:
    if rehearsal.races:
        return
    straight = simulate(rehearsal.text)
    shuffled = simulate(rehearsal.text, choose=random.Random(seed).randrange)
    assert final_state(shuffled.run) == final_state(straight.run)


@each
def test_a_run_cut_off_after_any_event_can_go_on_to_the_same_end(rehearsal: Rehearsal) -> None:
    straight = simulate(rehearsal.text)
    for length in range(1, len(straight.events)):
        again = Simulation(playbook_of(rehearsal.text))
        again.events = straight.events[:length]
        again.run = refold(again.playbook, again.events)
        again.clock = again.run.at
        again.go_on()
        assert final_state(again.run) == final_state(straight.run), f"cut off after event {length}"
