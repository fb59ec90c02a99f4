"""What holds of every playbook that the generator makes and the check accepts."""

from __future__ import annotations

import random
from typing import Any

import yaml
from generated import playbooks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulation import SHAPES, Simulation, final_state, refold

from noetl.errors import Severity
from noetl.language import parse
from noetl.language.check import check
from noetl.model.playbook import Playbook
from noetl.span import Source

thorough = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def accepted(data: dict[str, Any]) -> Playbook | None:
    source = Source("generated.yaml", yaml.safe_dump(data, sort_keys=False))
    playbook, problems = parse(source, SHAPES)
    if playbook is None or any(p.severity is Severity.ERROR for p in [*problems, *check(playbook)]):
        return None
    return playbook


@given(playbooks())
@thorough
def test_a_checked_playbook_runs_to_an_end_and_leaves_nothing_behind(data: dict[str, Any]) -> None:
    playbook = accepted(data)
    if playbook is None:
        return
    done = Simulation(playbook).finish()
    assert done.run.over
    assert not done.run.tokens
    assert not done.run.timers
    assert [event.seq for event in done.events] == list(range(1, len(done.events) + 1))
    assert final_state(refold(playbook, done.events)) == final_state(done.run)


@given(playbooks(), st.integers(0, 10_000))
@thorough
def test_a_run_rebuilt_after_every_event_comes_to_the_same(data: dict[str, Any], seed: int) -> None:
    playbook = accepted(data)
    if playbook is None:
        return
    straight = Simulation(playbook, choose=random.Random(seed).randrange).finish()
    rebuilt = Simulation(playbook, choose=random.Random(seed).randrange, rebuilds=True).finish()
    assert final_state(rebuilt.run) == final_state(straight.run)


@given(playbooks(racing=False), st.integers(0, 10_000))
@thorough
def test_the_answer_does_not_depend_on_the_order_in_which_actions_end(data: dict[str, Any], seed: int) -> None:
    playbook = accepted(data)
    if playbook is None:
        return
    straight = Simulation(playbook).finish()
    shuffled = Simulation(playbook, choose=random.Random(seed).randrange).finish()
    if "cancelled" in _statuses(straight) | _statuses(shuffled):
        return  # What a failure cuts off depends on how far it was.
    assert final_state(shuffled.run) == final_state(straight.run)
    assert _by_token(shuffled) == _by_token(straight)


def _statuses(done: Simulation) -> set[str]:
    return {"cancelled" if "cancelled" in event.kind else event.kind for event in done.events} | {
        str(row.status) for row in done.run.rows
    }


def _by_token(done: Simulation) -> dict[str, list[Any]]:
    """Each token's own events, without what depends on time or on the whole run."""
    found: dict[str, list[Any]] = {}
    for event in done.events:
        data = {key: value for key, value in event.data.items() if key not in ("duration", "timer", "changes", "visit")}
        found.setdefault(event.token, []).append((event.kind, event.step, data.get("place"), data.get("key")))
    found.pop("", None)
    return found
