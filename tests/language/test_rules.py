"""The rule language to the model: every shape that a playbook may be written in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from reading import read_body, read_text, valid

from noetl.model.expression import Expression
from noetl.model.playbook import (
    ActionCall,
    Block,
    Join,
    Merge,
    OnError,
    Retry,
    Step,
    TaskCall,
)

STEPS = "steps: [{name: A, run: [{action: noop}]}]\n"


def step_of(text: str) -> Step:
    """The step `A` with these keys besides its name."""
    return valid(f"steps:\n  - name: A\n    {text}\n").steps["A"]


def call_of(text: str) -> Any:
    """The only call of the only step; tasks `t` and `u` are there to be called."""
    playbook = valid(
        f"""\
tasks:
  - {{name: t, run: [{{action: noop}}]}}
  - {{name: u, run: [{{action: noop}}]}}
steps:
  - name: A
    run:
      - {text}
"""
    )
    work = playbook.steps["A"].work
    assert work is not None
    assert len(work.run) == 1
    return work.run[0]


def source_of(value: object) -> str:
    assert isinstance(value, Expression)
    return value.source


def test_a_small_playbook_has_the_defaults_of_the_language() -> None:
    playbook = valid(STEPS)
    assert (playbook.name, playbook.version, playbook.description, playbook.labels) == ("read", None, None, {})
    assert (playbook.start, playbook.parallel, playbook.timeout, playbook.on_error) == (("A",), 1, None, OnError.ABORT)
    assert (playbook.inputs, playbook.environment, playbook.context, playbook.secrets) == ({}, {}, {}, {})
    assert playbook.outputs is None
    step = playbook.steps["A"]
    assert (step.parallel, step.join, step.merge, step.max_visits) == (1, Join.EACH, Merge.CONFLICT, 10_000)


def test_the_top_level_is_read() -> None:
    playbook = valid(
        """\
version: 1.10
description: all of it
labels: {team: data, tier: 1, beta: true}
inputs: {threshold: {type: number, default: 100, description: smallest}, any: , must: {required: true}}
environment: {url: "{{ env.URL }}", copy: "{{ url }}", plain: "{{ inputs.threshold }}"}
secrets: {token: env:TOKEN, key: "file:/run/key", other: vault:a/b:c}
variables: {kept: 0, names: [a, "{{ url }}"]}
start: [A, B]
parallel: true
timeout: 1h30m
on_error: continue
outputs: {kept: "{{ kept }}", both: {x: "{{ kept }}"}}
steps:
  - {name: A, run: [{action: noop}]}
  - {name: B, run: [{action: noop}], parallel: 2}
"""
    )
    assert (playbook.version, playbook.description) == ("1.10", "all of it")
    assert playbook.labels == {"team": "data", "tier": 1, "beta": True}
    assert {name: (given.schema, given.default, given.required) for name, given in playbook.inputs.items()} == {
        "threshold": ({"type": "number"}, 100, False),
        "any": ({}, None, False),
        "must": ({}, None, True),
    }
    assert list(playbook.environment) == ["url", "copy", "plain"]
    assert playbook.held == {"url", "copy"}
    assert {name: (secret.scheme, secret.reference) for name, secret in playbook.secrets.items()} == {
        "token": ("env", "TOKEN"),
        "key": ("file", "/run/key"),
        "other": ("vault", "a/b:c"),
    }
    assert playbook.context["kept"].value == 0
    assert playbook.context["names"].value[0] == "a"
    assert (playbook.start, playbook.timeout, playbook.on_error) == (("A", "B"), 5400, OnError.CONTINUE)
    assert (playbook.steps["A"].parallel, playbook.steps["B"].parallel) == (0, 2)
    assert playbook.outputs is not None
    assert list(playbook.outputs) == ["kept", "both"]


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        pytest.param("[{step: B}]", ("B",), id="a move"),
        pytest.param("[B]", ("B",), id="a bare name"),
        pytest.param("[B, {step: A}, C]", ("B", "A", "C"), id="a fork"),
        pytest.param("[B, B]", ("B", "B"), id="a fork to one step"),
        pytest.param("[]", (), id="nothing"),
    ],
)
def test_a_case_moves_to_steps(text: str, moves: tuple[str, ...]) -> None:
    playbook = valid(
        f"""\
steps:
  - {{name: A, rule: [{{case: default, run: {text}}}]}}
  - {{name: B, run: [{{action: noop}}]}}
  - {{name: C, run: [{{action: noop}}]}}
"""
    )
    (case,) = playbook.steps["A"].cases
    assert (case.moves, case.work) == (moves, None)


def test_a_case_may_do_work() -> None:
    playbook = valid(
        """\
tasks: [{name: t, run: [{action: noop}]}]
steps:
  - name: A
    parallel: 3
    rule: [{case: true, run: [t, {action: noop}, {task: t}]}, {case: false}]
"""
    )
    first, second = playbook.steps["A"].cases
    assert isinstance(first.work, Block)
    assert [type(call) for call in first.work.run] == [TaskCall, ActionCall, TaskCall]
    assert (first.number, first.moves, first.work.parallel) == (1, (), 3)
    assert (second.number, second.moves, second.work) == (2, (), None)


@pytest.mark.parametrize("text", ["default", "true", "True", "'default'", "' true '"])
def test_a_case_that_is_always_true_has_no_condition(text: str) -> None:
    assert step_of(f"rule: [{{case: {text}}}]").cases[0].condition is None


@pytest.mark.parametrize(
    ("text", "reads_outcome"),
    [
        pytest.param("kept > 0", False, id="a variable"),
        pytest.param("{{ kept > 0 }}", False, id="a variable in braces"),
        pytest.param("false", False, id="false"),
        pytest.param("error", True, id="error"),
        pytest.param("error.retryable", True, id="a field of error"),
        pytest.param("last_error.code == 'x'", True, id="the last error"),
        pytest.param("result.failed", True, id="a field of result"),
        pytest.param("result.exit_code == 7", True, id="a handler's own field"),
        pytest.param("result['failed']", True, id="a field by index"),
        pytest.param("result.data.rows > 0", False, id="the data of result"),
        pytest.param("result.data", False, id="the data itself"),
        pytest.param("result.data.error", False, id="a field of data that is called error"),
        pytest.param("result.data and result.success", True, id="data and outcome"),
        pytest.param("results[0].failed", True, id="a field of one of the results"),
        pytest.param("results[0].data.x == 1", False, id="the data of one of the results"),
        pytest.param("results | length > 1", True, id="the results as a whole"),
        pytest.param("steps.A.result.failed", True, id="a field of a step's result"),
        pytest.param("steps['A'].result.data", False, id="the data of a step's result"),
        pytest.param("steps.A.visits > 3", False, id="the visits of a step"),
    ],
)
def test_a_case_is_a_candidate_after_a_failure_if_it_reads_the_outcome(text: str, reads_outcome: bool) -> None:
    (case,) = valid(f'context: {{kept: 1}}\nsteps: [{{name: A, rule: [{{case: "{text}"}}]}}]\n').steps["A"].cases
    assert case.reads_outcome is reads_outcome


def test_an_action_has_options_that_are_templates_unless_they_are_programs() -> None:
    call = call_of('{action: python, code: "return {{ x }}", args: {n: "{{ 1 + 1 }}", k: 1}, runtime: isolated}')
    assert isinstance(call, ActionCall)
    assert (call.action, call.runtime) == ("python", "isolated")
    assert call.options["code"].constant
    assert call.options["code"].value == "return {{ x }}"
    assert source_of(call.options["args"].value["n"]) == "{{ 1 + 1 }}"
    assert call.options["args"].value["k"] == 1


def test_literal_switches_templating_off() -> None:
    call = call_of("{action: log, message: !literal '{{ x }}'}")
    assert call.options["message"].value == "{{ x }}"
    assert call.options["message"].constant


def test_a_task_call_has_arguments() -> None:
    call = call_of('{task: t, with: {a: 1, b: "{{ 1 }}"}, as: out, description: why}')
    assert isinstance(call, TaskCall)
    assert call.task == "t"
    assert call.args["a"].value == 1
    assert source_of(call.args["b"].value) == "{{ 1 }}"
    assert call.store is not None
    assert (call.store.name, call.store.unpack) == ("out", ())


def test_a_bare_name_in_work_is_a_task() -> None:
    call = call_of("t")
    assert isinstance(call, TaskCall)
    assert (call.task, call.args, call.plain) == ("t", {}, True)


def test_as_may_unpack_a_mapping() -> None:
    call = call_of('{action: noop, as: {a: "{{ data.x }}", b: 2}}')
    assert call.store.name is None
    assert [(name, template.constant) for name, template in call.store.unpack] == [("a", False), ("b", True)]


@pytest.mark.parametrize(
    ("text", "retry"),
    [
        pytest.param("3", {"attempts": 3}, id="a number"),
        pytest.param("{}", {}, id="the defaults"),
        pytest.param("{attempts: 5, delay: 500ms}", {"attempts": 5, "delay": 0.5}, id="durations"),
        pytest.param(
            "{backoff: linear, multiplier: 1.5, max_delay: 2m, jitter: 0.25, on: [transient, 429]}",
            {"backoff": "linear", "multiplier": 1.5, "max_delay": 120.0, "jitter": 0.25, "on": ("transient", 429)},
            id="everything",
        ),
        pytest.param("{on: 40001}", {"on": (40001,)}, id="one code"),
    ],
)
def test_retry_has_a_short_and_a_long_form(text: str, retry: dict[str, Any]) -> None:
    found = call_of(f"{{action: noop, retry: {text}}}").retry
    assert found == Retry(**retry, span=found.span)


def test_retry_may_be_given_by_templates() -> None:
    retry = call_of('{action: noop, retry: {attempts: "{{ 1 + 1 }}", delay: "{{ 2 }}s", when: error.transient}}').retry
    assert (source_of(retry.attempts), source_of(retry.delay)) == ("{{ 1 + 1 }}", "{{ 2 }}s")
    assert source_of(retry.when) == "error.transient"
    assert source_of(call_of('{action: noop, retry: "{{ 2 }}"}').retry.attempts) == "{{ 2 }}"


@pytest.mark.parametrize(
    ("text", "check"),
    [
        pytest.param("{items: [1, 2]}", lambda loop: loop.items.value == [1, 2], id="a list"),
        pytest.param("{items: {a: 1}}", lambda loop: loop.items.value == {"a": 1}, id="a mapping"),
        pytest.param("{items: 3}", lambda loop: loop.items.value == 3, id="a number"),
        pytest.param('{items: "{{ [1] }}"}', lambda loop: source_of(loop.items.value) == "{{ [1] }}", id="a template"),
        pytest.param("{items: 3, as: n, parallel: 2}", lambda loop: (loop.name, loop.parallel) == ("n", 2), id="bound"),
        pytest.param("{items: 3, parallel: true}", lambda loop: loop.parallel == 0, id="without a bound"),
        pytest.param('{items: 3, parallel: "{{ 2 }}"}', lambda loop: source_of(loop.parallel) == "{{ 2 }}", id="given"),
        pytest.param(
            "{while: true, max: 5}", lambda loop: (source_of(loop.while_), loop.max) == ("true", 5), id="while"
        ),
        pytest.param("{until: 1 > 0}", lambda loop: (source_of(loop.until), loop.max) == ("1 > 0", 10_000), id="until"),
        pytest.param("{items: 3, on_error: continue}", lambda loop: loop.on_error is OnError.CONTINUE, id="on_error"),
    ],
)
def test_a_loop_has_items_or_a_condition(text: str, check: Callable[[Any], bool]) -> None:
    assert check(call_of(f"{{action: noop, loop: {text}}}").loop)


def test_policies_stand_on_calls() -> None:
    call = call_of("{action: noop, when: 1 > 0, timeout: 10s, on_error: continue}")
    assert (source_of(call.when), call.timeout, call.on_error) == ("1 > 0", 10, OnError.CONTINUE)
    assert source_of(call_of('{action: noop, timeout: "{{ 5 }}"}').timeout) == "{{ 5 }}"


def test_policies_of_a_step_stand_on_its_work() -> None:
    work = step_of("run: [{action: noop}]\n    retry: 2\n    when: true").work
    assert isinstance(work, Block)
    assert work.retry is not None
    assert (work.retry.attempts, source_of(work.when)) == (2, "true")


def test_only_a_step_may_undo_its_branch() -> None:
    body = """\
on_error: compensate
tasks: [{name: t, run: []}]
steps:
  - {name: A, on_error: compensate, run: [{task: t, on_error: compensate}, {action: noop, compensate: t}]}
"""
    playbook, problems = read_body(body)
    hint = "write it at a step: what the branch has completed is undone when the step fails"
    assert playbook.steps["A"].work.on_error is OnError.COMPENSATE
    assert [(problem.span.line, problem.span.column, problem.hint) for problem in problems] == [
        (4, 11, hint),
        (7, 63, hint),
    ]


def test_a_fallback_is_a_task_or_a_call_of_one() -> None:
    assert call_of("{action: noop, fallback: t}").fallback.task == "t"
    fallback = call_of("{task: t, fallback: {task: u, with: {a: 1}, retry: 2}}").fallback
    assert (fallback.task, fallback.args["a"].value, fallback.retry.attempts) == ("u", 1, 2)


@pytest.mark.parametrize(
    ("text", "join"),
    [("all", Join.ALL), ("any", Join.ANY), ("first", Join.FIRST), ("each", Join.EACH), ("2", 2)],
)
def test_a_step_joins(text: str, join: Join | int) -> None:
    assert step_of(f"rule: []\n    join: {text}").join == join


def test_a_step_merges() -> None:
    assert step_of("rule: []\n    merge: collect").merge is Merge.COLLECT


def test_work_has_dense_ids_and_a_place() -> None:
    playbook = valid(
        """\
tasks:
  - name: t
    run: [{action: noop, fallback: u}, u]
  - {name: u, run: [{action: noop}]}
steps:
  - name: A
    run: [{task: t}, {action: noop, fallback: {task: u}}]
    rule:
      - {case: result.failed, run: [{step: A}]}
      - {case: default, run: [{action: noop}, u]}
"""
    )
    assert [work.id for work in playbook.works] == list(range(len(playbook.works)))
    assert [work.place for work in playbook.works] == [
        "task t.run[0]",
        "task t.run[0].fallback",
        "task t.run[1]",
        "task u.run[0]",
        "A.run",
        "A.run[0]",
        "A.run[1]",
        "A.run[1].fallback",
        "A.rule[1].run",
        "A.rule[1].run[0]",
        "A.rule[1].run[1]",
    ]


def test_what_an_action_of_a_plug_in_takes_is_its_own_affair() -> None:
    call = call_of('{action: postgres, connection: "{{ 1 }}", params: ["{{ 1 }}", {deep: [1, null]}]}')
    assert set(call.options) == {"connection", "params"}


def test_json_is_a_playbook() -> None:
    header = {"apiVersion": "noetl.io/v1", "kind": "Playbook", "name": "json"}
    text = json.dumps({**header, "steps": [{"name": "A", "run": [{"action": "log", "message": "😀 {{ 1 }}"}]}]})
    playbook, problems = read_text(text)
    assert problems == []
    assert playbook is not None
    assert playbook.name == "json"


def test_a_playbook_with_problems_is_made_as_far_as_it_goes() -> None:
    playbook, problems = read_body(
        """\
tasks: [{name: load, run: [{action: noop}]}]
steps:
  - name: A
    timeout: soon
    run: [{task: laod}, {action: sell}]
    rule:
      - {case: "1 +", run: [{step: B}]}
      - {case: default, run: [{step: Bx}, {step: nowhere}]}
  - {name: B, run: [{action: noop}]}
  - {name: B, rule: []}
"""
    )
    assert playbook is not None
    assert list(playbook.steps) == ["A", "B"]
    first, second = playbook.steps["A"].cases
    assert (first.moves, second.moves) == (("B",), ("B",))
    assert first.condition is not None
    assert first.condition.names == frozenset()
    assert [call.task for call in playbook.works if isinstance(call, TaskCall)] == ["load"]
    assert len(problems) == 7
