"""The inputs of a playbook: from what a run is given to validated values, or to problems."""

from __future__ import annotations

from typing import Any

import pytest
from reading import HEADER, valid

from noetl.errors import PlaybookError
from noetl.language import coerce_inputs
from noetl.model.playbook import Playbook

STEPS = "steps: [{name: A, run: [{action: noop}]}]\n"


def playbook_of(schema: str) -> Playbook:
    return valid(f"inputs:\n  x: {schema}\n{STEPS}")


def refused(playbook: Playbook, given: dict[str, Any], text: dict[str, str] | None = None) -> str:
    """What is printed of the inputs that are refused."""
    with pytest.raises(PlaybookError) as caught:
        coerce_inputs(playbook, given, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        pytest.param("{type: number}", "50", 50, id="a whole number"),
        pytest.param("{type: number}", "2.5", 2.5, id="a number"),
        pytest.param("{type: integer}", "7", 7, id="an integer"),
        pytest.param("{type: integer}", "7.0", 7, id="an integer written as a float"),
        pytest.param("{type: boolean}", "true", True, id="a boolean"),
        pytest.param("{type: string}", "50", "50", id="a text that looks like a number"),
        pytest.param("{type: string}", "", "", id="an empty text"),
        pytest.param("{type: [string, 'null']}", "", "", id="an empty text where null is allowed"),
        pytest.param("{type: ['null', integer]}", "null", None, id="null"),
        pytest.param("{type: array}", "[1, 2]", [1, 2], id="a list"),
        pytest.param("{type: object}", '{"a": [1]}', {"a": [1]}, id="a mapping"),
        pytest.param("{type: [integer, string]}", "5", 5, id="the first of several types"),
        pytest.param("{type: [integer, string]}", "five", "five", id="the second of several types"),
        pytest.param("", "50", "50", id="without a type"),
        pytest.param("{default: 100}", "50", 50, id="the type of the default"),
        pytest.param("{default: 100}", "many", "many", id="a text in spite of the default"),
        pytest.param("{default: [a]}", '["b"]', ["b"], id="a list like the default"),
        pytest.param("{type: string, enum: [a, b]}", "b", "b", id="one of several"),
    ],
)
def test_a_text_is_read_as_the_type_of_the_input(schema: str, text: str, value: object) -> None:
    found = coerce_inputs(playbook_of(schema), {}, {"x": text})["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param("{type: number}", 5, id="a number"),
        pytest.param("{type: string}", "5", id="a text"),
        pytest.param("{type: integer, minimum: 5, multipleOf: 5}", 10, id="within bounds"),
        pytest.param("{type: object, required: [a], properties: {a: {type: array}}}", {"a": []}, id="a mapping"),
        pytest.param("{}", None, id="null for anything"),
    ],
)
def test_a_value_that_fits_is_taken_as_it_is(schema: str, value: object) -> None:
    assert coerce_inputs(playbook_of(schema), {"x": value}) == {"x": value}


def test_an_input_that_is_not_given_has_its_default() -> None:
    playbook = valid(f"inputs: {{a: {{default: [1]}}, b: {{type: number}}, c: }}\n{STEPS}")
    assert coerce_inputs(playbook, {}) == {"a": [1], "b": None, "c": None}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        pytest.param("{type: number}", "50", "input 'x' must be a number, got the text '50'", id="type"),
        pytest.param("{type: integer}", True, "input 'x' must be an integer, got the boolean true", id="boolean"),
        pytest.param("{type: [string, integer]}", [], "input 'x' must be a text or an integer, got a list", id="types"),
        pytest.param("{type: string}", None, "input 'x' must be a text, got null", id="null"),
        pytest.param("{minimum: 5}", 3, "input 'x' must be at least 5, got the number 3", id="minimum"),
        pytest.param("{exclusiveMaximum: 5}", 5, "input 'x' must be less than 5, got the number 5", id="maximum"),
        pytest.param("{enum: [a, 1]}", "b", "input 'x' must be 'a' or '1', got the text 'b'", id="enum"),
        pytest.param("{const: a}", "b", "input 'x' must be 'a', got the text 'b'", id="const"),
        pytest.param("{minLength: 3}", "b", "input 'x' must have at least 3 characters, got the text 'b'", id="length"),
        pytest.param("{maxItems: 1}", [1, 2], "input 'x' must have at most 1 entries, got a list", id="items"),
        pytest.param("{pattern: '^a'}", "b", "input 'x' must match '^a', got the text 'b'", id="pattern"),
        pytest.param("{required: [a, b]}", {"a": 1}, "input 'x' needs the key 'b'", id="required"),
        pytest.param("{uniqueItems: true}", [1, 1], "input 'x' must not hold an entry twice", id="unique"),
        pytest.param(
            "{not: {type: string}}", "b", "input 'x' does not fit 'not' of its schema, got the text 'b'", id="not"
        ),
        pytest.param(
            "{properties: {a: {items: {type: number}}}}",
            {"a": [1, "x"]},
            "input 'x.a[1]' must be a number, got the text 'x'",
            id="inside",
        ),
        pytest.param(
            "{additionalProperties: false}",
            {"a": 1},
            "input 'x' has a key that its schema does not know",
            id="additional",
        ),
    ],
)
def test_a_value_that_does_not_fit_its_schema_is_refused(schema: str, value: object, message: str) -> None:
    first = refused(playbook_of(schema), {"x": value}).splitlines()[0]
    assert first == f"p.yaml:5:3: error[bad-input]: {message}"


def test_a_value_that_is_no_data_is_refused() -> None:
    assert "error[bad-input]: input 'x'" in refused(playbook_of("{}"), {"x": object()})


def test_an_unknown_input_is_refused_at_the_section() -> None:
    playbook = playbook_of("{type: number}")
    assert refused(valid(f"inputs: {{threshold: }}\n{STEPS}"), {"treshold": 1}) == (
        "p.yaml:4:1: error[unknown-input]: the playbook has no input 'treshold'\n"
        "    4 | inputs: {threshold: }\n"
        "      | ^^^^^^ did you mean 'threshold'?"
    )
    assert refused(playbook, {"y": 1, "z": 2}).count("unknown-input") == 2


def test_an_unknown_input_of_a_playbook_without_inputs_is_refused_at_its_start() -> None:
    assert refused(valid(STEPS), {}, {"y": "1"}) == (
        "p.yaml:1:1: error[unknown-input]: the playbook has no input 'y'\n"
        f"    1 | {HEADER.splitlines()[0]}\n"
        "      | ^ it has none"
    )


def test_a_required_input_must_be_given() -> None:
    playbook = playbook_of("{type: number, required: true}")
    assert refused(playbook, {}) == (
        "p.yaml:5:3: error[missing-input]: input 'x' is required\n"
        "    5 |   x: {type: number, required: true}\n"
        "      |   ^ give it with '-i x=VALUE'"
    )


def test_all_problems_of_inputs_are_found() -> None:
    playbook = valid(f"inputs: {{a: {{type: number}}, b: {{required: true}}}}\n{STEPS}")
    with pytest.raises(PlaybookError) as caught:
        coerce_inputs(playbook, {}, {"a": "x", "c": "y"})
    assert [problem.code for problem in caught.value.problems] == ["unknown-input", "bad-input", "missing-input"]
