"""Steps that a token passes in an instant: their events and their state are those of any other visit."""

from __future__ import annotations

import pytest
from simulation import final_state, playbook_of, refold, simulate

from noetl.machine import Advance, Run, Start, decide
from noetl.machine.decide import BATCH

PASSED = {
    "a ring that counts": """
context: {n: 0}
outputs: {n: "{{ n }}", visits: "{{ steps.a.visits }}"}
steps:
  - {name: a, run: [{action: set, values: {n: "{{ n + 1 }}"}}], rule: [{case: default, run: [{step: b}]}]}
  - {name: b, run: [{action: set, values: {m: 1}}], rule: [{case: "{{ n < 7 }}", run: [{step: a}]}]}
""",
    "a condition that raises, and a case that takes that": """
steps:
  - name: a
    run: [{action: set, values: {n: 1}}]
    rule:
      - {case: "{{ n.x.y }}", run: [{step: b}]}
      - {case: "{{ result.failed }}", run: [{step: c}]}
  - {name: b, run: [{action: noop}]}
  - {name: c, run: [{action: set, values: {seen: "{{ error.code }}"}}]}
""",
    "values that cannot be rendered": """
steps:
  - {name: a, run: [{action: set, values: {n: "{{ 1 // 0 }}"}}], rule: [{case: default, run: [{step: b}]}]}
  - {name: b, run: [{action: noop}]}
""",
    "values that cannot be rendered, and a case that takes that": """
steps:
  - {name: a, run: [{action: set, values: {n: "{{ 1 // 0 }}"}}], rule: [{case: "{{ result.failed }}", run: [{step: b}]}]}
  - {name: b, run: [{action: set, values: {n: 2}}]}
""",
    "no case that fires": """
steps:
  - {name: a, run: [{action: set, values: {n: 1}}], rule: [{case: "{{ n > 1 }}", run: [{step: b}]}]}
  - {name: b, run: [{action: noop}]}
""",
    "too many visits": """
steps:
  - {name: a, max_visits: 3, run: [{action: set, values: {n: 1}}], rule: [{case: default, run: [{step: a}]}]}
""",
    "what is drawn, and what a visit sees of itself": """
steps:
  - name: a
    run: [{action: set, values: {id: "{{ uuid() }}", me: "{{ steps.a.status }} {{ steps.a.visits }} {{ now() }}"}}]
    rule: [{case: "{{ random() < 0.5 and steps.a.visits < 9 }}", run: [{step: a}]}, {case: default, run: [{step: b}]}]
  - {name: b, run: [{action: set, values: {was: "{{ steps.a.duration }} {{ result.data }}"}}]}
""",
    "branches that take turns, and their join": """
steps:
  - {name: fork, parallel: true, rule: [{case: default, run: [{step: a}, {step: c}]}]}
  - {name: a, run: [{action: set, values: {a: 1}}], rule: [{case: default, run: [{step: b}]}]}
  - {name: b, run: [{action: set, values: {b: "{{ a }}"}}], rule: [{case: default, run: [{step: j}]}]}
  - {name: c, run: [{action: set, values: {c: 1}}], rule: [{case: default, run: [{step: d}]}]}
  - {name: d, run: [{action: set, values: {d: "{{ c }}"}}], rule: [{case: default, run: [{step: j}]}]}
  - {name: j, join: all, run: [{action: set, values: {all: "{{ b + d }}"}}]}
""",
    "branches one after the other": """
steps:
  - {name: fork, rule: [{case: default, run: [{step: a}, {step: a}]}]}
  - {name: a, run: [{action: set, values: {n: "{{ steps.a.visits }}"}}], rule: [{case: default, run: [{step: b}]}]}
  - {name: b, run: [{action: set, values: {n: 1}}], rule: [{case: default, run: [{step: end}]}]}
  - {name: end, run: [{action: noop}]}
""",
    "an action before and after": """
steps:
  - {name: a, run: [{action: shell, cmd: one, as: out}], rule: [{case: default, run: [{step: b}]}]}
  - {name: b, run: [{action: set, values: {n: "{{ out }}"}}], rule: [{case: "{{ n == 'one' }}", run: [{step: c}]}]}
  - {name: c, run: [{action: shell, cmd: "{{ n }} two", as: out}]}
""",
    "an error that a later visit forgets": """
steps:
  - {name: a, run: [{action: shell, cmd: fail}], rule: [{case: "{{ result.failed }}", run: [{step: b}]}]}
  - {name: b, run: [{action: set, values: {was: "{{ error.code }}"}}], rule: [{case: default, run: [{step: c}]}]}
  - {name: c, run: [{action: set, values: {now: "{{ error }}", last: "{{ last_error.code }}"}}]}
""",
}

each = pytest.mark.parametrize("text", PASSED.values(), ids=PASSED)


@each
def test_the_events_are_those_of_visits_that_are_made_step_by_step(text: str) -> None:
    assert simulate(text).events == simulate(text, rebuilds=True).events


@each
def test_the_state_is_that_which_the_events_give(text: str) -> None:
    done = simulate(text)
    assert final_state(refold(done.playbook, done.events)) == final_state(done.run)


def test_a_long_chain_makes_room_for_others() -> None:
    playbook = playbook_of("""
steps:
  - name: a
    run: [{action: set, values: {n: 1}}]
    rule: [{case: "{{ steps.a.visits < 3000 }}", run: [{step: a}]}]
""")
    run = Run(playbook, "01J0000000000000000000TEST")
    made = [len(decide(run, Start(at=1, inputs={}, env={})))]
    while not run.over:
        made.append(len(decide(run, Advance(at=1))))
    assert max(made) <= BATCH + 1
    assert sum(made) == 2 * 3000 + 2
