"""Where tokens can go: cycles, steps that nothing reaches, cases that nothing tries, and tasks that call themselves."""

from __future__ import annotations

import pytest
from checking import find, found, read
from msgspec.structs import replace

from noetl.language.checks.flow import live_cases
from noetl.model.playbook import Take

CYCLES_WITH_EXIT = {
    "a-case-that-leads-out": """
        steps:
          - name: Poll
            run: [{action: shell, cmd: [ls]}]
            rule: [{case: result.exit_code == 0, run: [{step: Done}]}, {case: default, run: [{step: Poll}]}]
          - {name: Done, run: [{action: noop}]}
        """,
    "a-case-that-ends": """
        context: {n: 0}
        steps:
          - name: Poll
            run: [{action: set, values: {n: "{{ n + 1 }}"}}]
            rule: [{case: n > 3, run: []}, {case: default, run: [{step: Poll}]}]
        """,
    "a-case-with-work": """
        context: {n: 0}
        steps:
          - name: Poll
            rule: [{case: n > 3, run: [{action: log, message: done}]}, {case: default, run: [{step: Poll}]}]
        """,
    "no-case-may-match": """
        context: {n: 0}
        steps:
          - {name: Poll, rule: [{case: default, run: [{step: Pause}]}]}
          - {name: Pause, run: [{action: wait, for: 1s}], rule: [{case: n < 3, run: [{step: Poll}]}]}
        """,
    "a-failure-that-leads-out-below-the-unconditional-case": """
        steps:
          - name: Poll
            run: [{action: shell, cmd: [ls]}]
            rule: [{case: default, run: [{step: Poll}]}, {case: result.failed, run: []}]
        """,
    "stop": """
        context: {n: 0}
        steps:
          - name: Poll
            run: [{action: stop, when: n > 3}, {action: set, values: {n: "{{ n + 1 }}"}}]
            rule: [{case: default, run: [{step: Poll}]}]
        """,
    "fail-in-a-task-of-a-task": """
        context: {n: 0}
        tasks:
          - {name: guard, run: [{task: give_up, when: n > 3}]}
          - {name: give_up, run: [{action: fail, message: enough}]}
        steps:
          - {name: Poll, run: [{task: guard}], rule: [{case: default, run: [{step: Poll}]}]}
        """,
    "fail-in-a-fallback": """
        tasks:
          - {name: give_up, run: [{action: fail, message: enough}]}
        steps:
          - name: Poll
            run: [{action: shell, cmd: [ls], fallback: give_up}]
            rule: [{case: default, run: [{step: Poll}]}]
        """,
    "one-branch-of-a-fork-leads-out": """
        steps:
          - {name: Poll, rule: [{case: default, run: [{step: Poll}, {step: Work}]}]}
          - {name: Work, run: [{action: noop}]}
        """,
}

CYCLES_WITHOUT_EXIT = {
    "of-itself": (
        """
        steps:
          - {name: Poll, rule: [{case: true, run: [{step: Poll}]}]}
        """,
        "the cycle Poll -> Poll has no exit: no case leads out of it or ends",
    ),
    "that-is-entered-from-outside": (
        """
        context: {n: 0}
        steps:
          - {name: Start, rule: [{case: default, run: [{step: B}]}]}
          - {name: A, rule: [{case: default, run: [{step: B}]}]}
          - {name: B, rule: [{case: n > 1, run: [{step: B}]}, {case: default, run: [{step: A}]}]}
        """,
        "the cycle A -> B -> A has no exit: no case leads out of it or ends",
    ),
    "whose-only-exit-never-fires": (
        """
        context: {n: 0}
        steps:
          - {name: A, rule: [{case: default, run: [{step: A}]}, {case: n > 1, run: []}]}
        """,
        "the cycle A -> A has no exit: no case leads out of it or ends",
    ),
    "that-is-long": (
        """
        steps:
          - {name: A, rule: [{case: default, run: [{step: B}]}]}
          - {name: B, rule: [{case: default, run: [{step: C}]}]}
          - {name: C, rule: [{case: default, run: [{step: D}]}]}
          - {name: D, rule: [{case: default, run: [{step: E}]}]}
          - {name: E, rule: [{case: default, run: [{step: F}]}]}
          - {name: F, rule: [{case: default, run: [{step: A}]}]}
        """,
        "the cycle A -> B -> C -> D -> E -> ... -> A has no exit: no case leads out of it or ends",
    ),
}

DEAD_CASES = {
    "below-an-unconditional-one": (
        """
        context: {n: 0}
        steps:
          - name: A
            rule: [{case: n, run: []}, {case: default, run: []}, {case: n > 1, run: []}, {case: true, run: []}]
        """,
        ["dead-case: n > 1", "dead-case: true"],
    ),
    "reading-the-outcome-of-work-that-may-fail": (
        """
        steps:
          - name: A
            run: [{action: shell, cmd: [ls]}]
            rule: [{case: default, run: []}, {case: result.failed, run: []}, {case: error.transient, run: []}]
        """,
        [],
    ),
    "reading-the-outcome-of-the-work-of-a-case": (
        """
        steps:
          - name: A
            rule: [{case: default, run: [{action: shell, cmd: [ls]}]}, {case: result.failed, run: []}]
        """,
        [],
    ),
    "reading-the-outcome-of-nothing": (
        """
        steps:
          - name: A
            rule: [{case: default, run: []}, {case: result.failed, run: []}]
        """,
        ["dead-case: result.failed"],
    ),
    "leading-to-a-step-that-is-then-unreachable": (
        """
        context: {n: 0}
        steps:
          - name: A
            rule: [{case: default, run: []}, {case: n, run: [{step: B}]}]
          - {name: B, run: [{action: noop}]}
        """,
        ["dead-case: n", "unreachable-step: B"],
    ),
}

REACHED = {
    "from-a-start-that-is-not-the-first": (
        """
        start: B
        steps:
          - {name: A, run: [{action: noop}]}
          - {name: B, run: [{action: noop}]}
        """,
        ["unreachable-step: A"],
    ),
    "from-several-starts": (
        """
        start: [A, B]
        steps:
          - {name: A, run: [{action: noop}]}
          - {name: B, run: [{action: noop}]}
        """,
        [],
    ),
    "only-from-steps-that-are-unreachable-too": (
        """
        steps:
          - {name: A, run: [{action: noop}]}
          - {name: B, rule: [{case: default, run: [{step: C}]}]}
          - {name: C, run: [{action: noop}]}
        """,
        ["unreachable-step: B", "unreachable-step: C"],
    ),
}

TASKS = {
    "a-task-that-calls-itself": (
        """
        tasks: [{name: a, run: [{task: a}]}]
        steps: [{name: A, run: [{task: a}]}]
        """,
        ["task-recursion: a"],
    ),
    "a-task-that-falls-back-to-itself": (
        """
        tasks: [{name: a, run: [{action: shell, cmd: [ls], fallback: b}]}, {name: b, run: [{task: a}]}]
        steps: [{name: A, run: [{task: a}]}]
        """,
        ["task-recursion: b"],
    ),
    "tasks-that-only-unused-tasks-call": (
        """
        tasks: [{name: a, run: [{task: b}]}, {name: b, run: [{action: noop}]}]
        steps: [{name: A, run: [{action: noop}]}]
        """,
        ["unused-task: a", "unused-task: b"],
    ),
    "a-task-that-only-a-fallback-uses": (
        """
        tasks: [{name: a, run: [{action: noop}]}]
        steps: [{name: A, run: [{action: shell, cmd: [ls], fallback: {task: a}}]}]
        """,
        [],
    ),
    "a-task-that-only-a-case-uses": (
        """
        tasks: [{name: a, run: [{action: noop}]}]
        steps: [{name: A, rule: [{case: default, run: [a]}]}]
        """,
        [],
    ),
    "two-recursions": (
        """
        tasks:
          - {name: a, run: [{task: b}]}
          - {name: b, run: [{task: a}, {task: c}]}
          - {name: c, run: [{task: c}]}
        steps: [{name: A, run: [{task: a}]}]
        """,
        ["task-recursion: b", "task-recursion: c"],
    ),
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in CYCLES_WITH_EXIT.items()])
def test_a_cycle_with_an_exit_is_accepted(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "message"), [pytest.param(*case, id=name) for name, case in CYCLES_WITHOUT_EXIT.items()]
)
def test_a_cycle_without_an_exit_is_an_error(body: str, message: str) -> None:
    assert message in [problem.message for problem in find(body) if problem.code == "cycle-without-exit"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [pytest.param(*case, id=name) for name, case in {**DEAD_CASES, **REACHED, **TASKS}.items()],
)
def test_what_can_never_happen_is_told(body: str, expected: list[str]) -> None:
    assert found(body) == expected


@pytest.mark.parametrize(
    ("read_as", "expected"),
    [
        pytest.param("{{ since }}", [], id="by-its-name"),
        pytest.param("{{ inputs.since }}", [], id="as-a-part"),
        pytest.param("{{ inputs['since'] }}", [], id="in-brackets"),
        pytest.param("{{ inputs }}", [], id="all-of-them"),
        pytest.param("{% for name, value in inputs.items() %}{{ value }}{% endfor %}", [], id="one-by-one"),
        pytest.param("{{ since |nofilter }}", ["unknown-filter: nofilter"], id="where-the-template-is-broken"),
        pytest.param("since", ["unused-input: since"], id="not-at-all"),
    ],
)
def test_an_input_that_nothing_reads_is_told(read_as: str, expected: list[str]) -> None:
    body = f"""
        inputs: {{since: {{type: string}}}}
        steps: [{{name: A, run: [{{action: log, message: "{read_as}"}}]}}]
        """
    assert found(body) == expected


def test_a_task_that_only_compensates_is_used() -> None:
    body = """
        tasks: [{name: undo, run: [{action: noop}]}]
        steps: [{name: A, run: [{action: shell, cmd: [ls], compensate: undo}]}]
        """
    assert "unused-task: undo" not in found(body)


def test_every_case_of_a_step_that_takes_all_can_fire() -> None:
    playbook, _ = read("""
        steps:
          - name: A
            rule: [{case: default, run: [{step: A}]}, {case: default, run: []}]
        """)
    step = playbook.step_list[0]
    assert [case.number for case in live_cases(step)] == [1]
    assert [case.number for case in live_cases(replace(step, take=Take.ALL))] == [1, 2]
