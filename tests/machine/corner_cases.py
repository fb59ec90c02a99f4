"""Rehearsals of corners where the language is easy to get wrong: each comes to what its text demands.

`shell` answers as in `corpus`; nothing here needs more than its `cmd`.
"""

from __future__ import annotations

from corpus import Rehearsal

_NESTED = """
steps:
  - {name: S, parallel: true, rule: [{case: true, run: [{step: P}, {step: Q}]}]}
  - {name: P, parallel: true, run: [{action: set, values: {x: old}}], rule: [{case: true, run: [{step: P0}, {step: P1}]}]}
  - {name: P0, run: [{action: set, values: {x: new}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: P1, run: [{action: set, values: {y: 1}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: Q, run: [{action: set, values: {z: 1}}], rule: [{case: true, run: [{step: J}]}]}
"""
_MERGED = {"x": "new", "y": 1, "z": 1, "seen": "new"}

CORNER_CASES = [
    Rehearsal(
        "a branch of a nested fork that did not touch a variable does not dispute it",
        _NESTED + '  - {name: J, join: all, run: [{action: set, values: {seen: "{{ x }}"}}]}\n',
        _MERGED,
    ),
    Rehearsal(
        "a branch of a nested fork that did not touch a variable does not win it",
        _NESTED + '  - {name: J, join: all, merge: last, run: [{action: set, values: {seen: "{{ x }}"}}]}\n',
        _MERGED,
    ),
    Rehearsal(
        "a branch of a nested fork that did not touch a variable adds nothing to what is collected",
        _NESTED + '  - {name: J, join: all, merge: collect, run: [{action: set, values: {seen: "{{ x }}"}}]}\n',
        _MERGED,
    ),
    Rehearsal(
        "the failure of a run of items is that of the item that nobody tolerated",
        """
steps:
  - name: A
    run: [{action: fail, code: a, message: a, on_error: continue}, {action: fail, code: b, message: b}]
    rule: [{case: "result.error.code == 'b' and error.code == 'b'", run: [{step: B}]}]
  - {name: B, run: [{action: fail, code: a, message: a, on_error: continue}, {action: fail, code: c, message: c}]}
outputs: {}
""",
        status="failed",
        error="c",
        path=["A", "B"],
    ),
    Rehearsal(
        "a retry judges the failure that nobody tolerated",
        """
steps:
  - name: A
    retry: {attempts: 3, delay: 0, on: [b]}
    run: [{action: fail, code: a, message: a, on_error: continue}, {action: fail, code: b, message: b}]
    rule: [{case: "result.failed", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {attempts: "{{ steps.A.result.attempts }}"}}]}
""",
        {"attempts": 3},
    ),
    Rehearsal(
        "the error of parallel items is that of the one that nobody tolerated",
        """
steps:
  - name: A
    parallel: true
    run: [{action: fail, code: a, message: a, on_error: continue}, {action: fail, code: b, message: b}]
    rule: [{case: "result.error.code == 'b' and error.code == 'b'", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {caught: true}}]}
""",
        {"caught": True},
    ),
    Rehearsal(
        "a run that timed out keeps the variables that it set",
        """
timeout: 5s
steps:
  - {name: A, run: [{action: set, values: {a: 1}}, {action: wait, for: 1h}]}
""",
        {"a": 1},
        status="failed",
        error="timeout",
    ),
    Rehearsal(
        "a run that ended by max_visits keeps the variables that it set",
        """
context: {n: 0}
steps:
  - {name: A, max_visits: 3, run: [{action: set, values: {n: "{{ n + 1 }}"}}], rule: [{case: "n < 100", run: [{step: A}]}]}
""",
        {"n": 3},
        status="failed",
        error="max_visits",
    ),
    Rehearsal(
        "a run that failed keeps what its cancelled branches set",
        """
steps:
  - {name: P, rule: [{case: true, run: [{step: A}, {step: B}]}], parallel: true, run: [{action: set, values: {w: 1}}]}
  - {name: A, run: [{action: set, values: {a: 1}}], rule: [{case: true, run: [{step: A2}]}]}
  - {name: A2, run: [{action: shell, cmd: never}]}
  - {name: B, run: [{action: wait, for: 1s}, {action: fail, code: broken, message: no}]}
""",
        {"w": 1, "a": 1},
        status="failed",
        error="broken",
    ),
    Rehearsal(
        "stop keeps what the retried step had set",
        """
steps:
  - {name: A, retry: 2, run: [{action: set, values: {x: 1}}, {action: stop}]}
""",
        {"x": 1},
    ),
    Rehearsal(
        "a while loop may iterate as often as its max says",
        """
context: {n: 0}
steps:
  - {name: A, run: [{action: set, values: {n: "{{ n + 1 }}"}, loop: {while: "n < 4", max: 4}}]}
""",
        {"n": 4},
    ),
    Rehearsal(
        "a parallel list of one item has the same data with a policy around it and without",
        """
steps:
  - {name: A, parallel: true, run: [{action: shell, cmd: x}], rule: [{case: true, run: [{step: B}]}]}
  - {name: B, parallel: true, timeout: 5s, run: [{action: shell, cmd: x}], rule: [{case: true, run: [{step: C}]}]}
  - {name: C, run: [{action: set, values: {same: "{{ steps.A.result.data == steps.B.result.data }}"}}]}
""",
        {"same": True},
    ),
    Rehearsal(
        "a step that failed of a condition has a failed result",
        """
steps:
  - name: A
    run: [{action: set, values: {x: a}}]
    rule: [{case: "x + 1 > 2", run: [{step: B}]}, {case: "steps.A.result.failed", run: [{step: C}]}]
  - {name: B, run: [{action: noop}]}
  - {name: C, run: [{action: set, values: {c: 1}}]}
""",
        {"x": "a", "c": 1},
    ),
    Rehearsal(
        "as stores the data of a task with a tolerated failure inside",
        """
tasks: [{name: t, run: [{action: shell, cmd: fail, on_error: continue}, {action: shell, cmd: ok}]}]
steps:
  - {name: A, run: [{task: t, as: r}]}
""",
        {"r": "ok"},
    ),
    Rehearsal(
        "a retry condition that raises fails its iteration only",
        """
steps:
  - name: A
    run:
      - action: shell
        cmd: "{{ item }}"
        loop: {items: [a, fail, c], on_error: continue}
        retry: {attempts: 2, delay: 0, when: "item + 1 > 2"}
        as: r
""",
        {"r": ["a", None, "c"]},
    ),
    Rehearsal(
        "to a merge a one is no true, however deep",
        """
steps:
  - {name: A, parallel: true, run: [{action: set, values: {x: [1]}}, {action: set, values: {x: [true]}}]}
outputs: {}
""",
        status="failed",
        error="merge_conflict",
    ),
    Rehearsal(
        "arrivals that are in no fork any more are merged in branch order",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}, {step: D}, {step: E}]}]}
  - {name: B, run: [{action: shell, cmd: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: never, timeout: 5, on_error: continue}], rule: [{case: true, run: [{step: J}]}]}
  - {name: D, run: [{action: shell, cmd: d}], rule: [{case: true, run: [{step: K}]}]}
  - {name: E, run: [{action: shell, cmd: never, timeout: 5, on_error: continue}], rule: [{case: true, run: [{step: K}]}]}
  - {name: J, join: any, run: [{action: set, values: {q: 1}}], rule: [{case: true, run: [{step: L}]}]}
  - {name: K, join: any, run: [{action: set, values: {q: 2}}], rule: [{case: true, run: [{step: L}]}]}
  - {name: L, join: 2, merge: collect, run: [{action: noop}]}
""",
        {"q": [1, 2]},
    ),
    Rehearsal(
        "a task keeps what it set when a step around it timed out, retried or not",
        """
tasks: [{name: inner, run: [{action: set, values: {m: 1}}, {action: shell, cmd: never}]}]
steps:
  - name: A
    timeout: 5s
    run: [{action: set, values: {o: 1}}, {task: inner, retry: 2}]
    rule: [{case: "error.code == 'timeout'", run: [{step: B}]}]
  - {name: B, run: [{action: noop}]}
""",
        {"o": 1, "m": 1},
    ),
    Rehearsal(
        "a parallel step that is retried at once goes on after a rebuild at any event",
        """
steps:
  - name: A
    parallel: true
    retry: {attempts: 2, delay: 0, on: [broken]}
    run: [{action: set, values: {x: 3}}, {action: fail, code: broken, message: no}]
outputs: {}
""",
        status="failed",
        error="broken",
    ),
    Rehearsal(
        "a branch of a nested fork in which nothing failed does not bring an older error back",
        """
steps:
  - {name: S, parallel: true, rule: [{case: true, run: [{step: P}, {step: Q}]}]}
  - name: P
    parallel: true
    run: [{action: fail, code: old, message: old}]
    rule: [{case: "result.failed", run: [{step: P0}, {step: P1}]}]
  - {name: P0, run: [{action: fail, code: new, message: new}], rule: [{case: "error", run: [{step: J}]}]}
  - {name: P1, rule: [{case: true, run: [{step: J}]}]}
  - {name: Q, rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: all, rule: [{case: true, run: [{step: K}]}]}
  - {name: K, run: [{action: set, values: {e: "{{ error.code }}", l: "{{ last_error.code }}"}}]}
""",
        {"e": "new", "l": "new"},
    ),
]
