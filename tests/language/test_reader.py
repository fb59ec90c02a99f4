"""YAML to located nodes: what scalars mean, what is repeated, and what is refused."""

from __future__ import annotations

import json
import math

import pytest
from reading import nodes_of, plain

from noetl.language.anchors import MAX_DEPTH, MAX_REPEATED
from noetl.language.nodes import Mapping, Scalar
from noetl.language.reader import MAX_CHARACTERS


def value_of(text: str) -> object:
    node, problems = nodes_of(f"key: {text}\n")
    assert problems == []
    assert isinstance(node, Mapping)
    return plain(node.get("key"))


def codes(text: str) -> list[str]:
    return [problem.code for problem in nodes_of(text)[1]]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("on", "on", id="on is a text"),
        pytest.param("yes", "yes", id="yes is a text"),
        pytest.param("No", "No", id="no is a text"),
        pytest.param("y", "y", id="y is a text"),
        pytest.param("true", True, id="true"),
        pytest.param("False", False, id="capitalised false"),
        pytest.param("TRUE", True, id="upper case true"),
        pytest.param("tRUE", "tRUE", id="mixed case is a text"),
        pytest.param("22:22", "22:22", id="no sexagesimal"),
        pytest.param("1:30:00", "1:30:00", id="no longer sexagesimal"),
        pytest.param("010", 10, id="no octal without 0o"),
        pytest.param("0o17", 15, id="octal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("0b11", "0b11", id="no binary"),
        pytest.param("1_000", "1_000", id="no underscores in numbers"),
        pytest.param("+12", 12, id="plus"),
        pytest.param("-0", 0, id="minus zero"),
        pytest.param("2026-01-01", "2026-01-01", id="a date is a text"),
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", id="a timestamp is a text"),
        pytest.param("1.5", 1.5, id="float"),
        pytest.param("1.", 1.0, id="float without decimals"),
        pytest.param(".5", 0.5, id="float without an integer"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("1.2.3", "1.2.3", id="a version is a text"),
        pytest.param("-.inf", -math.inf, id="minus infinity"),
        pytest.param("inf", "inf", id="inf without a dot is a text"),
        pytest.param("~", None, id="tilde"),
        pytest.param("null", None, id="null"),
        pytest.param("Null", None, id="capitalised null"),
        pytest.param("", None, id="nothing"),
        pytest.param("''", "", id="an empty text"),
        pytest.param("'1'", "1", id="a quoted number is a text"),
        pytest.param('"true"', "true", id="a quoted boolean is a text"),
        pytest.param("|\n  12\n", "12\n", id="a block is a text"),
        pytest.param("=", "=", id="an equals sign"),
        pytest.param("!!str 12", "12", id="tagged as text"),
        pytest.param("! 12", "12", id="tagged as not plain"),
        pytest.param("!!int '12'", 12, id="tagged as integer"),
        pytest.param("!!float 12", 12.0, id="tagged as float"),
        pytest.param("!literal 12", "12", id="literal is a text"),
        pytest.param("9" * 500, "9" * 500, id="an endless number is a text"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_float() -> None:
    found = value_of(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


def test_keys_are_texts_whatever_they_look_like() -> None:
    node, problems = nodes_of("on: 1\n404: 2\ntrue: 3\n'404x': 4\nnull: 5\n")
    assert problems == []
    assert plain(node) == {"on": 1, "404": 2, "true": 3, "404x": 4, "null": 5}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"a": [1, 2.5, None, True, 'x\ty"z\\/'], "b": {"c": {}}, "d": []}, id="all types"),
        pytest.param({"smile": "😀 and é", "\U0001f680": "rocket"}, id="characters beyond the first plane"),
        pytest.param({"text": "a backslash before u: \\ud83d\\ude00"}, id="what only looks like an escape"),
        pytest.param({"empty": "", "": "an empty key"}, id="empty texts"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_yaml(data: object, indent: str | int | None) -> None:
    node, problems = nodes_of(json.dumps(data, indent=indent))
    assert problems == []
    assert plain(node) == data


def test_an_alias_repeats_its_anchor() -> None:
    node, problems = nodes_of("a: &x {k: 1}\nb: *x\nc: &t text\nd: [*t, *t]\n")
    assert problems == []
    assert plain(node) == {"a": {"k": 1}, "b": {"k": 1}, "c": "text", "d": ["text", "text"]}


def test_a_merge_key_adds_what_the_mapping_does_not_have() -> None:
    node, problems = nodes_of("base: &b {x: 1, y: 1}\nmore: &m {y: 2, z: 2}\nall:\n  <<: [*b, *m]\n  x: 3\n")
    assert problems == []
    assert plain(node)["all"] == {"y": 1, "z": 2, "x": 3}


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    assert plain(nodes_of('"<<": 1\n')[0]) == {"<<": 1}


def test_an_alias_bomb_is_refused_before_it_is_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    node, problems = nodes_of("\n".join(lines))
    assert node is None
    assert [(problem.code, problem.message) for problem in problems] == [
        ("too-large", f"aliases repeat more than {MAX_REPEATED} nodes")
    ]


def test_a_chain_of_aliases_is_as_deep_as_what_it_repeats() -> None:
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, MAX_DEPTH + 5))]
    assert codes("\n".join(lines)) == ["too-large"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_nesting_has_a_bound(opening: str) -> None:
    node, problems = nodes_of(opening * 100_000)
    assert node is None
    assert [problem.code for problem in problems] == ["too-large"]


def test_nesting_up_to_the_bound_is_read() -> None:
    assert codes("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []


def test_a_text_that_is_too_large_is_refused_at_once() -> None:
    assert codes("#" * (MAX_CHARACTERS + 1)) == ["too-large"]


def test_a_byte_order_mark_within_the_text_is_no_error_in_a_value() -> None:
    assert value_of("'a\ufeffb'") == "a\ufeffb"


def test_the_second_of_two_keys_is_reported_and_the_first_kept() -> None:
    node, problems = nodes_of("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert plain(node) == {"a": 1, "b": {"c": 1}}
    assert [(problem.code, problem.span.line, problem.span.column) for problem in problems] == [
        ("duplicate-key", 2, 11),
        ("duplicate-key", 3, 1),
    ]


def test_an_unquoted_template_is_reported_and_read_as_it_was_meant() -> None:
    node, problems = nodes_of("a: {{ x }}\nb: [{{ y.z }}, 1]\n")
    assert [problem.code for problem in problems] == ["yaml-syntax", "yaml-syntax"]
    assert plain(node) == {"a": "{{ x }}", "b": ["{{ y.z }}", 1]}


def test_literal_marks_the_scalar() -> None:
    node, problems = nodes_of("a: !literal '{{ x }}'\nb: '{{ x }}'\n")
    assert problems == []
    assert isinstance(node, Mapping)
    marked, unmarked = node.get("a"), node.get("b")
    assert isinstance(marked, Scalar)
    assert isinstance(unmarked, Scalar)
    assert (marked.literal, unmarked.literal) == (True, False)


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "---\n...\n"])
def test_an_empty_document_is_nothing(text: str) -> None:
    node, problems = nodes_of(text)
    assert problems == []
    assert plain(node) is None
