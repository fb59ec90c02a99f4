"""Rehearsals of what bounds and undoes a run: compensations, retry budgets and levels of service."""

from __future__ import annotations

from corpus import Rehearsal

UNDO = """
tasks:
  - {name: undo, args: {what: "?"}, run: [{action: shell, cmd: "undo {{ what }} because {{ error.code }}"}]}
"""

POLICY_CASES = [
    Rehearsal(
        "what had completed is undone when the run fails",
        UNDO
        + """
steps:
  - {name: A, run: [{action: shell, cmd: a, compensate: {task: undo, with: {what: a}}}], rule: [{case: true, run: [{step: B}]}]}
  - {name: B, run: [{action: shell, cmd: b, compensate: {task: undo, with: {what: b}}}, {action: fail, code: full, message: full}]}
outputs: {}
""",
        status="failed",
        error="full",
    ),
    Rehearsal(
        "a compensation sees what its work saw and gave",
        UNDO
        + """
context: {n: 1}
steps:
  - name: Each
    run:
      - {action: shell, cmd: "book {{ item }}", loop: {items: [x, y]}, compensate: {task: undo, with: {what: "{{ item }} {{ n }} {{ result.data }}"}}}
      - {action: set, values: {n: 2}}
      - {action: fail, code: full, message: full}
outputs: {}
""",
        status="failed",
        error="full",
    ),
    Rehearsal(
        "parallel work is undone too",
        UNDO
        + """
steps:
  - name: Fork
    parallel: true
    rule: [{case: true, run: [{step: A}, {step: B}]}]
  - {name: A, run: [{action: shell, cmd: a, compensate: {task: undo, with: {what: a}}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: B, run: [{action: shell, cmd: b, compensate: {task: undo, with: {what: b}}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: all, run: [{action: fail, code: full, message: full}]}
outputs: {}
""",
        status="failed",
        error="full",
        undoes_as_it_came=True,
    ),
    Rehearsal(
        "a failed compensation does not keep the others from being undone",
        """
tasks:
  - {name: bad, run: [{action: fail, code: stuck, message: stuck}]}
  - {name: good, run: [{action: shell, cmd: good}]}
steps:
  - name: A
    run:
      - {action: shell, cmd: a, compensate: good}
      - {action: shell, cmd: b, compensate: bad}
      - {action: fail, code: full, message: full}
outputs: {}
""",
        status="failed",
        error="full",
    ),
    Rehearsal(
        "a run that completes undoes nothing",
        UNDO + "steps: [{name: A, run: [{action: shell, cmd: a, as: a, compensate: undo}]}]",
        {"a": "a"},
    ),
    Rehearsal(
        "under on_error continue the run is undone when all branches have ended",
        UNDO
        + """
on_error: continue
steps:
  - {name: S, rule: [{case: true, run: [{step: A}, {step: B}]}]}
  - {name: A, run: [{action: fail, code: a, message: a}]}
  - {name: B, run: [{action: shell, cmd: b, compensate: {task: undo, with: {what: b}}}]}
outputs: {}
""",
        status="failed",
        error="a",
        path=["S", "A", "B"],
    ),
    Rehearsal(
        "a compensation is tried again by its own policies, and may loop in parallel",
        """
tasks:
  - name: undo
    run:
      - {action: shell, cmd: "fail {{ item }}", loop: {items: [1, 2, 3], parallel: 2, on_error: continue}}
      - {action: shell, cmd: fail, retry: {attempts: 3, delay: 1s, on: [broken]}}
steps: [{name: A, run: [{action: shell, cmd: a, compensate: undo}, {action: fail, code: full, message: full}]}]
outputs: {}
""",
        status="failed",
        error="full",
    ),
    Rehearsal(
        "a stop in a compensation ends only that",
        """
tasks:
  - {name: undo, run: [{action: stop, message: enough}, {action: shell, cmd: never}]}
steps: [{name: A, run: [{action: shell, cmd: a, compensate: undo}, {action: fail, code: full, message: full}]}]
outputs: {}
""",
        status="failed",
        error="full",
    ),
    Rehearsal(
        "a task or step is undone as a whole, and what is in it by itself",
        UNDO
        + """
steps:
  - name: A
    compensate: {task: undo, with: {what: step}}
    run:
      - {action: shell, cmd: a, compensate: {task: undo, with: {what: action}}}
    rule: [{case: true, run: [{step: B}]}]
  - {name: B, run: [{action: fail, code: full, message: full}]}
outputs: {}
""",
        status="failed",
        error="full",
    ),
    Rehearsal(
        "all retries together are bounded by the budget",
        """
retry_budget: 3
steps:
  - name: A
    run: [{action: shell, cmd: fail a, retry: {attempts: 3, delay: 0, on: [broken]}, on_error: continue}]
    rule: [{case: true, run: [{step: B}]}]
  - name: B
    run: [{action: shell, cmd: fail b, retry: {attempts: 9, delay: 0, on: [broken]}, on_error: continue}]
outputs: {a: "{{ steps.A.result.attempts }}", b: "{{ steps.B.result.attempts }}"}
""",
        {"a": 3, "b": 2},
    ),
    Rehearsal(
        "a late run and a late step go on",
        """
sla: 1s
steps:
  - {name: A, sla: 2s, run: [{action: wait, for: 5s}], rule: [{case: true, run: [{step: B}]}]}
  - {name: B, sla: 2s, run: [{action: wait, for: 1s}]}
outputs: {done: true}
""",
        {"done": True},
        path=["A", "B"],
    ),
]
