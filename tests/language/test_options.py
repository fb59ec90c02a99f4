"""The options of actions, held against the JSON Schema of their handlers in our own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from reading import HEADER

from noetl.errors import sort_problems
from noetl.language import ActionShape, parse
from noetl.span import Source

TAGGED = {
    "anyOf": [
        {
            "type": "object",
            "properties": {"bearer": {"type": "string"}},
            "required": ["bearer"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"basic": {"$ref": "#/$defs/Basic"}},
            "required": ["basic"],
            "additionalProperties": False,
        },
    ]
}
BASIC = {
    "type": "object",
    "properties": {"username": {"type": "string"}, "password": {"type": "string"}},
    "required": ["username", "password"],
    "additionalProperties": False,
}


def problems_of(schema: dict[str, Any], value: str) -> list[str]:
    """What is found wrong with a value of the key `key`."""
    shape = ActionShape(schema={"properties": {"key": schema}, "$defs": {"Basic": BASIC}})
    text = f"{HEADER}steps:\n  - name: A\n    run:\n      - action: act\n        key: {value}\n"
    _, problems = parse(Source("p.yaml", text), {"act": shape})
    return [f"{problem.code}: {problem.message}" for problem in sort_problems(problems)]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({}, "[1, {a: null}]", id="anything"),
        pytest.param({"type": "string"}, "abc", id="a text"),
        pytest.param({"type": "integer"}, "5.0", id="an integer as a float"),
        pytest.param({"type": "number"}, "5", id="a number"),
        pytest.param({"type": ["string", "null"]}, "null", id="null"),
        pytest.param({"enum": ["a", 1, None, True]}, "true", id="one of several"),
        pytest.param({"const": "a"}, "a", id="a constant"),
        pytest.param({"type": "integer"}, "'{{ n }}'", id="a template for anything"),
        pytest.param({"type": "array", "items": {"type": "integer"}}, "[1, '{{ n }}']", id="a template in a list"),
        pytest.param({"type": "object", "additionalProperties": {"type": "integer"}}, "{a: 1}", id="a mapping"),
        pytest.param(TAGGED, "{bearer: x}", id="the first of two mappings"),
        pytest.param(TAGGED, "{basic: {username: a, password: '{{ p }}'}}", id="the second of two mappings"),
        pytest.param({"type": "string", "format": "date-time"}, "soon", id="a format of others"),
        pytest.param({"type": "string", "pattern": "^a"}, "abc", id="a pattern"),
        pytest.param({"type": "string", "format": "size"}, "10MB", id="a size"),
    ],
)
def test_a_value_that_fits_is_accepted(schema: dict[str, Any], value: str) -> None:
    assert problems_of(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        pytest.param({"type": "string"}, "5", ["wrong-type: 'key' must be a text, got the number 5"], id="number"),
        pytest.param(
            {"type": "integer"}, "5.5", ["wrong-type: 'key' must be an integer, got the number 5.5"], id="float"
        ),
        pytest.param(
            {"type": "integer"}, "true", ["wrong-type: 'key' must be an integer, got the boolean true"], id="bool"
        ),
        pytest.param({"type": "boolean"}, "[]", ["wrong-type: 'key' must be true or false, got a list"], id="list"),
        pytest.param({"type": "array"}, "{}", ["wrong-type: 'key' must be a list, got a mapping"], id="mapping"),
        pytest.param({"type": "null"}, "1", ["wrong-type: 'key' must be null, got the number 1"], id="only null"),
        pytest.param({"type": "object"}, "", ["wrong-type: 'key' must be a mapping, got nothing"], id="nothing"),
        pytest.param({"type": "object"}, "~", ["wrong-type: 'key' must be a mapping, got null"], id="null"),
        pytest.param(
            {"anyOf": [{"type": "string"}, {"type": "array"}, {"type": "null"}]},
            "5",
            ["wrong-type: 'key' must be a text or a list, got the number 5"],
            id="several types",
        ),
        pytest.param(
            {"anyOf": [{"enum": ["a", "b"]}, {"type": "integer"}]},
            "[c]",
            ["wrong-type: 'key' must be 'a' or 'b' or an integer, got a list"],
            id="words or a number",
        ),
        pytest.param(
            {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
            "[1, a, [2]]",
            ["wrong-type: an entry of 'key' must be an integer or a text, got a list"],
            id="an entry",
        ),
        pytest.param({"enum": ["a", "b"]}, "[]", ["wrong-type: 'key' must be 'a' or 'b', got a list"], id="no word"),
        pytest.param(
            {"enum": ["1", "2"]},
            "1",
            ["wrong-type: 'key' must be '1' or '2', got the number 1"],
            id="a number for a word",
        ),
        pytest.param(
            {"type": "integer", "minimum": 1}, "0", ["bad-value: 'key' must be at least 1, got 0"], id="small"
        ),
        pytest.param(
            {"type": "number", "exclusiveMaximum": 1},
            "1.0",
            ["bad-value: 'key' must be less than 1, got 1.0"],
            id="large",
        ),
        pytest.param(
            {"type": "array", "maxItems": 1},
            "[1, 2]",
            ["bad-value: 'key' must have at most 1 entries, got 2"],
            id="many",
        ),
        pytest.param({"type": "object", "minProperties": 1}, "{}", ["bad-value: 'key' must not be empty"], id="empty"),
        pytest.param(
            {"type": "string", "minLength": 2},
            "a",
            ["bad-value: 'key' must have at least 2 characters, got 1"],
            id="short",
        ),
        pytest.param(
            {"type": "string", "pattern": "^a"}, "b", ["bad-value: 'key' must match '^a', got 'b'"], id="pattern"
        ),
        pytest.param(
            {"type": "string", "format": "size"},
            "big",
            ["bad-value: 'key' must be a size such as '64KiB', got 'big'"],
            id="size",
        ),
        pytest.param(
            {"type": "string", "format": "rate"},
            "fast",
            ["bad-rate: 'key' must be a rate such as '10/s', got 'fast'"],
            id="rate",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "integer"}},
            "{a: x}",
            ["wrong-type: 'a' in 'key' must be an integer, got the text 'x'"],
            id="a value",
        ),
        pytest.param(
            TAGGED, "{bearer: 5}", ["wrong-type: 'bearer' must be a text, got the number 5"], id="the nearest"
        ),
        pytest.param(
            TAGGED,
            "{basic: {username: a}}",
            ["missing-key: 'basic' needs the key 'password'"],
            id="a key of the nearest",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused(schema: dict[str, Any], value: str, expected: list[str]) -> None:
    assert problems_of(schema, value) == expected


def _either(options: Mapping[str, Any]) -> None:
    if len(options) != 1:
        raise ValueError("exactly one of 'a' and 'b' is needed")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param("a: 1", [], id="one"),
        pytest.param("a: 1, b: 2", ["bad-value: action 'act': exactly one of 'a' and 'b' is needed"], id="both"),
        pytest.param("a: 1, b: '{{ 2 }}'", [], id="a template, which only the run knows"),
        pytest.param("a: 1, b: x", ["wrong-type: 'b' must be an integer, got the text 'x'"], id="wrong by itself"),
    ],
)
def test_literal_options_that_do_not_go_together_are_refused(options: str, expected: list[str]) -> None:
    integer = {"type": "integer"}
    shape = ActionShape(schema={"properties": {"a": integer, "b": integer}}, verify=_either)
    text = f"{HEADER}steps: [{{name: A, run: [{{action: act, {options}}}]}}]\n"
    _, problems = parse(Source("p.yaml", text), {"act": shape})
    assert [f"{problem.code}: {problem.message}" for problem in problems] == expected
