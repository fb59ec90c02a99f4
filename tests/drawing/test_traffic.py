"""What happened in runs, told by their graphs: states and visits of nodes, counts and times of ways."""

from __future__ import annotations

import re

import pytest
from playbook_graphs import drawn_run, edge, events_of_run, node, playbook, traffic_of_run, ways

from noetl.drawing.graph import Route, State
from noetl.drawing.wording import TIMES

RING = """
- name: Ring
  run: [{action: set, values: {n: "{{ n + 1 }}"}}]
  rule: [{case: n < 50, run: [{step: Ring}]}]
"""

FORK = """
- name: Split
  parallel: %s
  rule: [{case: default, run: [{step: Fast}, {step: Slow}, {step: Fast}]}]
- {name: Fast, join: each, run: [{action: noop}], rule: [{case: default, run: [{step: Meet}]}]}
- {name: Slow, run: [{action: wait, for: 30ms}], rule: [{case: default, run: [{step: Meet}]}]}
- {name: Meet, join: %s, run: [{action: noop}]}
"""

COMPLAINING = """
- name: Try
  run: [{action: fail, message: no}]
  rule:
    - {case: result.success, run: [{step: Never}]}
    - {case: default, run: [{step: Never}]}
    - {case: error, run: [%s]}
- {name: Never, run: [{action: noop}]}
"""


def counted(happened: str) -> int:
    return int(happened.split(TIMES)[0])


def test_visits_and_ways_of_a_cycle_are_counted() -> None:
    drawn = drawn_run(RING)
    assert re.fullmatch(r"50 visits, \d+ms", node(drawn, "Ring").happened)
    assert counted(edge(drawn, "Ring -1: n < 50-> Ring").happened) == 49
    assert counted(edge(drawn, "Ring -otherwise-> (end)").happened) == 1


@pytest.mark.parametrize("parallel", ["true", "false", "2"])
def test_every_branch_of_a_fork_is_followed_to_its_join(parallel: str) -> None:
    drawn = drawn_run(FORK % (parallel, "all"))
    assert {edge.happened.split(TIMES)[0] for edge in drawn.edges if edge.source.startswith("f")} == {"1"}
    assert counted(edge(drawn, "Fast --> Meet").happened) == 2
    assert counted(edge(drawn, "Slow --> Meet").happened) == 1
    assert counted(edge(drawn, "Meet --> (end)").happened) == 1


def test_how_long_tokens_waited_at_a_join_is_told() -> None:
    drawn = drawn_run(FORK % ("true", "all"))
    assert re.search(r", waited \d+ms$", edge(drawn, "Fast --> Meet").happened)
    assert "waited" not in edge(drawn, "Slow --> Meet").happened


def test_tokens_that_come_too_late_for_a_join_have_taken_their_way() -> None:
    drawn = drawn_run(FORK % ("true", "any"))
    assert counted(edge(drawn, "Fast --> Meet").happened) == 2
    assert counted(edge(drawn, "Slow --> Meet").happened) == 1
    assert node(drawn, "Meet").state is State.COMPLETED


def test_tokens_that_still_wait_at_a_join_have_taken_their_way() -> None:
    ran = playbook(FORK % ("true", "all"))
    events = events_of_run(ran)
    last = next(at for at, event in enumerate(events) if event.step == "Slow" and event.kind == "step.completed")
    drawn = drawn_run(FORK % ("true", "all"), ends=last)
    assert counted(edge(drawn, "Fast --> Meet").happened) == 2
    assert node(drawn, "Meet").state is State.UNVISITED
    assert node(drawn, "Slow").state is State.RUNNING


@pytest.mark.parametrize(
    ("work", "state", "end"),
    [
        pytest.param("{action: noop}", State.COMPLETED, "noop --> (end)", id="that completes"),
        pytest.param("{action: fail, message: never}", State.FAILED, "fail --> (fails)", id="that fails"),
    ],
)
def test_a_case_that_takes_a_failure_has_the_state_of_its_own_work(work: str, state: State, end: str) -> None:
    drawn = drawn_run(COMPLAINING % work)
    assert node(drawn, "Try").state is State.FAILED
    (done,) = (node for node in drawn.nodes if node.kind == "work")
    assert done.state is state
    assert edge(drawn, end).taken
    assert node(drawn, "Never").state is State.UNVISITED


def test_a_failure_that_nobody_takes_leaves_by_no_way() -> None:
    drawn = drawn_run("- {name: A, run: [{action: shell, cmd: 'false'}], rule: [{case: default, run: []}]}")
    assert node(drawn, "A").state is State.FAILED
    assert [way for way, edge in zip(ways(drawn), drawn.edges, strict=True) if edge.taken] == ["(start) --> A"]


def test_what_the_other_branch_did_when_a_run_was_stopped_is_cancelled() -> None:
    drawn = drawn_run(
        """
        - {name: A, parallel: true, rule: [{case: default, run: [{step: Long}, {step: Short}]}]}
        - {name: Long, run: [{action: wait, for: 60s}]}
        - {name: Short, run: [{action: stop}]}
        """
    )
    assert node(drawn, "Long").state is State.CANCELLED
    assert node(drawn, "stops the run").state is State.COMPLETED


def test_the_work_of_a_case_that_goes_on_is_running() -> None:
    steps = "- {name: A, rule: [{case: default, run: [{action: wait, for: 1ms}]}]}"
    drawn = drawn_run(steps, ends=-2)
    (work,) = (node for node in drawn.nodes if node.kind == "work")
    assert work.state is State.RUNNING
    assert edge(drawn, "A --> wait").taken
    assert not edge(drawn, "wait --> (end)").taken


def test_several_starts_are_followed() -> None:
    traffic = traffic_of_run(
        playbook("- {name: A, run: [{action: noop}]}\n- {name: B, run: [{action: noop}]}", "start: [A, B]\n")
    )
    assert traffic.passages[Route("", None, 0)].count == 1
    assert traffic.passages[Route("", None, 1)].count == 1


def test_a_run_that_has_only_begun_can_be_drawn() -> None:
    drawn = drawn_run(RING, ends=1)
    assert node(drawn, "Ring").state is State.UNVISITED
    assert "running after 0ms" in drawn.subtitle
