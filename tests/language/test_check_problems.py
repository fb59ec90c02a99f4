"""For each code of the whole-playbook check, the exact text that `noetl validate` prints."""

from __future__ import annotations

import pytest
from checking import find, rendered

from noetl.errors import Severity

_ERRORS = {
    "unknown-name",
    "reserved-name",
    "secret-in-state",
    "task-recursion",
    "cycle-without-exit",
}
_WARNINGS = {
    "unused-task",
    "unused-argument",
    "unused-input",
    "unreachable-step",
    "dead-case",
    "missing-join",
    "late-name",
    "merge-conflict-possible",
    "unquoted-in-shell",
    "pasted-into-sql",
    "no-timeout",
    "nothing-to-undo",
    "literal-secret",
}

#: By an id that begins with the code: the playbook below the header, whose first line is line 4, and what is printed.
_CASES = {
    "unknown-name": (
        """\
context: {kept: 0}
steps:
  - name: Load
    run:
      - {action: log, message: "{{ kepd }} rows"}
""",
        """\
p.yaml:8:36: error[unknown-name]: name 'kepd' is not defined
    8 |       - {action: log, message: "{{ kepd }} rows"}
      |                                    ^^^^ did you mean 'kept'?
""",
    ),
    "unknown-name-of-a-part": (
        """\
steps:
  - name: Load
    run:
      - {action: noop}
    rule:
      - case: "{{ error.retriable }}"
        run: [{step: Load}]
""",
        """\
p.yaml:9:25: error[unknown-name]: 'error.retriable' is not defined
    9 |       - case: "{{ error.retriable }}"
      |                         ^^^^^^^^^ did you mean 'retryable'?
""",
    ),
    "unknown-name-without-a-near-one": (
        """\
steps:
  - name: Load
    run:
      - {action: log, message: "{{ steps.Load.outcome }}"}
""",
        """\
p.yaml:7:47: error[unknown-name]: 'steps.Load.outcome' is not defined
    7 |       - {action: log, message: "{{ steps.Load.outcome }}"}
      |                                               ^^^^^^^ there is duration, result, started_at, status, visits
""",
    ),
    "unknown-name-before-its-loop": (
        """\
steps:
  - name: Load
    run:
      - action: log
        when: file != 'x'
        loop: {items: [a, b], as: file}
        message: "{{ file }}"
""",
        """\
p.yaml:8:15: error[unknown-name]: name 'file' is not defined
    8 |         when: file != 'x'
      |               ^^^^ 'when' is decided once, outside the loop that gives 'file' its values
""",
    ),
    "unknown-name-of-a-caller": (
        """\
tasks:
  - name: inner
    run:
      - {action: log, message: "{{ table }}"}
  - name: outer
    args: {table: orders}
    run:
      - {task: inner}
steps:
  - name: Load
    run: [{task: outer}]
""",
        """\
p.yaml:7:36: error[unknown-name]: name 'table' is not defined
    7 |       - {action: log, message: "{{ table }}"}
      |                                    ^^^^^ a task does not see its caller's names: pass it in 'with'
""",
    ),
    "reserved-name": (
        """\
steps:
  - name: Load
    run:
      - {action: shell, cmd: [ls], as: result}
""",
        """\
p.yaml:7:40: error[reserved-name]: a variable must not be named 'result': it would hide the name that is always present
    7 |       - {action: shell, cmd: [ls], as: result}
      |                                        ^^^^^^ choose another name
""",
    ),
    "reserved-name-of-a-function": (
        """\
context:
  now: 1
steps:
  - name: Load
    run: [{action: noop}]
""",
        """\
p.yaml:5:3: error[reserved-name]: a variable must not be named 'now': it would hide the function 'now()'
    5 |   now: 1
      |   ^^^ choose another name
""",
    ),
    "reserved-name-of-an-argument": (
        """\
tasks:
  - name: count
    args: {total: 0}
    run:
      - action: set
        values:
          rows: 1
          total: "{{ total + 1 }}"
steps:
  - name: Load
    run: [{task: count}]
""",
        """\
p.yaml:11:11: error[reserved-name]: 'total' is an argument of task 'count', and 'as' and 'set' write the run's variables
   11 |           total: "{{ total + 1 }}"
      |           ^^^^^ choose another name
""",
    ),
    "secret-in-state": (
        """\
secrets:
  token: env:TOKEN
steps:
  - name: Load
    run:
      - action: set
        values: {url: "{{ secrets.token }}"}
""",
        """\
p.yaml:10:27: error[secret-in-state]: 'set' may not read 'secrets.token': it would enter the run's state
   10 |         values: {url: "{{ secrets.token }}"}
      |                           ^^^^^^^^^^^^^ only options of actions, 'with' and 'environment' may read secrets
""",
    ),
    "secret-in-state-through-a-task": (
        """\
environment:
  database: "{{ env.DATABASE_URL }}"
tasks:
  - name: query
    run:
      - action: postgres
        when: dsn != 'none'
        connection: "{{ dsn }}"
        query: SELECT 1
steps:
  - name: Load
    run:
      - {task: query, with: {dsn: "{{ database }}"}}
""",
        """\
p.yaml:10:15: error[secret-in-state]: 'when' may not read 'dsn', which reads 'env': it would enter the run's state
   10 |         when: dsn != 'none'
      |               ^^^ take the process variable into 'context' and read that
""",
    ),
    "task-recursion": (
        """\
tasks:
  - name: extract
    run: [{task: load}]
  - name: load
    run: [{task: extract}]
steps:
  - name: Load
    run: [{task: load}]
""",
        """\
p.yaml:6:18: error[task-recursion]: task 'extract' calls itself: extract -> load -> extract
    6 |     run: [{task: load}]
      |                  ^^^^ a task may not run itself; steps may form a cycle
""",
    ),
    "cycle-without-exit": (
        """\
steps:
  - name: Poll
    rule:
      - case: default
        run: [{step: Pause}]
  - name: Pause
    run: [{action: wait, for: 1s}]
    rule:
      - case: result.success
        run: [{step: Poll}]
      - case: default
        run: [{step: Poll}]
""",
        """\
p.yaml:5:11: error[cycle-without-exit]: the cycle Poll -> Pause -> Poll has no exit: no case leads out of it or ends
    5 |   - name: Poll
      |           ^^^^ let one of its cases end the branch with 'run: []', or move to another step
""",
    ),
    "unused-task": (
        """\
tasks:
  - name: clean
    run: [{action: noop}]
steps:
  - name: Load
    run: [{action: noop}]
""",
        """\
p.yaml:5:11: warning[unused-task]: task 'clean' is never used
    5 |   - name: clean
      |           ^^^^^
""",
    ),
    "late-name": (
        """\
context: {n: 0}
steps:
  - name: Poll
    run:
      - {action: shell, cmd: ./state, as: state, loop: {until: "{{ n > 9 or state == 'done' }}"}}
      - {action: shell, cmd: ./state, as: {m: "{{ data }}"}, loop: {while: "{{ n < 9 and result.data }}"}}
""",
        """\
p.yaml:8:77: warning[late-name]: 'state' is set when the loop has ended: its 'until' does not see it
    8 |       - {action: shell, cmd: ./state, as: state, loop: {until: "{{ n > 9 or state == 'done' }}"}}
      |                                                                             ^^^^^ 'result.data' is what the last iteration gave
""",
    ),
    "unused-argument": (
        """\
tasks:
  - {name: greet, args: {greeting: Hello}, run: [{action: log, message: "{{ greeting }}, {{ name }}"}]}
steps:
  - name: Greet
    run: [{task: greet, with: {name: Ada, greetings: Hi}}]
""",
        """\
p.yaml:8:43: warning[unused-argument]: task 'greet' does not use the argument 'greetings'
    8 |     run: [{task: greet, with: {name: Ada, greetings: Hi}}]
      |                                           ^^^^^^^^^ did you mean 'greeting'?
""",
    ),
    "unused-argument: one that a fallback reads": (
        """\
tasks:
  - {name: rescue, run: [{action: log, message: "{{ name }}"}]}
  - {name: greet, run: [{action: noop, fallback: rescue}]}
steps:
  - name: Greet
    run: [{task: greet, with: {name: Ada}}]
""",
        "",
    ),
    "unused-input": (
        """\
inputs:
  threshold: {type: number, default: 100}
steps:
  - name: Load
    run: [{action: noop}]
""",
        """\
p.yaml:5:3: warning[unused-input]: input 'threshold' is never read
    5 |   threshold: {type: number, default: 100}
      |   ^^^^^^^^^
""",
    ),
    "unreachable-step": (
        """\
steps:
  - name: Load
    run: [{action: noop}]
  - name: Export
    run: [{action: noop}]
""",
        """\
p.yaml:7:11: warning[unreachable-step]: step 'Export' is never reached from the start
    7 |   - name: Export
      |           ^^^^^^
""",
    ),
    "dead-case": (
        """\
context: {kept: 0}
steps:
  - name: Load
    rule:
      - case: default
        run: []
      - case: "{{ kept > 0 }}"
        run: []
""",
        """\
p.yaml:10:15: warning[dead-case]: case 2 of step 'Load' never fires: case 1 above it is always true
   10 |       - case: "{{ kept > 0 }}"
      |               ^^^^^^^^^^^^^^^^
""",
    ),
    "missing-join": (
        """\
steps:
  - name: Load
    rule:
      - case: default
        run: [{step: Left}, {step: Right}]
  - name: Left
    rule: [{case: default, run: [{step: Report}]}]
  - name: Right
    rule: [{case: default, run: [{step: Report}]}]
  - name: Report
    run: [{action: noop}]
""",
        """\
p.yaml:13:11: warning[missing-join]: two branches of the fork in step 'Load' reach step 'Report', which has no 'join'
   13 |   - name: Report
      |           ^^^^^^ it runs once for each; 'join: all' makes it run once, and 'join: each' says that this is meant
""",
    ),
    "merge-conflict-possible": (
        """\
steps:
  - name: Load
    rule:
      - case: default
        run: [{step: Left}, {step: Right}]
  - name: Left
    run: [{action: shell, cmd: [wc, left], as: rows}]
    rule: [{case: default, run: [{step: Meet}]}]
  - name: Right
    run: [{action: shell, cmd: [wc, right], as: rows}]
    rule: [{case: default, run: [{step: Meet}]}]
  - name: Meet
    join: all
    run: [{action: noop}]
""",
        """\
p.yaml:13:49: warning[merge-conflict-possible]: 'rows' is set by two branches that meet in 'Meet', here and in line 10
   13 |     run: [{action: shell, cmd: [wc, right], as: rows}]
      |                                                 ^^^^ 'merge: last' or 'merge: collect' on step 'Meet' settles it
""",
    ),
    "merge-conflict-possible-of-items": (
        """\
steps:
  - name: Load
    parallel: true
    run:
      - {action: shell, cmd: [wc, left], as: rows}
      - {action: shell, cmd: [wc, right], as: {rows: "{{ data.rows }}"}}
""",
        """\
p.yaml:9:48: warning[merge-conflict-possible]: 'rows' is set by two items that run in parallel, here and in line 8
    9 |       - {action: shell, cmd: [wc, right], as: {rows: "{{ data.rows }}"}}
      |                                                ^^^^ 'merge: last' or 'merge: collect' on step 'Load' settles it
""",
    ),
    "merge-conflict-possible-at-the-end": (
        """\
steps:
  - name: Load
    rule:
      - case: default
        run: [{step: Left}, {step: Right}]
  - name: Left
    run: [{action: set, values: {side: left}}]
  - name: Right
    run: [{action: set, values: {side: right}}]
outputs:
  side: "{{ side }}"
""",
        """\
p.yaml:12:34: warning[merge-conflict-possible]: 'side' is set by two branches that end, here and in line 10
   12 |     run: [{action: set, values: {side: right}}]
      |                                  ^^^^ 'outputs' gets what the last of them set
""",
    ),
    "unquoted-in-shell": (
        """\
inputs:
  file: {type: string}
steps:
  - name: Load
    run:
      - {action: shell, cmd: "wc -l {{ file }} | sort"}
""",
        """\
p.yaml:9:37: warning[unquoted-in-shell]: 'file' is put into the command unquoted, where a shell reads it
    9 |       - {action: shell, cmd: "wc -l {{ file }} | sort"}
      |                                     ^^^^^^^^^^ write '{{ file | sh }}', or give 'cmd' as a list
""",
    ),
    "pasted-into-sql": (
        """\
inputs:
  name: {type: string}
steps:
  - name: Load
    run:
      - action: postgres
        query: |
          SELECT * FROM orders
          WHERE customer = '{{ name }}'
""",
        """\
p.yaml:12:29: warning[pasted-into-sql]: 'name' is pasted into the statement
   12 |           WHERE customer = '{{ name }}'
      |                             ^^^^^^^^^^ pass it in 'params'; an identifier is written '{{ name | ident }}'
""",
    ),
    "no-timeout": (
        """\
steps:
  - name: Load
    run:
      - {action: shell, cmd: [sleep, "1000"]}
""",
        """\
p.yaml:7:18: warning[no-timeout]: action 'shell' has no 'timeout', nor has its step or the run
    7 |       - {action: shell, cmd: [sleep, "1000"]}
      |                  ^^^^^
""",
    ),
    "nothing-to-undo": (
        """\
steps:
  - name: Load
    on_error: compensate
    run: [{action: fail}]
""",
        """\
p.yaml:6:15: warning[nothing-to-undo]: step 'Load' undoes its branch when it fails, and no work has a 'compensate'
    6 |     on_error: compensate
      |               ^^^^^^^^^^ give the work that is to be undone a 'compensate: TASK', or write 'on_error: continue'
""",
    ),
    "literal-secret": (
        """\
steps:
  - name: Load
    run:
      - action: http
        url: https://shop.example
        headers:
          Accept: text/plain
          Authorization: Bearer 9f8e7d6c5b4a3928
""",
        """\
p.yaml:11:26: warning[literal-secret]: 'Authorization' looks like a secret that stands in the playbook
   11 |           Authorization: Bearer 9f8e7d6c5b4a3928
      |                          ^^^^^^^^^^^^^^^^^^^^^^^ name it in 'secrets' and read '{{ secrets.NAME }}'
""",
    ),
}


_PARAMS = [pytest.param(body, expected, name == "no-timeout", id=name) for name, (body, expected) in _CASES.items()]


@pytest.mark.parametrize(("body", "expected", "strict"), _PARAMS)
def test_a_problem_is_printed_with_its_place_and_hint(body: str, expected: str, strict: bool) -> None:
    assert rendered(body, strict=strict) == expected


@pytest.mark.parametrize(("body", "expected", "strict"), _PARAMS)
def test_a_code_is_an_error_or_a_warning_wherever_it_stands(body: str, expected: str, strict: bool) -> None:
    for problem in find(body, strict=strict):
        assert problem.code in (_ERRORS if problem.severity is Severity.ERROR else _WARNINGS)


def test_every_code_has_a_case() -> None:
    codes = {problem.code for body, _ in _CASES.values() for problem in find(body, strict=True)}
    assert codes == _ERRORS | _WARNINGS
