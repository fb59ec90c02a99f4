"""What the corpus of the machine cannot show: people who ask, runs that call runs, and runs that are tried again."""

from __future__ import annotations

from crashing import Ask, Scenario

from noetl.model.event import Kind

_CHILD = """
inputs: {who: {type: string}}
steps:
  - {name: C1, run: [{action: shell, cmd: "greet {{ who }}", as: c1}], rule: [{case: true, run: [{step: C2}]}]}
  - {name: C2, run: [{action: wait, for: 1s}, {action: shell, cmd: "part from {{ who }}", as: c2}]}
"""
_UNDO = """
tasks:
  - {name: undo, args: {what: "?"}, run: [{action: shell, cmd: "undo {{ what }} after {{ error.code }}"}]}
"""
_BOOKING = (
    _UNDO
    + """
steps:
  - {name: A, run: [{action: shell, cmd: a, compensate: {task: undo, with: {what: a}}}], rule: [{case: true, run: [{step: B}]}]}
  - {name: B, run: [{action: shell, cmd: b, compensate: {task: undo, with: {what: b}}}], rule: [{case: true, run: [{step: C}]}]}
"""
)
_BRANCH = (
    _BOOKING.replace("steps:", "steps:\n  - {name: S, rule: [{case: true, run: [{step: A}, {step: D}]}]}")
    + """
  - {name: C, on_error: compensate, run: [{action: fail, code: full, message: full}], rule: [{case: result.failed, run: [{step: J}]}]}
  - {name: D, run: [{action: wait, for: 1s}, {action: shell, cmd: d, compensate: {task: undo, with: {what: d}}}], rule: [{case: true, run: [{step: J}]}]}
  - {name: J, join: all, run: [{action: shell, cmd: j, as: j}]}
outputs: {}
"""
)

CRASH_CASES = [
    Scenario(
        "a signal is heard once, before its wait or after",
        """
steps:
  - {name: A, run: [{action: shell, cmd: a}], rule: [{case: true, run: [{step: W}]}]}
  - {name: W, run: [{action: wait, event: early, as: one}, {action: wait, event: late, as: two}]}
""",
        asks=(
            Ask(Kind.STEP_STARTED, "signal", {"event": "early", "data": 1}, step="A"),
            Ask(Kind.SIGNAL_RECEIVED, "signal", {"event": "late", "data": {"n": 2}}),
        ),
    ),
    Scenario(
        "a paused run stands still until somebody resumes it",
        """
steps:
  - {name: A, run: [{action: shell, cmd: a, as: a}], rule: [{case: true, run: [{step: B}]}]}
  - {name: B, run: [{action: shell, cmd: b, as: b}, {action: wait, for: 2s}]}
""",
        asks=(
            Ask(Kind.ACTION_STARTED, "pause", {"reason": "lunch"}, step="A"),
            Ask(Kind.RUN_PAUSED, "resume", {}),
        ),
    ),
    Scenario(
        "a run paused at once carries out again what it stopped",
        """
steps:
  - {name: S, parallel: true, rule: [{case: true, run: [{step: A}, {step: B}]}]}
  - {name: A, run: [{action: shell, cmd: a, as: a}]}
  - {name: B, run: [{action: wait, for: 1s}, {action: shell, cmd: b, as: b}]}
""",
        asks=(
            Ask(Kind.ACTION_STARTED, "pause", {"reason": "lunch", "now": True}, step="A"),
            Ask(Kind.RUN_PAUSED, "resume", {}),
        ),
    ),
    Scenario(
        "a pause of some minutes ends by itself",
        "steps: [{name: A, run: [{action: shell, cmd: a}, {action: wait, for: 1s}, {action: shell, cmd: b, as: b}]}]\n",
        asks=(Ask(Kind.STEP_STARTED, "pause", {"reason": "tea", "until": 1_700_000_300_000_000}, step="A"),),
    ),
    Scenario(
        "what had completed is undone when somebody cancels",
        _BOOKING + "  - {name: C, run: [{action: shell, cmd: never}]}\noutputs: {}\n",
        asks=(Ask(Kind.STEP_STARTED, "cancel", {"reason": "no longer wanted"}, step="C"),),
    ),
    Scenario(
        "an undoing that has begun is not stopped by a cancel",
        _BOOKING + "  - {name: C, run: [{action: fail, code: full, message: full}]}\noutputs: {}\n",
        asks=(Ask(Kind.COMPENSATION_STARTED, "cancel", {"reason": "too late"}),),
    ),
    Scenario(
        "a branch that is undone is undone to the end when somebody cancels",
        _BRANCH,
        asks=(Ask(Kind.COMPENSATION_STARTED, "cancel", {"reason": "no longer wanted"}),),
    ),
    Scenario(
        "a branch is undone on after a pause in the middle of it",
        _BRANCH,
        asks=(
            Ask(Kind.COMPENSATION_STARTED, "pause", {"reason": "lunch"}),
            Ask(Kind.RUN_PAUSED, "resume", {}),
        ),
    ),
    Scenario(
        "a failed run is tried again until it has used its attempts",
        """
on_error: {retry: {attempts: 3, delay: 5s, on: [broken]}}
steps: [{name: A, run: [{action: shell, cmd: "fail {{ execution.attempt }}", retry: {attempts: 2, delay: 1s, on: [broken]}}]}]
outputs: {}
""",
    ),
    Scenario(
        "a run that is tried again after it was undone succeeds",
        _UNDO
        + """
on_error: {retry: {attempts: 2, delay: 0, on: [full]}}
steps:
  - name: A
    run:
      - {action: shell, cmd: a, compensate: {task: undo, with: {what: a}}}
      - {action: fail, code: full, message: full, when: "execution.attempt == 1"}
outputs: {n: "{{ execution.attempt }}"}
""",
    ),
    Scenario(
        "a called run gives its outputs to the caller",
        """
steps:
  - {name: A, run: [{action: playbook, path: child.yaml, inputs: {who: Ada}, as: got}], rule: [{case: true, run: [{step: B}]}]}
  - {name: B, run: [{action: shell, cmd: "{{ got.c2 }}!", as: b}]}
""",
        files={"child.yaml": _CHILD},
    ),
    Scenario(
        "runs called at once, and again after a failure, are told apart",
        """
steps:
  - name: A
    run: [{action: playbook, path: child.yaml, inputs: {who: "{{ item }}"}, loop: {items: [Ada, Bob, Cid], parallel: 2}, as: got}]
    rule: [{case: true, run: [{step: B}]}]
  - name: B
    run: [{action: playbook, path: failing.yaml, retry: {attempts: 2, delay: 1s, on: [broken]}, on_error: continue}]
outputs: {names: "{{ got }}", attempts: "{{ steps.B.result.attempts }}"}
""",
        files={"child.yaml": _CHILD, "failing.yaml": "steps: [{name: F, run: [{action: shell, cmd: fail}]}]\n"},
    ),
    Scenario(
        "a called run that is tried again is waited for",
        "steps: [{name: A, run: [{action: playbook, path: flaky.yaml, as: got}]}]\n",
        files={
            "flaky.yaml": """
on_error: {retry: {attempts: 2, delay: 3s, on: [early]}}
steps: [{name: F, run: [{action: shell, cmd: f}, {action: fail, code: early, message: early, when: "execution.attempt == 1"}]}]
outputs: {n: "{{ execution.attempt }}"}
"""
        },
    ),
    Scenario(
        "a called run ends with the caller that is cancelled",
        "steps: [{name: A, run: [{action: playbook, path: child.yaml}]}]\noutputs: {}\n",
        files={"child.yaml": "steps: [{name: F, run: [{action: shell, cmd: never}]}]\n"},
        asks=(Ask(Kind.ACTION_STARTED, "cancel", {"reason": "no longer wanted"}, step="F"),),
    ),
    Scenario(
        "a called run outlives the pause of its caller",
        "steps: [{name: A, run: [{action: playbook, path: child.yaml, inputs: {who: Eve}, as: got}]}]\n",
        files={"child.yaml": _CHILD},
        asks=(
            Ask(Kind.STEP_STARTED, "pause", {"reason": "lunch"}, step="C1"),
            Ask(Kind.RUN_PAUSED, "resume", {}),
        ),
    ),
    Scenario(
        "a run that nobody waits for goes on by itself",
        """
steps:
  - {name: A, run: [{action: playbook, path: child.yaml, inputs: {who: Fay}, detach: true}], rule: [{case: true, run: [{step: B}]}]}
  - {name: B, run: [{action: wait, for: 500ms}, {action: shell, cmd: b, as: b}]}
""",
        files={"child.yaml": _CHILD},
        recovers=True,
    ),
    Scenario(
        "actions that wait for a limit start when it lets them",
        """
concurrency: 2
limits: {api: {rate: 10/s}, one: {concurrency: 1}}
steps:
  - name: A
    run: [{action: shell, cmd: "{{ item }}", limit: api, loop: {items: 4, parallel: true}, as: a}]
    rule: [{case: true, run: [{step: B}]}]
  - name: B
    parallel: true
    run: [{action: shell, cmd: b, limit: one}, {action: shell, cmd: c, limit: one}, {action: shell, cmd: fail once, retry: {attempts: 2, delay: 1s}}]
""",
    ),
]
