"""What is found wrong in each part of a playbook, without its places."""

from __future__ import annotations

import pytest
from reading import nodes_of, read_body

STEPS = "steps: [{name: A, run: [{action: noop}]}]\n"


def found(body: str) -> list[str]:
    return [f"{problem.code}: {problem.message}" for problem in read_body(body)[1]]


def of_call(text: str) -> list[str]:
    return found(f"tasks: [{{name: t, run: []}}]\nsteps:\n  - name: A\n    run:\n      - {text}\n")


def of_step(text: str) -> list[str]:
    return found(f"steps:\n  - name: A\n    {text}\n    run: []\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("retry: '3'", "wrong-type: 'retry' must be a number of attempts or a mapping, got the text '3'", id="text"),
        pytest.param("retry: [3]", "wrong-type: 'retry' must be a number of attempts or a mapping, got a list", id="list"),
        pytest.param("retry: 0", "bad-value: 'retry' must be at least 1, got 0", id="no attempt"),
        pytest.param("retry: true", "wrong-type: 'retry' must be an integer, got the boolean true", id="boolean"),
        pytest.param("retry: {jitter: 2}", "bad-value: 'jitter' must be from 0 to 1, got 2", id="jitter"),
        pytest.param("retry: {jitter: x}", "wrong-type: 'jitter' must be a number, got the text 'x'", id="jitter as text"),
        pytest.param("retry: {multiplier: .5}", "bad-value: 'multiplier' must be at least 1, got 0.5", id="multiplier"),
        pytest.param("retry: {on: [{}]}", "wrong-type: 'on' must be error kinds, codes or HTTP statuses, got a mapping", id="on"),
        pytest.param(
            "retry: {on: []}",
            "bad-value: 'on' must name at least one error kind, code or HTTP status",
            id="on nothing",
        ),
        pytest.param("retry: {delay: []}", "wrong-type: 'delay' must be a duration, got a list", id="delay"),
        pytest.param("loop: '{{ x }}'", "wrong-type: 'loop' must be a mapping, got the text '{{ x }}'", id="a short loop"),
        pytest.param(
            "loop: {items: abc}",
            "wrong-type: 'items' must be a list, a mapping, an integer or a template, got the text 'abc'",
            id="items",
        ),
        pytest.param("loop: {items: -1}", "bad-value: 'items' must be at least 0, got -1", id="negative items"),
        pytest.param("loop: {items: 3, max: 2}", "bad-value: 'max' bounds 'while' and 'until', not 'items'", id="max"),
        pytest.param(
            "loop: {while: true, parallel: 2}",
            "bad-value: 'parallel' needs 'items': the iterations of 'while' follow one another",
            id="a parallel while",
        ),
        pytest.param("loop: {items: 3, as: [x]}", "wrong-type: 'as' must be a name, got a list", id="as of a loop"),
        pytest.param(
            "loop: {items: 3, as: x-y}",
            "bad-value: 'as' must be letters, digits and '_', and not start with a digit, got 'x-y'",
            id="as of a loop",
        ),
        pytest.param("loop: {items: 3, parallel: x}", "wrong-type: 'parallel' must be true, false or an integer, got the text 'x'", id="bound"),
        pytest.param("as: {}", "bad-value: 'as' must name at least one variable", id="as nothing"),
        pytest.param("as: [a]", "wrong-type: 'as' must be a name or a mapping, got a list", id="as a list"),
        pytest.param("as: 5", "wrong-type: 'as' must be a name or a mapping, got the number 5", id="as a number"),
        pytest.param("when: ''", "bad-value: 'when' must be a condition, got an empty text", id="when"),
        pytest.param("when: []", "wrong-type: 'when' must be a condition, got a list", id="when a list"),
        pytest.param("on_error: abort", "bad-value: 'on_error' must be 'fail' or 'continue', got 'abort'", id="on_error"),
        pytest.param("on_error: []", "wrong-type: 'on_error' must be 'fail' or 'continue', got a list", id="on_error a list"),
        pytest.param("on_error: compensate", "bad-value: 'on_error' must be 'fail' or 'continue', got 'compensate'", id="on_error of a step"),
        pytest.param("loop: {items: 3, on_error: compensate}", "bad-value: 'on_error' must be 'fail' or 'continue', got 'compensate'", id="on_error of a step in a loop"),
        pytest.param("timeout: -1", "bad-duration: 'timeout' must be a duration such as '10s' or '1h30m', got the negative number '-1'", id="timeout"),
        pytest.param("fallback: [t]", "wrong-type: 'fallback' must be a task, got a list", id="fallback"),
        pytest.param("fallback: {with: {}}", "missing-key: a task call needs the key 'task'", id="fallback of nothing"),
        pytest.param("fallback: {task: t, as: x}", "unknown-key: unknown key 'as' in a task call", id="as of a fallback"),
        pytest.param("compensate: u", "unknown-task: task 'u' is not defined", id="compensate"),
        pytest.param("description: [x]", "wrong-type: 'description' must be a text, got a list", id="description"),
        pytest.param("runtime: later", "bad-value: 'runtime' must be 'in-process', 'isolated' or 'callback', got 'later'", id="runtime"),
        pytest.param("limit: [x]", "wrong-type: 'limit' must be a text, got a list", id="limit"),
    ],
)  # fmt: skip
def test_what_stands_around_an_action(text: str, expected: str) -> None:
    assert of_call(f"{{action: noop, {text}}}") == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[t]", "wrong-type: an item of 'run' must be a mapping or a name, got a list", id="a list"),
        pytest.param("null", "wrong-type: an item of 'run' must be a mapping or a name, got null", id="null"),
        pytest.param("{acton: noop}", "unknown-key: unknown key 'acton' in an item of 'run'", id="misspelt"),
        pytest.param("{action: [x]}", "wrong-type: 'action' must be the name of an action, got a list", id="no name"),
        pytest.param("{action: '{{ x }}'}", "unknown-action: there is no action '{{ x }}'", id="a template"),
        pytest.param("{task: t, with: [a]}", "wrong-type: 'with' must be a mapping, got a list", id="with"),
        pytest.param(
            "{task: t, with: {a-b: 1}}",
            "bad-value: the name of an argument must be letters, digits and '_', and not start with a digit, got 'a-b'",
            id="an argument",
        ),
        pytest.param("{task: [t]}", "wrong-type: 'task' must be a text, got a list", id="a task that is a list"),
        pytest.param("{action: set, values: [a]}", "wrong-type: 'values' must be a mapping, got a list", id="values"),
        pytest.param(
            "{action: set, values: {a b: 1}}",
            "bad-value: the name of a variable must be letters, digits and '_', and not start with a digit, got 'a b'",
            id="a variable",
        ),
        pytest.param(
            "{action: wait, for: 10s, event: x}",
            "bad-value: action 'wait' takes only one of 'for', 'until' or 'event'",
            id="two waits",
        ),
        pytest.param(
            "{action: log, message: x, fields: {a: 99999999999999999999999}}",
            "bad-value: '99999999999999999999999' has more than 64 bits",
            id="a long number",
        ),
    ],
)
def test_work(text: str, expected: str) -> None:
    assert of_call(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("rule: {case: true}", "wrong-type: 'rule' must be a list, got a mapping", id="rule"),
        pytest.param("rule: [true]", "wrong-type: an entry of 'rule' must be a mapping, got the boolean true", id="case"),
        pytest.param("rule: [{case: default, run: A}]", "wrong-type: 'run' must be a list, got the text 'A'", id="run"),
        pytest.param("rule: [{case: default, run: [{step: [A]}]}]", "wrong-type: 'step' must be the name of a step, got a list", id="move"),
        pytest.param("rule: [{case: true, run: [{step: A, with: {}}]}]", "unknown-key: unknown key 'with' in a move to a step", id="move with"),
        pytest.param("join: [all]", "wrong-type: 'join' must be 'each', 'all', 'any' or 'first', got a list", id="join"),
        pytest.param("join: 1.5", "bad-value: 'join' must be 'each', 'all', 'any' or 'first', got '1.5'", id="half a join"),
        pytest.param("merge: sum", "bad-value: 'merge' must be 'conflict', 'last' or 'collect', got 'sum'", id="merge"),
        pytest.param("parallel: 0", "bad-value: 'parallel' must be at least 1, got 0", id="parallel"),
        pytest.param("max_visits: 0", "bad-value: 'max_visits' must be at least 1, got 0", id="max_visits"),
        pytest.param("sla: x", "bad-duration: 'sla' must be a duration such as '10s' or '1h30m', got 'x'", id="sla"),
        pytest.param("priority: urgent", "bad-value: 'priority' must be 'high', 'normal' or 'low', got 'urgent'", id="priority"),
        pytest.param("fallback: t", "unknown-key: unknown key 'fallback' in step 'A'", id="fallback"),
    ],
)  # fmt: skip
def test_a_step(text: str, expected: str) -> None:
    assert of_step(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("parallel: many", "wrong-type: 'parallel' must be true, false or an integer, got the text 'many'", id="parallel"),
        pytest.param("start: []", "bad-value: 'start' must name at least one step", id="no start"),
        pytest.param("start: {A: 1}", "wrong-type: 'start' must be the name of a step, got a mapping", id="start"),
        pytest.param("labels: {a: [1]}", "wrong-type: label 'a' must be a text, a number or a boolean, got a list", id="label"),
        pytest.param("version: true", "wrong-type: 'version' must be a text, got the boolean true", id="version"),
        pytest.param("on_error: fail", "bad-value: 'on_error' must be 'abort' or 'continue', got 'fail'", id="on_error"),
        pytest.param("on_error: {}", "missing-key: 'on_error' needs the key 'retry'", id="on_error of nothing"),
        pytest.param("on_error: {retry: 0}", "bad-value: 'retry' must be at least 1, got 0", id="on_error retry"),
        pytest.param("concurrency: 0", "bad-value: 'concurrency' must be at least 1, got 0", id="concurrency"),
        pytest.param("retry_budget: -1", "bad-value: 'retry_budget' must be at least 0, got -1", id="retry budget"),
        pytest.param("outputs: [a]", "wrong-type: 'outputs' must be a mapping, got a list", id="outputs"),
        pytest.param("secrets: {a: 5}", "wrong-type: secret 'a' must be a source such as 'env:NAME', got the number 5", id="secret"),
        pytest.param("limits: {a: 5}", "wrong-type: limit 'a' must be a mapping, got the number 5", id="limit"),
        pytest.param("limits: {a: {rate: 10}}", "wrong-type: 'rate' must be a rate such as '10/s', got the number 10", id="rate"),
        pytest.param("limits: {a: {circuit_breaker: {threshold: x%}}}", "wrong-type: 'threshold' must be a share such as '50%' or 0.5, got the text 'x%'", id="share"),
        pytest.param("limits: {a: {circuit_breaker: {threshold: 200%}}}", "bad-value: 'threshold' must be more than 0 % and at most 100 %, got the text '200%'", id="large share"),
        pytest.param("inputs: {a: {required: 1}}", "wrong-type: 'required' must be true, false or a list of keys, got the number 1", id="required"),
        pytest.param("inputs: {a: {type: strng}}", "bad-value: 'type' must be 'string', 'number', 'integer', 'boolean', 'object', 'array' or 'null', got 'strng'", id="type"),
        pytest.param("inputs: {a: {pattern: '('}}", "bad-value: 'pattern' must be a regular expression, got '(': missing ), unterminated subpattern", id="pattern"),
        pytest.param("inputs: {a: {items: {minimum: x}}}", "wrong-type: 'minimum' must be a number, got the text 'x'", id="a schema within"),
        pytest.param("inputs: {a: {default: '{{ x }}'}}", "bad-value: the default of input 'a' cannot be a template", id="a default"),
        pytest.param("inputs: {a: {$ref: '#/x', default: 1}}", "bad-value: 'default' cannot be checked, as its schema refers to '/x', which is not in it", id="a reference"),
        pytest.param("inputs: {a: {$ref: '#', default: 1}}", "bad-value: 'default' cannot be checked, as its schema refers to itself without an end", id="a circle"),
        pytest.param("inputs: {a: {patternProperties: {'(': true}, default: {b: 1}}}", "bad-value: 'default' cannot be checked, as '(' in its schema is not a regular expression", id="a pattern of keys"),
    ],
)  # fmt: skip
def test_the_top_level(text: str, expected: str) -> None:
    assert found(f"{text}\n{STEPS}") == [expected]


def test_limits_that_are_sound_have_no_problem() -> None:
    text = "limits: {api: {rate: 10/s, concurrency: 4, circuit_breaker: {threshold: 50%, window: 1m, half_open: 2}}}\n"
    assert found(text + STEPS) == []
    assert found(text.replace("50%", "0.5") + STEPS.replace("noop", "noop, limit: api")) == []


def test_an_input_may_have_keys_of_others() -> None:
    assert found("inputs: {a: {x-order: 1, type: string}}\n" + STEPS) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("%YAML 3.0\n---\na: 1", "only YAML 1.1 and 1.2 can be read", id="version"),
        pytest.param("%FOO\n---\na: 1", "this '%' directive is not known", id="directive"),
        pytest.param("a: !e!x y", "this tag is not known", id="tag handle"),
        pytest.param("a: !<x", "did not find the expected '>'", id="what has no words of ours"),
        pytest.param("a: | text\n  b", "a text cannot start on the line of '|' or '>'", id="block header"),
        pytest.param("a: |\n\tx", "a tab cannot indent YAML", id="tab in a block"),
        pytest.param("a: - b", "a list cannot start on the line of its key", id="list beside its key"),
        pytest.param("a: ? b", "a '? ' key cannot start here", id="complex key"),
        pytest.param("a: ]", "a value was expected here", id="bracket"),
        pytest.param("a: [b] c", "text goes on after the closing ']'", id="after a bracket"),
        pytest.param(
            "a: 1\n...\nb", "a file holds one playbook, and the text goes on after its end", id="after the end"
        ),
        pytest.param('a: "\\x4"', "an escape has too few digits", id="short escape"),
        pytest.param('a: "\\ud83d"', "an escape stands for no character", id="half a character"),
        pytest.param("a: &", "'&' starts an anchor, and must be followed by its name", id="anchor"),
        pytest.param("a: &x [*x]", "the alias '*x' stands within what it repeats", id="circle"),
        pytest.param("a: b\nc\nd: e", "this line is no 'key: value'", id="no key"),
        pytest.param("!!str\na: 1", "'!!str' stands before a single value, not a list or mapping", id="core tag"),
        pytest.param("a: {{ x[\"y\"] }} and 'z'", "a value that starts with '{{' must be quoted", id="both quotes"),
    ],
)
def test_what_is_not_yaml(text: str, message: str) -> None:
    assert [problem.message for problem in nodes_of(text)[1]] == [message]
