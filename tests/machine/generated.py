"""Playbooks that a generator makes: any shape of steps, rules, forks, joins, loops and failures that the language allows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

STEPS = ["A", "B", "C", "D", "E"]
VARIABLES = ["x", "y", "z"]

conditions = st.sampled_from(
    [
        "true",
        "default",
        "x == 1",
        "y",
        "not z",
        "result.success",
        "result.failed",
        "error.code == 'broken'",
        "steps.A.visits < 3",
        "x and y or z",
        "result.data == 1",
    ]
)

values = st.one_of(
    st.integers(0, 3),
    st.sampled_from(
        ["{{ x | default(0) }}", "{{ (y | default(0)) ~ 'b' }}", "{{ steps.A.visits | default(0) }}", "text"]
    ),
)


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """What may stand around a call."""
    found: dict[str, Any] = {}
    if draw(st.integers(0, 9)) == 0:
        found["when"] = draw(conditions.filter(lambda text: text != "default"))
    if draw(st.integers(0, 5)) == 0:
        found["loop"] = {"items": draw(st.integers(0, 3)), "parallel": draw(st.sampled_from([1, 2, True]))}
        if draw(st.booleans()):
            found["loop"]["on_error"] = "continue"
    if draw(st.integers(0, 5)) == 0:
        found["retry"] = {"attempts": draw(st.integers(1, 3)), "delay": draw(st.sampled_from([0, 1])), "on": ["broken"]}
    if draw(st.integers(0, 7)) == 0:
        found["timeout"] = "5s"
    if draw(st.integers(0, 5)) == 0:
        found["on_error"] = "continue"
    if draw(st.integers(0, 7)) == 0:
        found["fallback"] = "inner"
    return found


@st.composite
def calls(draw: st.DrawFn, *, tasks: bool = True) -> dict[str, Any]:
    kind = draw(st.sampled_from(["set", "shell", "shell", "noop", "wait", "fail", *(["task"] if tasks else [])]))
    call: dict[str, Any]
    if kind == "set":
        call = {"action": "set", "values": {draw(st.sampled_from(VARIABLES)): draw(values)}}
    elif kind == "shell":
        call = {"action": "shell", "cmd": draw(st.sampled_from(["ok", "1", "fail", "never", "{{ x | default('n') }}"]))}
        if draw(st.booleans()):
            call["as"] = draw(st.sampled_from(VARIABLES))
    elif kind == "wait":
        call = {"action": "wait", "for": draw(st.sampled_from(["0s", "1s"]))}
    elif kind == "fail":
        call = {"action": "fail", "code": "broken", "message": "no"}
    elif kind == "task":
        call = {"task": draw(st.sampled_from(["inner", "outer"]))}
    else:
        call = {"action": "noop"}
    if call.get("cmd") == "never":
        # Something has to end it, or the run waits for ever, which is right and tells nothing.
        call["timeout"] = "3s"
        return call
    return {**draw(policies()), **call}


@st.composite
def steps(draw: st.DrawFn, name: str, names: list[str], *, racing: bool) -> dict[str, Any]:
    step: dict[str, Any] = {"name": name, "max_visits": 4}
    if draw(st.integers(0, 4)) or name == "A":
        step["run"] = draw(st.lists(calls(), min_size=1, max_size=3))
    cases = []
    for _ in range(draw(st.integers(0, 3))):
        case: dict[str, Any] = {"case": draw(conditions)}
        if draw(st.integers(0, 3)) == 0:
            case["run"] = draw(st.lists(calls(), min_size=1, max_size=2))
        else:
            case["run"] = [{"step": target} for target in draw(st.lists(st.sampled_from(names), max_size=3))]
        cases.append(case)
    if cases or "run" not in step:
        step["rule"] = cases or [{"case": True, "run": []}]
    joins = ["all", "all", "any", "first", 2] if racing else ["all"]
    if draw(st.integers(0, 2)) == 0:
        step["join"] = draw(st.sampled_from(joins))
        step["merge"] = draw(st.sampled_from(["last", "collect"]))
    parallel = draw(st.sampled_from([None, None, True, 2]))
    if parallel is not None:
        step["parallel"] = parallel
    if draw(st.integers(0, 9)) == 0 and "run" in step:
        step.update({key: value for key, value in draw(policies()).items() if key != "fallback"})
    return step


@st.composite
def playbooks(draw: st.DrawFn, *, racing: bool = True) -> dict[str, Any]:
    """A playbook as data; with `racing`, its answer may depend on which branch is first."""
    names = STEPS[: draw(st.integers(1, len(STEPS)))]
    inner = {"name": "inner", "run": draw(st.lists(calls(tasks=False), min_size=1, max_size=2))}
    outer = {"name": "outer", "run": [{"task": "inner"}, draw(calls(tasks=False))]}
    for task in (inner, outer):
        for call in task["run"]:
            call.pop("fallback", None)
    playbook = {
        "apiVersion": "noetl.io/v1",
        "kind": "Playbook",
        "name": "generated",
        "context": {"x": draw(st.integers(0, 1))},
        "tasks": [inner, outer],
        "steps": [draw(steps(name, names, racing=racing)) for name in names],
    }
    if draw(st.booleans()):
        playbook["on_error"] = "continue"
    return playbook
