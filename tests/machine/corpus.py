"""Playbooks whose actions are scripted, and what each must come to, whatever the timing and however often it is rebuilt.

`shell` answers with its `cmd`; one with `fail` in it fails, one with `never` in it does not end by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rehearsal:
    name: str
    text: str
    outputs: dict[str, Any] = field(default_factory=dict)
    status: str = "completed"
    error: str | None = None
    path: list[str] | None = None
    #: Whether the answer may depend on which branch is first (`any`, `first`, N, `stop`).
    races: bool = False
    #: Whether what is undone, or what first, depends on which branch is first.
    undoes_as_it_came: bool = False


CORPUS = [
    Rehearsal(
        "the first case that holds fires and the rest are skipped",
        """
context: {n: 5}
steps:
  - name: A
    rule:
      - {case: "n > 10", run: [{step: B}]}
      - {case: "n > 3", run: [{step: C}]}
      - {case: "n > 1", run: [{step: B}]}
  - {name: B, run: [{action: set, values: {went: B}}]}
  - {name: C, run: [{action: set, values: {went: C}}]}
""",
        {"went": "C"},
        path=["A", "C"],
    ),
    Rehearsal(
        "no case matches and the branch ends",
        """
steps:
  - {name: A, run: [{action: set, values: {x: 1}}], rule: [{case: "x == 2", run: [{step: B}]}]}
  - {name: B, run: [{action: set, values: {x: 3}}]}
""",
        {"x": 1},
        path=["A"],
    ),
    Rehearsal(
        "a case without run ends the branch",
        """
steps:
  - {name: A, run: [{action: noop}], rule: [{case: true, run: []}, {case: default, run: [{step: B}]}]}
  - {name: B, run: [{action: noop}]}
outputs: {a: 1}
""",
        {"a": 1},
        path=["A"],
    ),
    Rehearsal(
        "a fired case does work in place and its step completes after it",
        """
steps:
  - name: A
    run: [{action: shell, cmd: one, as: first}]
    rule:
      - case: "first == 'one'"
        run: [{action: shell, cmd: "two of {{ first }}", as: second}, {action: set, values: {third: "{{ second }}!"}}]
""",
        {"first": "one", "second": "two of one", "third": "two of one!"},
    ),
    Rehearsal(
        "only a case that reads the outcome takes a failure",
        """
steps:
  - name: A
    run: [{action: shell, cmd: fail}]
    rule:
      - {case: true, run: [{step: B}]}
      - {case: "result.data == none", run: [{step: B}]}
      - {case: "error.code == 'broken'", run: [{step: C}]}
  - {name: B, run: [{action: set, values: {went: B}}]}
  - {name: C, run: [{action: set, values: {went: "{{ error.message }}"}}]}
""",
        {"went": "it broke"},
        path=["A", "C"],
    ),
    Rehearsal(
        "a failure that no case takes fails the run",
        """
steps:
  - {name: A, run: [{action: shell, cmd: fail}], rule: [{case: default, run: [{step: B}]}]}
  - {name: B, run: [{action: noop}]}
""",
        status="failed",
        error="broken",
        path=["A"],
    ),
    Rehearsal(
        "work of a fired case that fails is judged by the cases below it",
        """
steps:
  - name: A
    run: [{action: shell, cmd: fail}]
    rule:
      - {case: "result.failed and not steps.B", run: [{action: shell, cmd: fail too}]}
      - {case: "result.failed", run: [{step: B}]}
  - {name: B, run: [{action: set, values: {saved: true}}]}
""",
        {"saved": True},
        path=["A", "B"],
    ),
    Rehearsal(
        "a failure that on_error continues leaves every case a candidate",
        """
steps:
  - name: A
    run: [{action: shell, cmd: fail, on_error: continue}]
    rule: [{case: true, run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {was: "{{ steps.A.result.failed }}", err: "{{ error.code }}", st: "{{ steps.A.status }}"}}]}
""",
        {"was": True, "err": "broken", "st": "completed"},
    ),
    Rehearsal(
        "error is cleared when a step whose work succeeded has completed",
        """
steps:
  - name: A
    run: [{action: shell, cmd: fail}]
    rule: [{case: "result.failed", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {in_b: "{{ error.code }}"}}], rule: [{case: "error.code == 'broken'", run: [{step: C}]}]}
  - {name: C, run: [{action: set, values: {in_c: "{{ error is none }}", last: "{{ last_error.code }}"}}]}
""",
        {"in_b": "broken", "in_c": True, "last": "broken"},
    ),
    Rehearsal(
        "sequential branches run one after the other in the order written",
        """
steps:
  - {name: A, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: b}], rule: [{case: true, run: [{step: B2}]}]}
  - {name: B2, run: [{action: shell, cmd: b2}]}
  - {name: C, run: [{action: shell, cmd: c}]}
""",
        path=["A", "B", "B2", "C"],
    ),
    Rehearsal(
        "an all join waits for those who can still come and merges what they set",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}, {step: D}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: c, as: c}], rule: [{case: true, run: [{step: J}]}]}
  - {name: D, run: [{action: shell, cmd: d, as: d}]}
  - {name: J, join: all, run: [{action: set, values: {seen: "{{ b }}{{ c }}{{ d is undefined }}"}}]}
""",
        {"b": "b", "c": "c", "d": "d", "seen": "bctrue"},
    ),
    Rehearsal(
        "a sequential fork with a join runs its branches in order and joins them",
        """
steps:
  - {name: A, rule: [{case: true, run: [{step: B}, {step: C}, {step: D}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: c, as: c}], rule: [{case: true, run: [{step: J}]}]}
  - {name: D, run: [{action: shell, cmd: d, as: d}]}
  - {name: J, join: all, run: [{action: set, values: {seen: "{{ b }}{{ c }}"}}]}
""",
        {"b": "b", "c": "c", "d": "d", "seen": "bc"},
        path=["A", "B", "C", "J", "D"],
    ),
    Rehearsal(
        "two branches that set one variable to different values fail the join, whose rule may catch it",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: set, values: {x: 1}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: set, values: {x: 2}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: all, run: [{action: set, values: {ran: true}}], rule: [{case: "error.code == 'merge_conflict'", run: [{step: K}]}]}
  - {name: K, run: [{action: set, values: {caught: "{{ last_error.message }}"}}]}
""",
        {"caught": "variable 'x' was set to different values in 'B.run[0]' and 'C.run[0]'"},
    ),
    Rehearsal(
        "branches that set one variable to the same value do not conflict",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: set, values: {x: 1}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: set, values: {x: 1}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: all, run: [{action: noop}]}
""",
        {"x": 1},
    ),
    Rehearsal(
        "merge last takes the last in branch order and merge collect a list",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: x}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: c, as: x}, {action: set, values: {y: 1}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: all, merge: collect, run: [{action: set, values: {collected: "{{ x }}"}}], rule: [{case: true, run: [{step: E}, {step: F}]}]}
  - {name: E, run: [{action: set, values: {x: e}}], rule: [{case: true, run: [{step: K}]}]}
  - {name: F, run: [{action: set, values: {x: f}}], rule: [{case: true, run: [{step: K}]}]}
  - {name: K, join: all, merge: last, run: [{action: noop}]}
""",
        {"x": "f", "y": 1, "collected": ["b", "c"]},
    ),
    Rehearsal(
        "an any join runs at the first arrival and later ones end there",
        """
steps:
  - {name: A, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: x}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: c, as: y}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: any, run: [{action: set, values: {n: "{{ steps.J.visits }}"}}]}
""",
        {"x": "b", "n": 1},
        path=["A", "B", "J", "C"],
        races=True,
    ),
    Rehearsal(
        "a first join cancels what is left of the other branches",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: x}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: never}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: first, run: [{action: set, values: {won: "{{ x }}"}}]}
""",
        {"x": "b", "won": "b"},
        races=True,
    ),
    Rehearsal(
        "a join of N runs at the Nth arrival",
        """
steps:
  - {name: A, rule: [{case: true, run: [{step: B}, {step: C}, {step: D}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: c, as: c}], rule: [{case: true, run: [{step: J}]}]}
  - {name: D, run: [{action: shell, cmd: d, as: d}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: 2, run: [{action: set, values: {seen: "{{ b }}{{ c }}"}}]}
""",
        {"b": "b", "c": "c", "seen": "bc"},
        races=True,
    ),
    Rehearsal(
        "a join of N that too few reach fails the run and names the step",
        """
steps:
  - {name: A, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: c}]}
  - {name: J, join: 2, run: [{action: noop}]}
outputs: {}
""",
        status="failed",
        error="join_unmet",
    ),
    Rehearsal(
        "a join of N that a failed branch does not reach fails the run of that failure",
        """
on_error: continue
steps:
  - {name: A, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: fail}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: 2, run: [{action: noop}]}
outputs: {}
""",
        status="failed",
        error="broken",
        path=["A", "B", "C"],
    ),
    Rehearsal(
        "partial joins of one fork go on by themselves and join again",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}, {step: D}, {step: E}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: c, as: c}], rule: [{case: true, run: [{step: J}]}]}
  - {name: D, run: [{action: shell, cmd: d, as: d}], rule: [{case: true, run: [{step: K}]}]}
  - {name: E, run: [{action: shell, cmd: e, as: e}], rule: [{case: true, run: [{step: K}]}]}
  - {name: J, join: all, run: [{action: shell, cmd: "{{ b }}{{ c }}", as: j}], rule: [{case: true, run: [{step: S}]}]}
  - {name: K, join: all, run: [{action: shell, cmd: "{{ d }}{{ e }}", as: k}], rule: [{case: true, run: [{step: S}]}]}
  - {name: S, run: [{action: shell, cmd: "s{{ j | default('') }}{{ k | default('') }}"}], rule: [{case: true, run: [{step: R}]}]}
  - {name: R, join: all, run: [{action: set, values: {all: "{{ j }}{{ k }}"}}]}
""",
        {"b": "b", "c": "c", "d": "d", "e": "e", "j": "bc", "k": "de", "all": "bcde"},
    ),
    Rehearsal(
        "a cycle forks and joins again and again, and its variables carry over",
        """
context: {n: 0, log: []}
steps:
  - {name: A, run: [{action: set, values: {n: "{{ n + 1 }}"}}], rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: "b{{ n }}", as: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: C, run: [{action: shell, cmd: "c{{ n }}", as: c}], rule: [{case: true, run: [{step: J}]}]}
  - name: J
    join: all
    run: [{action: set, values: {log: "{{ log + [b ~ c] }}"}}]
    rule: [{case: "n < 3", run: [{step: A}]}]
outputs: {log: "{{ log }}", n: "{{ n }}", visits: "{{ 1 }}"}
""",
        {"log": ["b1c1", "b2c2", "b3c3"], "n": 3, "visits": 1},
    ),
    Rehearsal(
        "nested forks join innermost first",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, parallel: true, rule: [{case: true, run: [{step: B1}, {step: B2}]}]}
  - {name: B1, run: [{action: shell, cmd: b1, as: b1}], rule: [{case: true, run: [{step: I}]}]}
  - {name: B2, run: [{action: shell, cmd: b2, as: b2}], rule: [{case: true, run: [{step: I}]}]}
  - {name: I, join: all, run: [{action: shell, cmd: "{{ b1 }}{{ b2 }}", as: i}], rule: [{case: true, run: [{step: O}]}]}
  - {name: C, run: [{action: shell, cmd: c, as: c}], rule: [{case: true, run: [{step: O}]}]}
  - {name: O, join: all, run: [{action: set, values: {o: "{{ i }}{{ c }}"}}]}
""",
        {"b1": "b1", "b2": "b2", "i": "b1b2", "c": "c", "o": "b1b2c"},
    ),
    Rehearsal(
        "several start steps are branches",
        """
start: [A, B]
steps:
  - {name: A, run: [{action: shell, cmd: a, as: a}], rule: [{case: true, run: [{step: J}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: b}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: all, run: [{action: set, values: {j: "{{ a }}{{ b }}"}}]}
""",
        {"a": "a", "b": "b", "j": "ab"},
    ),
    Rehearsal(
        "ended branches are merged for the outputs, the last in branch order wins",
        """
steps:
  - {name: A, parallel: true, run: [{action: set, values: {x: 0}}], rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: x}]}
  - {name: C, run: [{action: shell, cmd: c, as: x}]}
""",
        {"x": "c"},
    ),
    Rehearsal(
        "a loop over items gives the list of the iterations' data in the order of the items",
        """
steps:
  - name: A
    run:
      - {action: shell, cmd: "{{ f }}-{{ loop.index }}-{{ loop.last }}", loop: {items: [a, b, c], as: f}, as: seq}
      - {action: shell, cmd: "{{ item }}", loop: {items: "{{ seq }}", parallel: 2}, as: par}
      - {action: shell, cmd: "{{ item.key }}={{ item.value }}", loop: {items: {x: 1, y: 2}}, as: map}
      - {action: shell, cmd: "{{ item }}", loop: {items: 3}, as: num}
      - {action: shell, cmd: "{{ item }}", loop: {items: []}, as: nothing}
""",
        {
            "seq": ["a-0-false", "b-1-false", "c-2-true"],
            "par": ["a-0-false", "b-1-false", "c-2-true"],
            "map": ["x=1", "y=2"],
            "num": [0, 1, 2],
            "nothing": [],
        },
    ),
    Rehearsal(
        "while is tested before and until after each iteration",
        """
context: {n: 0, m: 0, k: 5}
steps:
  - name: A
    run:
      - {action: set, values: {n: "{{ n + 1 }}"}, loop: {while: "n < 3"}}
      - {action: set, values: {m: "{{ m + 1 }}"}, loop: {until: "m >= 2"}}
      - {action: set, values: {k: "{{ k + 1 }}"}, loop: {while: "k < 3"}}
""",
        {"n": 3, "m": 2},
    ),
    Rehearsal(
        "a loop that reaches its max fails",
        """
context: {n: 0}
steps:
  - {name: A, run: [{action: set, values: {n: "{{ n + 1 }}"}, loop: {while: true, max: 4}}]}
outputs: {}
""",
        status="failed",
        error="max_iterations",
    ),
    Rehearsal(
        "a failed iteration stops those not yet started unless the loop continues",
        """
steps:
  - name: A
    run: [{action: shell, cmd: "{{ item }}", loop: {items: [a, fail, c], on_error: continue}, as: all}]
    rule: [{case: "result.errors", run: [{step: B}]}]
  - name: B
    run: [{action: set, values: {errors: "{{ result.errors | length }}"}}, {action: shell, cmd: "{{ item }}", loop: {items: [a, fail, c]}}]
    rule: [{case: "result.failed", run: [{step: C}]}]
  - {name: C, run: [{action: set, values: {data: "{{ steps.B.result.data }}"}}]}
""",
        {"all": ["a", None, "c"], "errors": 1, "data": ["a", None]},
    ),
    Rehearsal(
        "a task sees its arguments and the loop variables of its call",
        """
tasks:
  - {name: greet, args: {greeting: hello}, run: [{action: shell, cmd: "{{ greeting }} {{ who }} {{ item }}", as: said}]}
steps:
  - name: A
    run: [{task: greet, with: {who: "{{ item }}!"}, loop: {items: [x, y]}, as: all}]
""",
        {"said": "hello y! y", "all": ["hello x! x", "hello y! y"]},
    ),
    Rehearsal(
        "tasks may call tasks and keep their arguments apart",
        """
tasks:
  - {name: outer, args: {a: 1}, run: [{task: inner, with: {b: "{{ a + 1 }}"}}, {action: set, values: {after: "{{ a }}"}}]}
  - {name: inner, args: {b: 0}, run: [{action: set, values: {inside: "{{ b }}"}}]}
steps:
  - {name: A, run: [{task: outer, with: {a: 5}}]}
""",
        {"inside": 6, "after": 5},
    ),
    Rehearsal(
        "parallel items run at once and are merged in item order",
        """
steps:
  - name: A
    parallel: true
    run: [{action: shell, cmd: a, as: a}, {action: shell, cmd: b, as: b}, {action: set, values: {c: 3}}]
    rule: [{case: "result.success", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {data: "{{ result.data }}", n: "{{ results | length }}"}}]}
""",
        {"a": "a", "b": "b", "c": 3, "data": ["a", "b", {"c": 3}], "n": 3},
    ),
    Rehearsal(
        "a failed parallel item cancels the others and nothing of any item is merged",
        """
steps:
  - name: A
    parallel: true
    run: [{action: set, values: {x: 1}}, {action: shell, cmd: never}, {action: shell, cmd: fail}]
    rule: [{case: "error.code == 'broken'", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {unset: "{{ x is undefined }}"}}]}
""",
        {"unset": True},
    ),
    Rehearsal(
        "parallel items that set one variable to different values fail the work",
        """
steps:
  - name: A
    parallel: true
    run: [{action: set, values: {x: 1}}, {action: set, values: {x: 2}}]
    rule: [{case: "error.code == 'merge_conflict'", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {caught: true}}]}
""",
        {"caught": True},
    ),
    Rehearsal(
        "what a parallel iteration sets is its own and its data is its result",
        """
steps:
  - name: A
    run: [{action: set, values: {x: "{{ item }}"}, loop: {items: [1, 2, 3], parallel: true}, as: all}]
""",
        {"all": [{"x": 1}, {"x": 2}, {"x": 3}]},
    ),
    Rehearsal(
        "a step loops its whole work and the rule comes after",
        """
context: {total: 0}
steps:
  - name: A
    loop: {items: [1, 2, 3]}
    run: [{action: shell, cmd: "{{ item }}", as: got}, {action: set, values: {total: "{{ total + item }}"}}]
    rule: [{case: "total == 6", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {done: true}}]}
""",
        {"got": 3, "total": 6, "done": True},
    ),
    Rehearsal(
        "when false skips the work but not the rule",
        """
steps:
  - name: A
    when: "1 == 2"
    run: [{action: set, values: {x: 1}}]
    rule: [{case: "result.skipped", run: [{step: B}]}]
  - {name: B, run: [{action: shell, cmd: b, when: false, as: y}, {action: set, values: {z: "{{ results[0].status if results else 'none' }}"}}]}
outputs: {x: "{{ x | default('unset') }}", y: "{{ y | default('unset') }}"}
""",
        {"x": "unset", "y": "unset"},
        path=["A", "B"],
    ),
    Rehearsal(
        "a fallback takes the place of a failed action and as stores its data",
        """
tasks:
  - {name: plan_b, run: [{action: shell, cmd: "b after {{ error.code }}"}]}
steps:
  - {name: A, run: [{action: shell, cmd: fail, fallback: plan_b, as: got}]}
""",
        {"got": "b after broken"},
    ),
    Rehearsal(
        "what a failed attempt of a task set is undone before the next attempt",
        """
context: {tries: 0}
tasks:
  - {name: t, run: [{action: set, values: {tries: "{{ tries + 1 }}", seen: "{{ seen is undefined }}"}}, {action: shell, cmd: "fail"}]}
steps:
  - name: A
    run: [{task: t, retry: {attempts: 3, delay: 1, on: [broken]}}]
    rule: [{case: "result.failed", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {n: "{{ tries }}", attempts: "{{ steps.A.result.attempts }}"}}]}
""",
        {"tries": 1, "seen": True, "n": 1, "attempts": 3},
    ),
    Rehearsal(
        "a step is retried as a whole",
        """
context: {n: 0}
steps:
  - name: A
    retry: {attempts: 2, delay: 0, on: [permanent]}
    run: [{action: set, values: {n: "{{ n + 1 }}"}}, {action: fail, message: "no {{ n }}"}]
    rule: [{case: "result.failed", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {m: "{{ last_error.message }}"}}]}
""",
        {"n": 1, "m": "no 1"},
    ),
    Rehearsal(
        "a task call that takes too long fails with timeout and its action is stopped",
        """
tasks:
  - {name: slow, run: [{action: shell, cmd: never}]}
steps:
  - name: A
    run: [{task: slow, timeout: 5s}]
    rule: [{case: "error.code == 'timeout' and error.transient", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {late: true}}]}
""",
        {"late": True},
    ),
    Rehearsal(
        "a step that takes too long falls out of all that it was in",
        """
tasks:
  - {name: inner, parallel: true, run: [{action: shell, cmd: never}, {action: shell, cmd: ok, as: x}, {action: wait, for: 1h}]}
steps:
  - name: A
    timeout: 10s
    run: [{task: inner, loop: {items: 3}}]
    rule: [{case: "error.code == 'timeout'", run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {late: true}}]}
""",
        {"late": True},
    ),
    Rehearsal(
        "a run that takes too long fails with timeout",
        """
timeout: 1m
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: never}]}
  - {name: C, run: [{action: wait, for: 2h}]}
""",
        status="failed",
        error="timeout",
    ),
    Rehearsal(
        "wait lets time pass",
        """
steps:
  - {name: A, run: [{action: set, values: {t: "{{ now() }}"}}, {action: wait, for: 90s}, {action: set, values: {later: "{{ (now() | string)[:19] != t[:19] }}"}}]}
outputs: {later: "{{ later }}"}
""",
        {"later": True},
    ),
    Rehearsal(
        "the visit beyond max_visits never starts",
        """
context: {n: 0}
steps:
  - {name: A, max_visits: 3, run: [{action: set, values: {n: "{{ n + 1 }}"}}], rule: [{case: "n < 100", run: [{step: A}]}]}
outputs: {}
""",
        status="failed",
        error="max_visits",
        path=["A", "A", "A"],
    ),
    Rehearsal(
        "stop ends the whole run as completed and renders the outputs",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: never}]}
  - {name: C, run: [{action: set, values: {x: 1}}, {action: stop, message: enough}, {action: set, values: {x: 2}}]}
outputs: {x: "{{ x }}"}
""",
        {"x": 1},
        races=True,
    ),
    Rehearsal(
        "under on_error continue the other branches go on and the run fails in the end",
        """
on_error: continue
steps:
  - {name: A, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: fail}]}
  - {name: C, run: [{action: shell, cmd: c, as: x}]}
""",
        {"x": "c"},
        status="failed",
        error="broken",
        path=["A", "B", "C"],
    ),
    Rehearsal(
        "under on_error abort the other branches are cancelled",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}, {step: D}]}]}
  - {name: B, run: [{action: shell, cmd: never}]}
  - {name: C, run: [{action: fail, message: boom, code: mine, kind: user}]}
  - {name: D, run: [{action: wait, event: go}]}
""",
        status="failed",
        error="mine",
    ),
    Rehearsal(
        "an undefined name in an action fails it with its place",
        """
steps:
  - name: A
    run: [{action: set, values: {x: "{{ steps.B.result.data }}"}}]
    rule: [{case: "error.code == 'undefined'", run: [{step: C}]}]
  - {name: B, run: [{action: noop}]}
  - {name: C, run: [{action: set, values: {line: "{{ last_error.details.line }}"}}], rule: [{case: false, run: [{step: B}]}]}
""",
        {"line": 7},
    ),
    Rehearsal(
        "a condition that raises fails the step",
        """
steps:
  - name: A
    run: [{action: set, values: {x: a}}]
    rule:
      - {case: "x + 1 > 2", run: [{step: B}]}
      - {case: "true", run: [{step: B}]}
      - {case: "error.code == 'expression'", run: [{step: C}]}
  - {name: B, run: [{action: noop}]}
  - {name: C, run: [{action: set, values: {caught: true}}]}
""",
        {"x": "a", "caught": True},
        path=["A", "C"],
    ),
    Rehearsal(
        "as unpacks a mapping into several variables",
        """
steps:
  - name: A
    run: [{action: set, values: {n: 2}, as: {twice: "{{ data.n * 2 }}", ok: "{{ result.success }}"}}]
""",
        {"n": 2, "twice": 4, "ok": True},
    ),
    Rehearsal(
        "uuid and random are drawn from where they stand",
        """
steps:
  - name: A
    run: [{action: set, values: {a: "{{ uuid() }}", b: "{{ uuid() }}", r: "{{ random() }}"}}]
    rule: [{case: true, run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {same: "{{ a == b }}", sane: "{{ 0 <= r and r < 1 }}"}}]}
outputs: {same: "{{ same }}", sane: "{{ sane }}"}
""",
        {"same": False, "sane": True},
    ),
    Rehearsal(
        "environment and context are rendered once, entry by entry",
        """
inputs: {n: {type: integer, default: 3}}
environment: {a: "{{ n + 1 }}", b: "{{ a * 2 }}"}
context: {c: "{{ b + n }}", d: "{{ c }}x", home: "{{ env.HOME }}"}
steps: [{name: A, run: [{action: set, values: {e: "{{ context.d }}{{ environment.a }}{{ inputs.n }}"}}]}]
outputs: {c: "{{ c }}", e: "{{ e }}", home: "{{ home }}"}
""",
        {"c": 11, "e": "11x43", "home": "/home/test"},
    ),
    Rehearsal(
        "outputs read what is known of the steps of all branches",
        """
steps:
  - {name: A, parallel: true, rule: [{case: true, run: [{step: B}, {step: C}]}]}
  - {name: B, run: [{action: shell, cmd: b}]}
  - {name: C, run: [{action: shell, cmd: c}]}
outputs: {b: "{{ steps.B.result.data }}", c: "{{ steps.C.status }}", a: "{{ steps.A.visits }}"}
""",
        {"b": "b", "c": "completed", "a": 1},
    ),
    Rehearsal(
        "tolerated failures inside a task do not retry it",
        """
context: {n: 0}
tasks:
  - {name: t, run: [{action: shell, cmd: fail, on_error: continue}, {action: set, values: {n: "{{ n + 1 }}"}}]}
steps:
  - name: A
    run: [{task: t, retry: {attempts: 3, delay: 0, on: [broken]}}]
    rule: [{case: true, run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {failed: "{{ steps.A.result.failed }}"}}]}
""",
        {"n": 1, "failed": True},
    ),
    Rehearsal(
        "a bounded fork starts the next branch when one has ended",
        """
steps:
  - {name: A, parallel: 2, rule: [{case: true, run: [{step: B}, {step: C}, {step: D}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: b}]}
  - {name: C, run: [{action: shell, cmd: c, as: c}]}
  - {name: D, run: [{action: shell, cmd: d, as: d}]}
""",
        {"b": "b", "c": "c", "d": "d"},
    ),
    Rehearsal(
        "a set whose values are a template gives a mapping of names or fails",
        """
steps:
  - name: A
    run: [{action: set, values: "{{ {'a': 1} }}"}, {action: set, values: "{{ [a] }}"}]
    rule: [{case: "error.code == 'expression'", run: [{step: B}]}]
  - name: B
    run: [{action: set, values: "{{ {'result': 1} }}"}]
    rule: [{case: "error.code == 'expression'", run: [{step: C}]}]
  - {name: C, run: [{action: set, values: {caught: "{{ last_error.message }}"}}]}
""",
        {"a": 1, "caught": "'result' cannot be a variable here"},
    ),
    Rehearsal(
        "a long inline loop takes turns and comes to its end",
        """
context: {n: 0}
steps: [{name: A, run: [{action: set, values: {n: "{{ n + 1 }}"}, loop: {while: "n < 3000"}}]}]
outputs: {n: "{{ n }}"}
""",
        {"n": 3000},
    ),
    Rehearsal(
        "a run whose context cannot be rendered fails before its first step",
        """
context: {c: "{{ env.NOT_THERE }}"}
steps: [{name: A, run: [{action: set, values: {x: 1}}]}]
""",
        status="failed",
        error="undefined",
        path=[],
    ),
    Rehearsal(
        "an iteration sees the result of the one before",
        """
steps: [{name: A, run: [{action: shell, cmd: "{{ result.data if result else '' }}{{ item }}", loop: {items: [p, q, r]}, as: all}]}]
""",
        {"all": ["p", "pq", "pqr"]},
    ),
]
