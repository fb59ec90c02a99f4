"""Rehearsals of `on_error: compensate`: what a branch has completed is undone when its step fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus import Rehearsal


@dataclass(frozen=True)
class Undoing(Rehearsal):
    #: The actions in the order of their start.
    done: list[str] = field(default_factory=list)


#: `slow` takes ten seconds to undo something.
UNDO = """
tasks:
  - {name: undo, args: {what: "?"}, run: [{action: shell, cmd: "undo {{ what }} because {{ error.code }}"}]}
  - {name: slow, args: {what: "?"}, run: [{action: wait, for: 10s}, {action: shell, cmd: "undo {{ what }} because {{ error.code }}"}]}
"""


def _step(name: str, *after: str, more: str = "", undo: str = "undo") -> str:
    """A step whose work can be undone, which leads to others."""
    what = name.lower()
    moves = ", ".join(f"{{step: {step}}}" for step in after)
    rule = f", rule: [{{case: true, run: [{moves}]}}]" if after else ""
    work = f"{{action: shell, cmd: {what}, compensate: {{task: {undo}, with: {{what: {what}}}}}}}"
    return f"  - {{name: {name}, run: [{work}]{rule}{more}}}\n"


def _fails(name: str, *after: str, more: str = "", before: str = "") -> str:
    """A step that fails and undoes its branch, and goes on to others."""
    moves = ", ".join(f"{{step: {step}}}" for step in after)
    rule = f", rule: [{{case: result.failed, run: [{moves}]}}]" if after else ""
    work = f"{before}{{action: fail, code: full, message: full}}"
    return f"  - {{name: {name}, on_error: compensate, run: [{work}]{rule}{more}}}\n"


#: Branch A is undone for twenty seconds; after five something happens in branch B.
SLOW_BRANCH = (
    UNDO
    + "steps:\n"
    + _step("S", "A", "B", more=", parallel: true")
    + _step("A", "A2", undo="slow")
    + _step("A2", "A3", undo="slow")
    + _fails("A3", "J")
    + "  - {name: B, run: [{action: wait, for: 5s}], rule: [{case: true, run: [{step: B2}]}]}\n"
)
_FULL = "because full"

UNDOING_CASES = [
    Undoing(
        "the branch of a failed step is undone, and no other",
        UNDO
        + "steps:\n"
        + _step("S", "A", "B")
        + _step("A", "A2")
        + _fails("A2", "J", before="{action: shell, cmd: a2, compensate: {task: undo, with: {what: a2}}}, ")
        + _step("B", "J")
        + "  - {name: J, join: all, run: [{action: set, values: {joined: true}}]}\n",
        {"joined": True},
        path=["S", "A", "A2", "B", "J"],
        done=["s", "a", "a2", f"undo a2 {_FULL}", f"undo a {_FULL}", "b"],
    ),
    Undoing(
        "outside of forks all that the run has completed is undone",
        UNDO + "steps:\n" + _step("A", "B") + _step("B", "C") + _fails("C", "D") + _step("D") + "outputs: {}\n",
        path=["A", "B", "C", "D"],
        done=["a", "b", f"undo b {_FULL}", f"undo a {_FULL}", "d"],
    ),
    Undoing(
        "after its branch is undone a step goes on as with continue",
        UNDO
        + """
steps:
  - name: A
    on_error: compensate
    run: [{action: shell, cmd: a, compensate: undo}, {action: fail, code: full, message: full}]
    rule:
      - {case: "result.failed and error.code == 'full'", run: [{step: B}]}
  - {name: B, run: [{action: set, values: {after: "{{ steps.A.status }} {{ steps.A.result.error.code }}"}}]}
""",
        {"after": "completed full"},
        done=["a", f"undo ? {_FULL}"],
    ),
    Undoing(
        "what a branch has undone is not undone again when the run fails",
        UNDO
        + "steps:\n"
        + _step("A", "B")
        + _fails("B", "C")
        + _step("C", "D")
        + "  - {name: D, run: [{action: fail, code: late, message: late}]}\noutputs: {}\n",
        status="failed",
        error="late",
        done=["a", f"undo a {_FULL}", "c", "undo c because late"],
    ),
    Undoing(
        "a step that tries again after it was undone is undone once for each time",
        UNDO
        + "steps:\n"
        + _step("A", "B")
        + """
  - name: B
    on_error: compensate
    run: [{action: fail, code: full, message: full, when: "steps.A.visits < 3"}]
    rule: [{case: result.failed, run: [{step: A}]}]
outputs: {visits: "{{ steps.A.visits }}"}
""",
        {"visits": 3},
        done=["a", f"undo a {_FULL}", "a", f"undo a {_FULL}", "a"],
    ),
    Undoing(
        "a compensation that fails fails the step, and the others of its branch run",
        """
tasks:
  - {name: bad, run: [{action: fail, code: stuck, message: stuck}]}
  - {name: good, run: [{action: shell, cmd: good}]}
steps:
  - name: A
    on_error: compensate
    run:
      - {action: shell, cmd: a, compensate: good}
      - {action: shell, cmd: b, compensate: bad}
      - {action: fail, code: full, message: full}
    rule: [{case: true, run: [{step: B}]}]
  - {name: B, run: [{action: shell, cmd: never}]}
outputs: {}
""",
        status="failed",
        error="full",
        path=["A"],
        done=["a", "b", "good"],
    ),
    Undoing(
        "a case that reads the outcome takes a step that could not be undone",
        """
tasks:
  - {name: bad, run: [{action: fail, code: stuck, message: stuck}]}
steps:
  - name: A
    on_error: compensate
    run: [{action: shell, cmd: a, compensate: bad}, {action: fail, code: full, message: full}]
    rule: [{case: result.failed, run: [{step: B}]}]
  - {name: B, run: [{action: set, values: {status: "{{ steps.A.status }}"}}]}
""",
        {"status": "failed"},
        path=["A", "B"],
        done=["a"],
    ),
    Undoing(
        "nested forks and parallel items of the branch are undone with it",
        UNDO
        + "steps:\n"
        + _step("S", "A", "Z")
        + _step("A", "B", "C")
        + """
  - name: B
    run: [{action: shell, cmd: "b{{ item }}", loop: {items: 2, parallel: true}, compensate: {task: undo, with: {what: "b{{ item }}"}}}]
    rule: [{case: true, run: [{step: J}]}]
"""
        + _step("C", "D", "J")
        + _step("D")
        + _fails("J", more=", join: all")
        + _step("Z")
        + "outputs: {}\n",
        done=[
            *("s", "a", "b0", "b1", "c", "d"),
            *(f"undo {what} {_FULL}" for what in ("d", "c", "b1", "b0", "a")),
            "z",
        ],
        undoes_as_it_came=True,
    ),
    Undoing(
        "a branch whose own fork has joined is still the branch, though the others have ended",
        UNDO
        + "steps:\n"
        + _step("S", "A", "B")
        + _step("A")
        + _step("B", "C", "D")
        + _step("C", "J")
        + _step("D", "J")
        + _fails("J", more=", join: all")
        + "outputs: {}\n",
        done=["s", "a", "b", "c", "d", *(f"undo {what} {_FULL}" for what in ("d", "c", "b"))],
    ),
    Undoing(
        "a step after a join that did not wait for all undoes nothing of a branch that goes on",
        UNDO
        + "steps:\n"
        + _step("S", "A", "B", "C", more=", parallel: 2")
        + _step("A", "J")
        + _step("B", "J")
        + "  - {name: C, run: [{action: shell, cmd: c, compensate: undo}, {action: wait, for: 5s}]}\n"
        + "  - {name: J, join: 2, run: [{action: wait, for: 1s}], rule: [{case: true, run: [{step: K}]}]}\n"
        + _fails("K", "L")
        + "  - {name: L, run: [{action: wait, for: 10s}], rule: [{case: true, run: [{step: M}]}]}\n"
        + _step("M", "N")
        + _fails("N")
        + "outputs: {}\n",
        # At last nobody goes on but that step, so that it undoes the rest.
        done=[
            *("s", "a", "b", "c", f"undo b {_FULL}", f"undo a {_FULL}", f"undo s {_FULL}"),
            *("m", f"undo m {_FULL}", f"undo ? {_FULL}"),
        ],
        undoes_as_it_came=True,
    ),
    Undoing(
        "the first of several branches undoes its own work after the join, and what was before the fork",
        UNDO
        + "steps:\n"
        + _step("S", "A", "B", more=", parallel: true")
        + _step("A", "A2")
        + "  - {name: A2, run: [{action: wait, for: 1s}], rule: [{case: true, run: [{step: J}]}]}\n"
        + _step("B", "B2")
        + "  - {name: B2, run: [{action: wait, for: 5s}], rule: [{case: true, run: [{step: J}]}]}\n"
        + _fails("J", more=", join: any")
        + "outputs: {}\n",
        undoes_as_it_came=True,
        done=["s", "a", "b", f"undo a {_FULL}", f"undo s {_FULL}"],
    ),
    Undoing(
        "two branches are undone at the same time",
        UNDO
        + "steps:\n"
        + _step("S", "A", "B", more=", parallel: true")
        + _step("A", "A2", undo="slow")
        + _fails("A2", "J")
        + _step("B", "B2", undo="slow")
        + _fails("B2", "J")
        + "  - {name: J, join: all, run: [{action: shell, cmd: j, as: j}]}\n",
        {"j": "j"},
        done=["s", "a", "b", f"undo a {_FULL}", f"undo b {_FULL}", "j"],
        undoes_as_it_came=True,
    ),
    Undoing(
        "a join waits for a branch that is undone, and the others go on",
        SLOW_BRANCH
        + "  - {name: B2, run: [{action: shell, cmd: b2}], rule: [{case: true, run: [{step: J}]}]}\n"
        + "  - {name: J, join: all, run: [{action: shell, cmd: j, as: j}]}\n",
        {"j": "j"},
        done=["s", "a", "a2", "b2", f"undo a2 {_FULL}", f"undo a {_FULL}", "j"],
    ),
    Undoing(
        "when another branch fails the run, the rest of a branch is undone with it",
        SLOW_BRANCH
        + "  - {name: B2, run: [{action: fail, code: broke, message: broke}]}\n"
        + "  - {name: J, join: all, run: [{action: shell, cmd: never}]}\noutputs: {}\n",
        status="failed",
        error="broke",
        undoes_as_it_came=True,
        done=["s", "a", "a2", f"undo a2 {_FULL}", "undo a because broke", "undo s because broke"],
    ),
    Undoing(
        "when the run takes too long, the rest of a branch is undone with it",
        "timeout: 5s"
        + SLOW_BRANCH
        + "  - {name: B2, run: [{action: shell, cmd: never}]}\n"
        + "  - {name: J, join: all, run: [{action: shell, cmd: never}]}\noutputs: {}\n",
        status="failed",
        error="timeout",
        undoes_as_it_came=True,
        done=["s", "a", "a2", f"undo a2 {_FULL}", "undo a because timeout", "undo s because timeout"],
    ),
    Undoing(
        "when another branch stops the run, a branch that is undone is undone to its end",
        SLOW_BRANCH
        + "  - {name: B2, run: [{action: stop}]}\n"
        + "  - {name: J, join: all, run: [{action: shell, cmd: never}]}\noutputs: {}\n",
        undoes_as_it_came=True,
        done=["s", "a", "a2", f"undo a2 {_FULL}", f"undo a {_FULL}"],
    ),
    Undoing(
        "a branch that has lost a race is undone to its end",
        SLOW_BRANCH
        + "  - {name: B2, run: [{action: shell, cmd: b2}], rule: [{case: true, run: [{step: J}]}]}\n"
        + "  - {name: J, join: first, run: [{action: shell, cmd: j, as: j}]}\n",
        {"j": "j"},
        path=["S", "A", "B", "A2", "A3", "B2", "J"],
        undoes_as_it_came=True,
        done=["s", "a", "a2", "b2", "j", f"undo a2 {_FULL}", f"undo a {_FULL}"],
    ),
    Undoing(
        "the timeout of a step does not count what is undone",
        UNDO
        + """
steps:
  - name: A
    on_error: compensate
    timeout: 5s
    run: [{action: shell, cmd: a, compensate: slow}, {action: wait, for: 1h}]
outputs: {error: "{{ steps.A.result.error.code }}"}
""",
        {"error": "timeout"},
        undoes_as_it_came=True,
        done=["a", "undo ? because timeout"],
    ),
    Undoing(
        "a step undoes its branch when its attempts are used up, all of them",
        UNDO
        + """
steps:
  - name: A
    on_error: compensate
    retry: {attempts: 2, delay: 0, on: [full]}
    run: [{action: shell, cmd: a, compensate: undo}, {action: fail, code: full, message: full}]
outputs: {}
""",
        done=["a", "a", f"undo ? {_FULL}", f"undo ? {_FULL}"],
    ),
    Undoing(
        "a failure that is tolerated inside of the step undoes nothing",
        UNDO
        + """
steps:
  - name: A
    on_error: compensate
    run: [{action: shell, cmd: a, compensate: undo}, {action: fail, code: full, message: full, on_error: continue}]
outputs: {}
""",
        done=["a"],
    ),
    Undoing(
        "a branch with nothing to undo goes on at once",
        UNDO + "steps:\n" + _step("S", "A", "B") + _fails("A", "B") + _step("B") + "outputs: {}\n",
        done=["s", "b", "b"],
    ),
    Undoing(
        "a stop in the undoing of a branch ends only that",
        """
tasks:
  - {name: undo, run: [{action: stop}, {action: shell, cmd: never}]}
steps:
  - name: A
    on_error: compensate
    run: [{action: shell, cmd: a, compensate: undo}, {action: fail, code: full, message: full}]
    rule: [{case: true, run: [{step: B}]}]
  - {name: B, run: [{action: shell, cmd: b}]}
outputs: {}
""",
        done=["a", "b"],
    ),
    Undoing(
        "what is done to undo a branch is not undone itself",
        """
tasks:
  - {name: undo, run: [{action: shell, cmd: undo, compensate: again}]}
  - {name: again, run: [{action: shell, cmd: never}]}
steps:
  - name: A
    on_error: compensate
    run: [{action: shell, cmd: a, compensate: undo}, {action: fail, code: full, message: full}]
    rule: [{case: true, run: [{step: B}]}]
  - {name: B, run: [{action: shell, cmd: b, compensate: undo}, {action: fail, code: late, message: late}]}
outputs: {}
""",
        status="failed",
        error="late",
        done=["a", "undo", "b", "undo"],
    ),
    Undoing(
        "a branch is undone because of its own failure, whatever the run has failed of before",
        "on_error: continue"
        + UNDO
        + "steps:\n"
        + _step("S", "A", "B")
        + "  - {name: A, run: [{action: fail, code: early, message: early}]}\n"
        + _step("B", "C")
        + _fails("C")
        + "outputs: {}\n",
        status="failed",
        error="early",
        done=["s", "b", f"undo b {_FULL}", "undo s because early"],
    ),
]
