"""Conditions: with or without braces, and what has no value yet."""

from __future__ import annotations

from typing import Any

import pytest
from evaluating import condition, failure, holds, marked, problem, spanned

SCOPE: dict[str, Any] = {
    "n": 3,
    "s": "abc",
    "nothing": None,
    "d": {"x": {"a": 1}, "z": 0},
    "xs": [1, None],
    "yes": True,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("n > 2", True, id="without braces"),
        pytest.param("{{ n > 2 }}", True, id="with braces"),
        pytest.param("  {{- n > 5 -}}\n", False, id="with white space control"),
        pytest.param("n", True, id="a name"),
        pytest.param("{{ d.z }}", False, id="a path"),
        pytest.param("true", True, id="true"),
        pytest.param("False", False, id="False"),
        pytest.param("None", False, id="None"),
        pytest.param("nothing is None", True, id="is None"),
        pytest.param("nothing is none and nothing == none", True, id="is none"),
        pytest.param("n is not None", True, id="is not None"),
        pytest.param("n in [1, 3] and 'b' in s", True, id="in"),
        pytest.param("1 < n <= 3", True, id="a chain"),
        pytest.param("1 < n < 3", False, id="a chain that breaks"),
        pytest.param("n in [3] in [[3]]", True, id="a chain of in"),
        pytest.param("s == 'abc' and not d.z", True, id="not"),
        pytest.param("xs | select('none') | list | length == 1", True, id="filters"),
        pytest.param("xs | select('string')", False, id="an empty list of a filter is false"),
        pytest.param("{'a': 1}.a == 1", True, id="a mapping"),
    ],
)
def test_a_condition_holds_when_its_value_is_true(text: str, expected: bool) -> None:
    assert holds(text, SCOPE) is expected


@pytest.mark.parametrize("undefined", ["gone", "gone.x.y", "d.gone", "d.gone.y", "d.x.gone.y", "d['gone'][0]", "xs[9]"])
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param("{}", False, id="it is false"),
        pytest.param("not {}", True, id="not of it is true"),
        pytest.param("{} is none", True, id="it is none"),
        pytest.param("{} is None", True, id="it is None"),
        pytest.param("{} is not none", False, id="it is not something"),
        pytest.param("{} is undefined", True, id="it is undefined"),
        pytest.param("{} is defined", False, id="it is not defined"),
        pytest.param("{} == none", True, id="it equals none"),
        pytest.param("none != {}", False, id="it differs not from none"),
        pytest.param("{} == 1", False, id="it equals nothing"),
        pytest.param("{} != 1", False, id="it differs from nothing"),
        pytest.param("1 != {}", False, id="nothing differs from it"),
        pytest.param("{} == nothing", False, id="it equals no null value"),
        pytest.param("{} < 5", False, id="it is not less"),
        pytest.param("{} >= 5", False, id="it is not more"),
        pytest.param("1 < {} < 5", False, id="it is not between"),
        pytest.param("{} in [1]", False, id="it is in nothing"),
        pytest.param("{} not in [1]", False, id="it is not outside"),
        pytest.param("1 in {}", False, id="nothing is in it"),
        pytest.param("'a' not in {}", False, id="nothing is outside of it"),
        pytest.param("{} is number", False, id="no test is true of it"),
        pytest.param("{} is divisibleby(2)", False, id="no test with a value is true of it"),
        pytest.param("{} or n == 3", True, id="or goes on"),
        pytest.param("{} and n", False, id="and ends"),
        pytest.param("n == 3 and {} is none", True, id="only that part is affected"),
        pytest.param("{} + 1 > 0", False, id="arithmetic with it"),
        pytest.param("n * {} == 0", False, id="arithmetic by it"),
        pytest.param("-{} < 1", False, id="its negative"),
        pytest.param("{} ~ 'a' == 'a'", False, id="text with it"),
        pytest.param("{} | length == 0", False, id="its length"),
        pytest.param("{} | default(3) == 3", True, id="its default"),
        pytest.param("{}.startswith('a')", False, id="its methods"),
        pytest.param("s.startswith({})", False, id="methods with it"),
        pytest.param("s[:{}] == 'a'", False, id="a slice by it"),
        pytest.param("[{}, 1] | length == 2", True, id="a list with it"),
        pytest.param("none in [{}]", True, id="null in a list with it"),
        pytest.param("1 if {} else 0", False, id="a choice by it"),
        pytest.param("range({}) | length == 0", False, id="functions of it"),
        pytest.param("xs | map(attribute='q') | first is none", True, id="a missing key of members"),
    ],
)
def test_what_has_no_value_is_false_and_raises_nothing(form: str, expected: bool, undefined: str) -> None:
    assert holds(form.format(undefined), SCOPE) is expected
    assert holds(f"{{{{ {form.format(undefined)} }}}}", SCOPE) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("s < 1", "'<' does not work on text and an integer", id="a type error"),
        pytest.param("n / d.z > 1", "division by zero", id="division by zero"),
        pytest.param("1 in n", "an integer is no list", id="membership"),
    ],
)
def test_a_condition_that_raises_for_another_reason_is_an_error(text: str, reason: str) -> None:
    error = failure(text, SCOPE, lenient=True)
    assert error.code == "expression"
    assert error.message == f"cannot evaluate '{text}': {reason}"
    assert spanned(text, error.span) == text


@pytest.mark.parametrize(
    ("text", "message", "part"),
    [
        pytest.param(
            "{{ a }} and {{ b }}", "a condition is one expression", "{{ a }} and {{ b }}", id="two expressions"
        ),
        pytest.param("a == {{ b }}", "a condition is one expression", "a == {{ b }}", id="braces inside"),
        pytest.param(
            "{% if a %}1{% endif %}", "a condition is one expression", "{% if a %}1{% endif %}", id="statements"
        ),
        pytest.param("a b", "unexpected 'b'", "b", id="two names"),
        pytest.param("a = 1", "unexpected '='", "=", id="an assignment"),
        pytest.param("a ==", "the expression ends too early", "==", id="half a comparison"),
        pytest.param("a is ood", "test 'ood' is not defined", "ood", id="an unknown test"),
        pytest.param(" ", "the condition is empty", " ", id="nothing"),
    ],
)
def test_what_is_no_condition_does_not_compile(text: str, message: str, part: str) -> None:
    error = problem(text, lenient=True)
    assert error.message == message
    assert marked(text, error) == part


def test_the_value_of_a_condition_is_given_as_it_is() -> None:
    assert condition("n or s").evaluate(SCOPE) == 3
    assert condition("gone").evaluate(SCOPE) is None
