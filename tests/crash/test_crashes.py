"""Whatever dies, and whenever: what was going on goes on, and comes to what it would have come to.

A sample of all crashes; `pytest tests/crash --all-crashes` tries every one.
"""

from __future__ import annotations

import random
from functools import cache

import pytest
from corner_cases import CORNER_CASES
from corpus import CORPUS
from crash_cases import CRASH_CASES
from crashing import Ending, Plan, Scenario, carry_out, differences, every_plan
from policy_cases import POLICY_CASES
from undoing_cases import UNDOING_CASES

SCENARIOS = [
    *(
        Scenario(rehearsal.name, rehearsal.text, races=rehearsal.races or rehearsal.undoes_as_it_came)
        for rehearsal in (*CORPUS, *CORNER_CASES, *POLICY_CASES, *UNDOING_CASES)
    ),
    *CRASH_CASES,
]

#: How many crashes of a scenario the sample has.
SAMPLE, SAMPLE_OF_CASES = 2, 8


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """What an engine warns of in these worlds is what the test is about."""
    caplog.set_level("CRITICAL", "noetl")


@cache
def calm(scenario: str, single: bool) -> Ending:
    ending, wrong = carry_out(_by_name(scenario), Plan(single=single))
    assert not wrong, "something is wrong even where nobody dies"
    return ending


def _by_name(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def plans(scenario: Scenario, config: pytest.Config) -> list[Plan]:
    if config.getoption("--all-crashes", default=False):
        return [plan for single in (False, True) for plan in every_plan(calm(scenario.name, single), single=single)]
    chosen = config.getoption("--crash", default=None)
    if chosen is not None:
        return [Plan.of(chosen)]
    seed = config.getoption("--crash-seed", default="1")
    chance = random.Random(f"{seed}/{scenario.name}")
    single = chance.random() < 0.5
    every = list(every_plan(calm(scenario.name, single), single=single))
    return chance.sample(every, min(len(every), SAMPLE_OF_CASES if scenario in CRASH_CASES else SAMPLE))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_run_whose_engines_die_comes_to_the_same(
    scenario: Scenario, pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> None:
    for plan in plans(scenario, pytestconfig):
        wrong = differences(scenario, plan, calm(scenario.name, plan.single))
        again = f"pytest '{request.node.nodeid}' --crash {plan}"
        assert not wrong, "\n".join([*wrong, f"again: {again}"])


def test_a_plan_is_named_by_its_text() -> None:
    for scenario in CRASH_CASES:
        for plan in every_plan(calm(scenario.name, True), single=True):
            assert Plan.of(str(plan)) == plan
