"""Texts that do not compile: what is said, and where."""

from __future__ import annotations

import pytest
from evaluating import marked, problem


@pytest.mark.parametrize(
    ("text", "message", "part", "hint"),
    [
        pytest.param("{{ a b }}", "expected '}}', got 'b'", "b", None, id="two names"),
        pytest.param("{{ a = 1 }}", "expected '}}', got '='", "=", "'==' compares", id="an assignment"),
        pytest.param("{{ a && b }}", "unexpected character '&'", "&", "write 'and'", id="another language's and"),
        pytest.param("{{ !a }}", "unexpected character '!'", "!", "write 'not', or '!=' to compare", id="not"),
        pytest.param("{{ a ? b : c }}", "unexpected character '?'", "?", "write 'a if condition else b'", id="choice"),
        pytest.param("{{ $a }}", "unexpected character '$'", "$", "names stand without '$'", id="dollar"),
        pytest.param("{{ }}", "an expression is missing", "}}", None, id="nothing"),
        pytest.param("{{", "the expression ends too early", "{{", None, id="only an opening"),
        pytest.param("{{ a", "the expression ends too early", "a", None, id="no end"),
        pytest.param("{{ (a }}", "unexpected '}', expected ')'", "}", None, id="a bracket"),
        pytest.param("{{ a) }}", "unexpected ')'", ")", None, id="a bracket too many"),
        pytest.param("{{ 'a }}", "the text that starts with ' is not closed", "'", None, id="a text"),
        pytest.param("{{ a. }}", "after a dot stands a name or a number", "}}", None, id="a dot"),
        pytest.param(
            "{{ f(a=1, 2) }}", "the arguments are malformed: values come before named values", "(", None, id="f"
        ),
        pytest.param("{% if a %}b", "'{% if %}' is not closed: '{% endif %}' is missing", "b", None, id="an if"),
        pytest.param("{% endif %}", "unknown statement '{% endif %}'", "endif", None, id="an end"),
        pytest.param(
            "{% for x in y %}{% endif %}",
            "unknown statement '{% endif %}', expected '{% endfor %}'",
            "endif",
            None,
            id="another end",
        ),
        pytest.param("{% %}", "the name of a statement is missing after '{%'", "%}", None, id="no statement"),
        pytest.param("{% do x %}", "unknown statement '{% do %}'", "do", None, id="an unknown statement"),
        pytest.param("{% raw %}a", "'{% raw %}' is not closed: '{% endraw %}' is missing", "a", None, id="raw"),
        pytest.param(
            "{% include 'x' %}",
            "'{% include %}' is not available: a template cannot read other templates",
            "include",
            None,
            id="include",
        ),
        pytest.param(
            "{% extends 'x' %}",
            "'{% extends %}' is not available: a template cannot read other templates",
            "extends",
            None,
            id="extends",
        ),
        pytest.param(
            "a {% from 'x' import y %}",
            "'{% from %}' is not available: a template cannot read other templates",
            "from",
            None,
            id="from",
        ),
        pytest.param(
            "{% import 'x' as y %}",
            "'{% import %}' is not available: a template cannot read other templates",
            "import",
            None,
            id="import",
        ),
        pytest.param(
            "{% macro m() %}{% endmacro %}",
            "'{% macro %}' is not available: there are no macros: write a task",
            "macro",
            None,
            id="macro",
        ),
        pytest.param(
            "{% for x in y recursive %}{% endfor %}", "a loop cannot be recursive", "recursive", None, id="recursive"
        ),
        pytest.param("{{ a | srot }}", "filter 'srot' is not defined", "srot", "did you mean 'sort'?", id="a filter"),
        pytest.param(
            "{{ a | random }}", "filter 'random' is not defined", "random", "write random(), which is recorded", id="r"
        ),
        pytest.param(
            "{{ a | attr('x') }}", "filter 'attr' is not defined", "attr", "read a key with x['name']", id="attr"
        ),
        pytest.param(
            "{{ a | map('uper') }}",
            "filter 'uper' is not defined",
            "uper",
            "did you mean 'upper'?",
            id="a mapped filter",
        ),
        pytest.param("{{ a is ood }}", "test 'ood' is not defined", "ood", "did you mean 'odd'?", id="a test"),
        pytest.param(
            "{{ a | selectattr('x', 'definde') }}",
            "test 'definde' is not defined",
            "definde",
            "did you mean 'defined'?",
            id="a selecting test",
        ),
        pytest.param("{{ nwo() }}", "function 'nwo' is not defined", "nwo", "did you mean 'now'?", id="a function"),
        pytest.param(
            "{{ length(a) }}",
            "function 'length' is not defined",
            "length",
            "it is a filter, write 'value | length'",
            id="len",
        ),
        pytest.param("{{ a.append(1) }}", "method 'append' is not available", "append", None, id="a method"),
        pytest.param("{{ a[0](1) }}", "only functions and methods can be called", "(", None, id="a call of an item"),
        pytest.param(
            "{{ a.__class__ }}",
            "'__class__' is no attribute: it starts with an underscore",
            "__class__",
            None,
            id="dunder",
        ),
        pytest.param("{{ self.x }}", "'self' is not a name that a template can read", "self", None, id="self"),
        pytest.param("{{ 1e999 }}", "the number is too large", "1e999", None, id="an infinite number"),
    ],
)
def test_a_malformed_template_is_reported_at_its_place(text: str, message: str, part: str, hint: str | None) -> None:
    error = problem(text)
    assert error.message == message
    assert marked(text, error) == part
    assert error.hint == hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ a b }}", "template-syntax"),
        ("{{ a | nope }}", "unknown-filter"),
        ("{{ a is nope }}", "unknown-test"),
        ("{{ nope() }}", "unknown-name"),
    ],
)
def test_each_kind_of_problem_has_its_code(text: str, code: str) -> None:
    assert problem(text).code == code


@pytest.mark.parametrize("text", ["{{ " + "(" * 500 + "a" + ")" * 500 + " }}", "{{ " + "not " * 200 + "a }}"])
def test_what_is_nested_too_deeply_does_not_compile(text: str) -> None:
    assert "nested" in problem(text).message


def test_a_number_of_thousands_of_digits_does_not_compile() -> None:
    assert problem("{{ " + "9" * 5000 + " }}").message == "a number is too long"


def test_positions_count_carriage_returns_and_stripped_blanks() -> None:
    text = "a\r\n  \r\n{{- b -}}  \r\n {%- if c %} {{ d | nope }}{% endif %}"
    assert marked(text, problem(text)) == "nope"
