"""A playbook's graph: what there is to draw, whatever it is drawn as."""

from __future__ import annotations

import pytest
from playbook_graphs import HOSTILE, edge, graph, node, ways

import noetl
from noetl.drawing.building import graph_of
from noetl.drawing.wording import TIMES

ALWAYS = "rule: [{case: default, run: [{step: B}]}]"


def test_cases_are_edges_in_their_order_with_their_conditions() -> None:
    found = graph(
        """
        - name: A
          run: [{action: noop}]
          rule:
            - {case: "{{ result.failed }}", run: [{step: B}]}
            - {case: n > 1, run: [{step: A}]}
            - {case: default, run: [{step: B}]}
        - {name: B, run: [{action: noop}]}
        """
    )
    assert ways(found) == [
        "(start) --> A",
        "A -1: result.failed-> B",
        "A -2: n > 1-> A",
        "A -3: default-> B",
        "B --> (end)",
    ]


def test_the_only_way_needs_no_label() -> None:
    found = graph(f"- {{name: A, run: [{{action: noop}}], {ALWAYS}}}\n- {{name: B, run: [{{action: noop}}]}}")
    assert "A --> B" in ways(found)


def test_a_case_with_work_is_a_node_after_which_the_branch_ends() -> None:
    found = graph("- {name: A, rule: [{case: ready, run: [{action: log, message: x}, {action: noop}]}]}")
    assert ways(found) == [
        "(start) --> A",
        "A -1: ready-> log+noop",
        "log+noop --> (end)",
        "A -otherwise-> (end)",
    ]


@pytest.mark.parametrize(
    ("action", "end"),
    [
        pytest.param("{action: fail, message: no}", "(fails)", id="fail"),
        pytest.param("{action: stop}", "(stops the run)", id="stop"),
        pytest.param("{action: noop}", "(end)", id="other"),
        pytest.param("{action: fail, message: no, when: ready}", "(end)", id="a fail that may be skipped"),
    ],
)
def test_an_end_says_when_more_than_the_branch_ends(action: str, end: str) -> None:
    assert ways(graph(f"- {{name: A, run: [{action}]}}"))[-1] == f"A --> {end}"
    assert ways(graph(f"- {{name: A, rule: [{{case: default, run: [{action}]}}]}}"))[-1].endswith(f"--> {end}")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("result.success", "result.failed", id="outcomes"),
        pytest.param("ready", "not ready", id="a name and its opposite"),
        pytest.param("ready", "default", id="default"),
    ],
)
def test_cases_that_leave_nothing_out_leave_no_other_way(first: str, second: str) -> None:
    rule = f"rule: [{{case: {first}, run: []}}, {{case: {second}, run: []}}]"
    assert not [way for way in ways(graph(f"- {{name: A, run: [{{action: noop}}], {rule}}}")) if "otherwise" in way]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("rule: [{case: ready or n, run: []}, {case: not ready or n, run: []}]", id="no opposites"),
        pytest.param(
            "when: ready, run: [{action: noop}], rule: [{case: result.success, run: []}, {case: result.failed, run: []}]",
            id="skipped work",
        ),
    ],
)
def test_cases_that_may_all_be_false_leave_another_way(step: str) -> None:
    assert [way for way in ways(graph(f"- {{name: A, {step}}}")) if "otherwise" in way]


@pytest.mark.parametrize(
    ("parallel", "said"), [("false", "(in turn)"), ("true", "(at once)"), ("2", "(2 at once)")], ids=str
)
def test_a_fork_is_a_node_that_says_how_its_branches_go_on(parallel: str, said: str) -> None:
    found = graph(
        f"""
        - name: A
          parallel: {parallel}
          rule: [{{case: ready, run: [{{step: B}}, {{step: C}}, {{step: B}}]}}]
        - {{name: B, join: each, run: [{{action: noop}}]}}
        - {{name: C, run: [{{action: noop}}]}}
        """
    )
    assert ways(found)[1:5] == [f"A -1: ready-> {said}", f"{said} --> B", f"{said} --> C", f"{said} --> B"]


def test_several_starts_are_a_fork() -> None:
    found = graph(
        "- {name: A, run: [{action: noop}]}\n- {name: B, run: [{action: noop}]}", "start: [B, A]\nparallel: true\n"
    )
    assert ways(found)[:3] == ["(start) --> (at once)", "(at once) --> B", "(at once) --> A"]


def test_steps_that_nothing_reaches_and_cases_that_never_fire_are_marked() -> None:
    found = graph(
        """
        - {name: A, run: [{action: noop}], rule: [{case: default, run: []}, {case: ready, run: [{step: B}]}]}
        - {name: B, run: [{action: noop}]}
        """
    )
    assert node(found, "A").reached
    assert not node(found, "B").reached
    assert node(found, "B").marks == ("never reached",)
    assert edge(found, "A -2: ready-> B").dead
    assert edge(found, "A -2: ready-> B").about == "case 2 of step 'A': ready (it can never fire)"


def test_a_step_shows_its_actions_and_how_they_are_done() -> None:
    found = graph(
        """
        - name: A
          parallel: true
          retry: 3
          when: not ready
          on_error: compensate
          run:
            - {action: noop}
            - {action: noop}
            - {action: shell, cmd: "true", timeout: 5m, on_error: continue, loop: {items: "{{ [1] }}", as: file, parallel: 4}}
            - {action: shell, cmd: "true", loop: {while: n > 1}}
            - {task: t, fallback: u}
        """,
        """
        tasks:
          - {name: t, run: [{action: noop}]}
          - {name: u, run: [{action: noop}]}
        """,
    )
    assert node(found, "A").lines == (
        f"noop {TIMES}2",
        "shell, for each file, 4 at once, within…",
        "shell, while n > 1",
        "task t, fallback u",
    )
    assert node(found, "A").marks == ("at once", "if not ready", "3 attempts", "its branch is undone if it fails")


def test_joins_and_merges_are_marked() -> None:
    found = graph("- {name: A, join: 2, merge: last, run: [{action: noop}]}")
    assert node(found, "A").marks == ("join 2", "merge last")


def test_many_actions_are_summed_up() -> None:
    calls = ", ".join(["{action: noop}"] * 2 + ["{action: stop}", "{action: noop}"] * 3)
    assert node(graph(f"- {{name: A, run: [{calls}]}}"), "A").lines == (
        f"noop {TIMES}2",
        "stop",
        "noop",
        "stop",
        "… 3 more",
    )


def test_a_long_condition_is_cut_in_the_label_and_whole_in_the_tooltip() -> None:
    condition = " and ".join(f"n > {number}" for number in range(12))
    found = graph(f"- {{name: A, rule: [{{case: '{condition}', run: []}}]}}")
    (way,) = (way for way in found.edges if way.label.startswith("1:"))
    assert len(way.label) < 64
    assert way.label.endswith("…")
    assert way.about.endswith(condition)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{{ n > 1 }}", "n > 1"),
        ("{{- n > 1 -}}", "n > 1"),
        ("{{ -n > 1 }}", "-n > 1"),
        ("n > 1", "n > 1"),
        ("{{ n == '}}' }}", "n == '}}'"),
    ],
)
def test_a_condition_is_shown_without_its_braces(written: str, shown: str) -> None:
    found = graph(f'- {{name: A, rule: [{{case: "{written}", run: []}}]}}')
    assert found.edges[1].label == f"1: {shown}"


def test_passwords_and_characters_that_nobody_sees_are_not_in_a_graph() -> None:
    found = repr(graph_of(noetl.load(HOSTILE)))
    assert "hunter22" not in found
    assert "http://user:***@host/" in found
    assert "\\x07" not in found
    assert "\\u202e" not in found
