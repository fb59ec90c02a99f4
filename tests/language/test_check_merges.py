"""Where branches come together: meetings without a join, and variables that several branches set."""

from __future__ import annotations

import pytest
from checking import found

MEETINGS = {
    "at-a-join": (
        """
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - {name: Left, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Right, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, join: all, rule: [{case: default, run: [{step: Last}]}]}
          - {name: Last, run: [{action: noop}]}
        """,
        [],
    ),
    "only-the-first-step-that-both-come-to": (
        """
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - {name: Left, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Right, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, rule: [{case: default, run: [{step: Last}]}]}
          - {name: Last, run: [{action: noop}]}
        """,
        ["missing-join: Meet"],
    ),
    "branches-of-different-length": (
        """
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Meet}, {step: A}]}]}
          - {name: A, rule: [{case: default, run: [{step: B}]}]}
          - {name: B, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, run: [{action: noop}]}
        """,
        ["missing-join: Meet"],
    ),
    "a-fork-within-a-branch": (
        """
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - {name: Left, rule: [{case: default, run: [{step: A}, {step: B}]}]}
          - {name: A, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: B, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, run: [{action: noop}]}
          - {name: Right, run: [{action: noop}]}
        """,
        ["missing-join: Meet"],
    ),
    "a-branch-that-joins-on-the-way": (
        """
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - {name: Left, rule: [{case: default, run: [{step: A}, {step: B}]}]}
          - {name: A, rule: [{case: default, run: [{step: Inner}]}]}
          - {name: B, rule: [{case: default, run: [{step: Inner}]}]}
          - {name: Inner, join: all, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Right, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, run: [{action: noop}]}
        """,
        ["missing-join: Meet"],
    ),
    "alternatives-are-no-fork": (
        """
        context: {n: 0}
        steps:
          - {name: Choose, rule: [{case: n > 1, run: [{step: Left}]}, {case: default, run: [{step: Right}]}]}
          - {name: Left, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Right, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, run: [{action: noop}]}
        """,
        [],
    ),
    "a-branch-that-goes-back-and-forks-again": (
        """
        context: {n: 0}
        steps:
          - {name: First, rule: [{case: default, run: [{step: Fork}]}]}
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - {name: Left, rule: [{case: n > 1, run: [{step: First}]}, {case: n > 0, run: [{step: Fork}]}]}
          - {name: Right, rule: [{case: default, run: [{step: Last}]}]}
          - {name: Last, run: [{action: noop}]}
        """,
        [],
    ),
    "a-handler-of-failures": (
        """
        context: {n: 0}
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - name: Left
            run: [{action: shell, cmd: [ls]}]
            rule: [{case: result.failed, run: [{step: Report}]}]
          - name: Right
            run: [{action: shell, cmd: [ls]}]
            rule: [{case: "{{ n < 3 and error.code == 'timeout' }}", run: [{step: Report}]}]
          - {name: Report, run: [{action: noop}]}
        """,
        [],
    ),
    "a-handler-of-failures-and-more": (
        """
        context: {n: 0}
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - name: Left
            run: [{action: shell, cmd: [ls]}]
            rule: [{case: result.failed or n > 3, run: [{step: Report}]}]
          - name: Right
            run: [{action: shell, cmd: [ls]}]
            rule: [{case: result.success, run: [{step: Report}]}]
          - {name: Report, run: [{action: noop}]}
        """,
        ["missing-join: Report"],
    ),
    "several-starts": (
        """
        start: [Left, Right]
        steps:
          - {name: Left, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Right, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, run: [{action: noop}]}
        """,
        ["missing-join: Meet"],
    ),
    "of-two-forks-told-once": (
        """
        context: {n: 0}
        steps:
          - name: Fork
            rule: [{case: n > 1, run: [{step: Left}, {step: Right}]}, {case: default, run: [{step: Right}, {step: Left}]}]
          - {name: Left, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Right, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, run: [{action: noop}]}
        """,
        ["missing-join: Meet"],
    ),
    "a-race": (
        """
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - {name: Left, run: [{action: set, values: {a: 1}}], rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Right, run: [{action: set, values: {a: 2}}], rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, join: first, run: [{action: noop}]}
        """,
        [],
    ),
}


def _join(left: str, right: str, join: str = "join: all") -> str:
    """Two branches that do their work and then meet."""
    return f"""
        context: {{n: 0}}
        tasks:
          - {{name: count, run: [{{action: set, values: {{a: "{{{{ n }}}}"}}}}]}}
          - {{name: other, run: [{{task: count}}]}}
        steps:
          - {{name: Fork, rule: [{{case: default, run: [{{step: Left}}, {{step: Right}}, {{step: Other}}]}}]}}
          - {{name: Left, run: [{left}], rule: [{{case: default, run: [{{step: Meet}}]}}]}}
          - {{name: Right, run: [{right}], rule: [{{case: default, run: [{{step: Meet}}]}}]}}
          - {{name: Other, run: [{{task: other, when: n > 7, loop: {{items: 3, parallel: 3}}}}]}}
          - {{name: Meet, {join}, run: [{{action: noop}}]}}
        """


CONFLICTS = {
    "different-names": (_join("{action: set, values: {a: 1}}", "{action: set, values: {b: 2}}"), []),
    "different-values": (
        _join("{action: set, values: {a: 1}}", "{action: set, values: {a: 2}}"),
        ["merge-conflict-possible: a"],
    ),
    "the-same-value": (_join("{action: set, values: {a: 1}}", "{action: set, values: {a: 1}}"), []),
    "values-that-only-the-run-knows": (
        _join("{action: set, values: {a: '{{ n }}'}}", "{action: set, values: {a: '{{ n }}'}}"),
        ["merge-conflict-possible: a"],
    ),
    "results": (
        _join("{action: shell, cmd: [ls], as: a}", "{action: shell, cmd: [ls], as: {b: 1, a: '{{ data }}'}}"),
        ["merge-conflict-possible: a"],
    ),
    "merge-last": (
        _join("{action: shell, cmd: [ls], as: a}", "{action: set, values: {a: 1}}", "join: all, merge: last"),
        [],
    ),
    "merge-collect": (
        _join("{action: shell, cmd: [ls], as: a}", "{action: set, values: {a: 1}}", "join: all, merge: collect"),
        [],
    ),
    "a-join-of-two": (
        _join("{action: shell, cmd: [ls], as: a}", "{action: set, values: {a: 1}}", "join: 2"),
        ["merge-conflict-possible: a"],
    ),
    "a-join-of-one": (_join("{action: shell, cmd: [ls], as: a}", "{action: set, values: {a: 1}}", "join: 1"), []),
    "any": (_join("{action: shell, cmd: [ls], as: a}", "{action: set, values: {a: 1}}", "join: any"), []),
    "in-values-within-values": (
        _join("{action: set, values: {a: [{b: 1}]}}", "{action: set, values: {a: [{b: '{{ n }}'}]}}"),
        ["merge-conflict-possible: a"],
    ),
    "in-called-tasks": (_join("{task: count}", "{task: other}"), ["merge-conflict-possible: other"]),
    "in-iterations-that-keep-what-they-set": (
        _join("{task: count, loop: {items: 3}}", "{task: count}"),
        ["merge-conflict-possible: count"],
    ),
    "in-parallel-iterations": (_join("{task: count, loop: {items: 3, parallel: 3}}", "{task: count}"), []),
    "in-a-fallback": (
        _join("{action: shell, cmd: [ls], fallback: count}", "{action: set, values: {a: 1}}"),
        ["merge-conflict-possible: a"],
    ),
}

FAR_FROM_THE_JOIN = {
    "early-in-its-branch": (
        """
        context: {n: 0}
        steps:
          - {name: Fork, rule: [{case: default, run: [{step: Left}, {step: Right}]}]}
          - {name: Left, run: [{action: set, values: {a: 1}}], rule: [{case: default, run: [{step: Between}]}]}
          - {name: Between, rule: [{case: n > 1, run: [{step: Meet}]}, {case: n > 0, run: [{step: Left}]}]}
          - {name: Right, run: [{action: set, values: {a: 2}}], rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, join: all, run: [{action: noop}]}
        """,
        ["merge-conflict-possible: a"],
    ),
    "before-the-fork-and-after-the-join": (
        """
        steps:
          - name: Fork
            run: [{action: set, values: {a: 1}}]
            rule: [{case: default, run: [{step: Left}, {step: Right}]}]
          - {name: Left, run: [{action: set, values: {a: 2}}], rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Right, rule: [{case: default, run: [{step: Meet}]}]}
          - {name: Meet, join: all, run: [{action: set, values: {a: 3}}], rule: [{case: default, run: [{step: Last}]}]}
          - {name: Last, run: [{action: set, values: {a: 4}}]}
        """,
        [],
    ),
}

ITEMS = {
    "sequential": (
        """
        steps:
          - {name: A, run: [{action: shell, cmd: [ls], as: a}, {action: shell, cmd: [ls], as: a}]}
        """,
        [],
    ),
    "settled": (
        """
        steps:
          - name: A
            parallel: 2
            merge: last
            run: [{action: shell, cmd: [ls], as: a}, {action: shell, cmd: [ls], as: a}]
        """,
        [],
    ),
    "of-a-playbook-that-is-parallel": (
        """
        parallel: true
        steps:
          - {name: A, run: [{action: shell, cmd: [ls], as: a}, {action: shell, cmd: [pwd], as: a}]}
        """,
        ["merge-conflict-possible: a"],
    ),
    "of-a-task": (
        """
        tasks:
          - {name: t, parallel: true, run: [{action: shell, cmd: [ls], as: a}, {action: shell, cmd: [pwd], as: a}]}
        steps: [{name: A, run: [{task: t}]}]
        """,
        ["merge-conflict-possible: a"],
    ),
    "of-a-task-whose-step-settles-it": (
        """
        tasks:
          - {name: t, parallel: true, run: [{action: shell, cmd: [ls], as: a}, {action: shell, cmd: [pwd], as: a}]}
        steps: [{name: A, merge: collect, run: [{task: t}]}]
        """,
        [],
    ),
    "of-a-case": (
        """
        steps:
          - name: A
            parallel: true
            rule: [{case: default, run: [{action: shell, cmd: [ls], as: a}, {action: shell, cmd: [pwd], as: a}]}]
        """,
        ["merge-conflict-possible: a"],
    ),
}

ENDED = {
    "an-output-reads-it": ('"{{ a }}"', ["merge-conflict-possible: a"]),
    "an-output-reads-it-as-a-part": ('"{{ context.a }}"', ["merge-conflict-possible: a"]),
    "no-output-reads-it": ('"{{ n }}"', []),
}


@pytest.mark.parametrize(("body", "expected"), [pytest.param(*case, id=name) for name, case in MEETINGS.items()])
def test_a_step_that_two_branches_reach_needs_a_join(body: str, expected: list[str]) -> None:
    assert found(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [pytest.param(*case, id=name) for name, case in {**CONFLICTS, **FAR_FROM_THE_JOIN, **ITEMS}.items()],
)
def test_what_is_set_twice_may_conflict(body: str, expected: list[str]) -> None:
    assert found(body) == expected


@pytest.mark.parametrize(("output", "expected"), [pytest.param(*case, id=name) for name, case in ENDED.items()])
def test_what_ended_branches_set_is_told_where_an_output_reads_it(output: str, expected: list[str]) -> None:
    body = f"""
        context: {{n: 0}}
        steps:
          - {{name: Fork, rule: [{{case: default, run: [{{step: Left}}, {{step: Right}}]}}]}}
          - {{name: Left, run: [{{action: set, values: {{a: 1}}}}], rule: [{{case: n, run: []}}]}}
          - {{name: Right, rule: [{{case: default, run: [{{action: shell, cmd: [ls], as: a}}]}}]}}
        outputs: {{out: {output}}}
        """
    assert found(body) == expected
