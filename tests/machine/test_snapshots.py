"""A run that is restored from a snapshot is the run that it was, whenever the snapshot was taken."""

from __future__ import annotations

import os
import pickle
import random
from typing import Any

import msgspec
import pytest
from corner_cases import CORNER_CASES
from corpus import CORPUS, Rehearsal
from generated import playbooks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policy_cases import POLICY_CASES
from simulation import Simulation, final_state, playbook_of, refold, simulate
from test_properties import accepted
from undoing_cases import UNDOING_CASES

from noetl.machine import Advance, Fact, Run, decide, evolve
from noetl.machine.snapshot import Snapshots, Unfit, form_of, restore

each = pytest.mark.parametrize(
    "rehearsal", [*CORPUS, *CORNER_CASES, *POLICY_CASES, *UNDOING_CASES], ids=lambda rehearsal: rehearsal.name
)
FORKING = """
steps:
  - {name: Fork, parallel: true, run: [{action: shell, cmd: go}], rule: [{case: true, run: [{step: A}, {step: B}]}]}
  - {name: A, run: [{action: shell, cmd: "{{ steps.Fork.result.data }}", loop: {items: 3, parallel: 2}}]}
  - {name: B, run: [{action: wait, for: 5s}]}
"""


def again(run: Run, snapshots: Snapshots | None = None) -> Run:
    """The run as a snapshot gives it; its playbook is read anew, too."""
    state = (Snapshots() if snapshots is None else snapshots).take(run)
    return restore(state, run.playbook, run.id)


class Restored(Simulation):
    """A simulation in which the run is restored from a snapshot after every event, all of them taken by one taker."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.snapshots = Snapshots()

    def feed(self, fact: Fact) -> None:
        events = decide(self.run, fact, batch=1)
        while events:
            self.events += events
            self.run = again(self.run, self.snapshots)
            events = decide(self.run, Advance(at=self.clock), batch=1)


@each
def test_a_run_restored_after_every_event_goes_the_same_way(rehearsal: Rehearsal) -> None:
    straight = simulate(rehearsal.text, rebuilds=True)
    restored = Restored(playbook_of(rehearsal.text)).finish()
    assert [(e.kind, e.step, e.token) for e in restored.events] == [(e.kind, e.step, e.token) for e in straight.events]
    assert final_state(restored.run) == final_state(straight.run)


@each
def test_a_run_cut_off_after_any_event_goes_on_from_its_snapshot(rehearsal: Rehearsal) -> None:
    straight = simulate(rehearsal.text)
    for length in range(1, len(straight.events)):
        other = Simulation(playbook_of(rehearsal.text))
        other.events = straight.events[:length]
        other.run = again(refold(other.playbook, other.events))
        other.clock = other.run.at
        other.go_on()
        assert final_state(other.run) == final_state(straight.run), f"cut off after event {length}"


@each
def test_the_events_after_a_snapshot_lead_to_the_state_of_all(rehearsal: Rehearsal) -> None:
    straight = simulate(rehearsal.text)
    half = len(straight.events) // 2
    run = again(refold(straight.playbook, straight.events[: half or 1]))
    for event in straight.events[half or 1 :]:
        evolve(run, msgspec.json.decode(msgspec.json.encode(event), type=type(event)))
    assert final_state(run) == final_state(straight.run)


@given(playbooks(), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_any_playbook_survives_a_snapshot_after_every_event(data: dict[str, Any], seed: int) -> None:
    playbook = accepted(data)
    if playbook is None:
        return
    straight = Simulation(playbook, choose=random.Random(seed).randrange).finish()
    restored = Restored(playbook, choose=random.Random(seed).randrange).finish()
    assert final_state(restored.run) == final_state(straight.run)


def test_rows_that_have_ended_are_encoded_a_few_at_a_time() -> None:
    done = simulate("steps:\n  - {name: A, max_visits: 30, rule: [{case: steps.A.visits < 20, run: [{step: A}]}]}\n")
    snapshots = Snapshots()

    assert [snapshots.prepare(done.run, 8) for _ in range(3)] == [False, False, True]
    assert [row.visit for row in again(done.run, snapshots).rows] == list(range(1, 21))


def half_way() -> Simulation:
    simulation = Simulation(playbook_of(FORKING)).start()
    for _ in range(3):
        simulation.step()
    assert not simulation.run.over
    return simulation


def test_the_parts_of_the_playbook_are_those_of_the_playbook_at_hand() -> None:
    run = again(half_way().run)

    for token in run.tokens.values():
        assert token.step is run.playbook.steps[token.step.name]
        assert all(frame.work is run.playbook.works[frame.work.id] for frame in token.frames)


def test_a_snapshot_leaves_the_run_alone() -> None:
    simulation = half_way()
    Snapshots().take(simulation.run)

    assert final_state(simulation.go_on().run) == final_state(simulate(FORKING).run)


def test_damaged_bytes_are_unfit() -> None:
    run = half_way().run
    state = Snapshots().take(run)

    for length in range(0, len(state), 97):
        with pytest.raises(Unfit):
            restore(state[:length], run.playbook, run.id)


class Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(Harmful(), id="a call"),
        pytest.param(Rehearsal("other", ""), id="another class"),
        pytest.param(Simulation.finish, id="a function"),
    ],
)
def test_nothing_but_a_state_is_made_of_bytes(content: Any) -> None:
    run = half_way().run
    body = pickle.dumps(({"status": content}, []))

    with pytest.raises(Unfit, match="a state holds no"):
        restore(msgspec.msgpack.encode((0, [], body)), run.playbook, run.id)


def test_a_state_that_is_nested_too_deeply_is_unfit() -> None:
    run = half_way().run
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    run.outputs = {"deep": deep}

    with pytest.raises(Unfit):
        Snapshots().take(run)


def test_another_playbook_or_version_has_another_form() -> None:
    one, other = playbook_of(FORKING), playbook_of(FORKING + "outputs: {}\n")

    assert form_of(one, "1.0") == form_of(playbook_of(FORKING), "1.0")
    assert len({form_of(one, "1.0"), form_of(other, "1.0"), form_of(one, "1.1")}) == 3
