"""What a long loop keeps in the state of a run: what goes on, and the data of what has ended, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from simulation import Failure, Simulation, final_state, playbook_of, refold, simulate

from noetl.machine import Run, RunAction
from noetl.model.event import Event

COUNTED = """
steps:
  - name: Each
    run: [{action: shell, cmd: "{{ item }}", loop: {items: 60, parallel: 5}, as: found}]
outputs: {found: "{{ found }}"}
"""
LISTED = COUNTED.replace("items: 60", 'items: "{{ names }}"').replace(
    "steps:", "context: {names: [b, a, c]}\nsteps:", 1
)
FAILING = """
steps:
  - name: Each
    run:
      - {action: shell, cmd: "{{ item }}", loop: {items: 9, parallel: 3, on_error: continue}, as: found}
    rule: [{case: default, run: [{step: End}]}]
  - name: End
    run: [{action: set, values: {codes: "{{ steps.Each.result.errors | map(attribute='code') | list }}"}}]
outputs: {found: "{{ found }}", codes: "{{ codes }}"}
"""


def odd_ones_fail(command: RunAction) -> Any:
    number = int(command.options["cmd"])
    return Failure(code=f"n{number}") if number % 2 else number


class Widest:
    """Chooses by a seed which action ends next, and notes the most that has been going on."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.tokens = 0
        self.simulation: Simulation | None = None

    def __call__(self, count: int) -> int:
        assert self.simulation is not None
        self.tokens = max(self.tokens, len(self.simulation.run.tokens))
        self._look(self.simulation.run)
        return self._random.randrange(count)

    def _look(self, run: Run) -> None:
        (frame,) = run.tokens["."].frames
        assert len(frame.strands) <= 5
        assert not frame.ended
        assert isinstance(frame.items, range)
        assert len(frame.data) == frame.next


@pytest.mark.parametrize("seed", range(3))
def test_no_more_of_a_loop_begins_than_may_run(seed: int) -> None:
    choose = Widest(seed)
    simulation = Simulation(playbook_of(COUNTED), choose=choose)
    choose.simulation = simulation
    simulation.finish()
    assert choose.tokens == 6
    assert simulation.outputs["found"] == list(range(60))


@pytest.mark.parametrize(
    ("text", "answer", "outputs"),
    [
        pytest.param(COUNTED, lambda command: command.options["cmd"], {"found": list(range(60))}, id="counted"),
        pytest.param(LISTED, lambda command: command.options["cmd"], {"found": ["b", "a", "c"]}, id="listed"),
        pytest.param(
            FAILING,
            odd_ones_fail,
            {"found": [0, None, 2, None, 4, None, 6, None, 8], "codes": ["n1", "n3", "n5", "n7"]},
            id="failing",
        ),
    ],
)
@pytest.mark.parametrize("rebuilds", [False, True])
def test_data_and_failures_are_in_the_order_of_the_items_whatever_ends_first(
    text: str, answer: Callable[[RunAction], Any], outputs: dict[str, Any], rebuilds: bool
) -> None:
    for seed in range(3):
        choose = random.Random(seed).randrange
        assert simulate(text, answer=answer, choose=choose, rebuilds=rebuilds).outputs == outputs


def test_the_log_of_a_loop_over_a_number_has_the_number() -> None:
    done = simulate(COUNTED)
    assert "items" in changes_of(done.events)
    assert max(len(msgspec.json.encode(event)) for event in done.events[:-2]) < 2000


def test_a_log_in_which_a_number_of_items_is_written_as_a_list_is_folded_as_ever() -> None:
    done = simulate(COUNTED)
    old = [msgspec.json.decode(msgspec.json.encode(event), type=Event) for event in done.events]
    for event in old:
        for change in event.data.get("changes", ()):
            if change[1] == "items":
                change[2] = list(range(change[2]))
    assert final_state(refold(done.playbook, old)) == final_state(done.run)


def changes_of(events: list[Event]) -> set[str]:
    return {change[1] for event in events for change in event.data.get("changes", ())}
