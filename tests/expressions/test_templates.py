"""Templates: the type of a single expression, text, undefined names, errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from evaluating import failure, spanned, template, value

from noetl.errors import ExpressionError
from noetl.expressions import is_template

SCOPE: dict[str, Any] = {
    "n": 3,
    "s": "abc",
    "nothing": None,
    "yes": True,
    "xs": [3, 1, 2],
    "order": {"items": [1, 2], "_links": {"next": "/2"}, "id": 7},
    "rows": [{"city": "Oslo", "v": 1}, {"city": "Bern", "v": 2}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ n }}", 3, id="an integer"),
        pytest.param("{{ yes }}", True, id="a boolean"),
        pytest.param("{{ nothing }}", None, id="null"),
        pytest.param("{{ xs }}", [3, 1, 2], id="a list"),
        pytest.param("{{ order }}", SCOPE["order"], id="a mapping"),
        pytest.param(" \n{{ n }}\t\n", 3, id="blanks around it are ignored"),
        pytest.param("{{- n -}}", 3, id="white space control"),
        pytest.param("{{ n + 1 }}", 4, id="arithmetic"),
        pytest.param("{{ n / 2 }}", 1.5, id="division"),
        pytest.param("{{ 'x' ~ n ~ nothing ~ yes }}", "x3true", id="joined as text is"),
        pytest.param("{{ (1, 2) }}", [1, 2], id="a tuple is a list"),
        pytest.param("{{ {'a': (n,), 2: s} }}", {"a": [3], "2": "abc"}, id="data with text keys"),
        pytest.param("{{ range(3) }}", [0, 1, 2], id="a range is a list"),
        pytest.param("{{ s if n > 5 }}", None, id="an inline if without else gives null"),
        pytest.param("{{ s[1:] }}", "bc", id="a slice"),
        pytest.param("{{ 2 ** 63 }}", "9223372036854775808", id="beyond 64 bits it is text"),
        pytest.param("{{ '5' }}", "5", id="a text of digits stays text"),
        pytest.param("{{ xs | map('string') | list }}", ["3", "1", "2"], id="filters that Jinja evaluates"),
        pytest.param("{{ order.items }}", [1, 2], id="a dot reads the key first"),
        pytest.param("{{ order.items() }}", [["items", [1, 2]], ["_links", {"next": "/2"}], ["id", 7]], id="a method"),
        pytest.param("{{ order._links.next }}", "/2", id="a key that starts with an underscore"),
        pytest.param("{{ order.get('no', 9) }}", 9, id="get"),
        pytest.param("{{ s.upper() }}", "ABC", id="a method of text"),
        pytest.param("{{ xs.index(1) }}", 1, id="a method of a list"),
        pytest.param("{{ missing | default(3) }}", 3, id="default of a name"),
        pytest.param("{{ missing.a.b | default(3) }}", 3, id="default of a key of what is missing"),
        pytest.param("{{ missing | default(other) | default(1) }}", 1, id="default of a default"),
        pytest.param("{{ n | default(other) }}", 3, id="a default that is not needed"),
        pytest.param("{{ (missing if n else 1) | default(2) }}", 2, id="default of a choice"),
        pytest.param("{{ [] | first | default('none') }}", "none", id="default of an empty list's first"),
        pytest.param("{{ order.no is defined }}", False, id="is defined"),
        pytest.param("{{ None is none and True }}", True, id="Python's spellings"),
        pytest.param("{{ nothing is None }}", True, id="is None"),
        pytest.param("{{ yes is True }}", True, id="is True"),
        pytest.param(r"{{ '\d+\b\1\n' }}", "\\d+\\b\\1\n", id="backslashes of patterns stay"),
        pytest.param("{{ dict(a=n) }}", {"a": 3}, id="dict"),
        pytest.param("{{ range_ }}", 1, id="a name like a function"),
        pytest.param("{{ namespace }}", "kube-system", id="a name that is a function's too"),
    ],
)
def test_one_expression_keeps_the_type_of_its_value(text: str, expected: object) -> None:
    found = value(text, {**SCOPE, "range_": 1, "namespace": "kube-system"})
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="a literal"),
        pytest.param("n={{ n }}", "n=3", id="a number"),
        pytest.param("[{{ nothing }}]", "[]", id="null is empty"),
        pytest.param("{{ yes }}/{{ not yes }}", "true/false", id="booleans"),
        pytest.param("x{{ rows[0] }}", 'x{"city":"Oslo","v":1}', id="a mapping is compact JSON"),
        pytest.param("x{{ xs }}", "x[3,1,2]", id="a list is compact JSON"),
        pytest.param("{{ n }}{{ n }}", "33", id="two expressions"),
        pytest.param("${#array[@]} {{ n }}", "${#array[@]} 3", id="there are no comments"),
        pytest.param("{# {{ n }} #}", "{# 3 #}", id="comment signs are text"),
        pytest.param("{% raw %}{{ n }}{% endraw %}", "{{ n }}", id="raw"),
        pytest.param("a\r\n{{ n }}\rb\n", "a\r\n3\rb\n", id="line ends stay what they are"),
        pytest.param("{{ n }}x\n", "3x\n", id="the last line end stays"),
        pytest.param("{% if n > 2 %}big{% else %}small{% endif %}", "big", id="if"),
        pytest.param("{% for x in xs %}{{ loop.index }}:{{ x }} {% endfor %}", "1:3 2:1 3:2 ", id="for"),
        pytest.param("{% for x in xs if x > 1 %}{{ x }}{% endfor %}", "32", id="for with a condition"),
        pytest.param("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none", id="for over nothing"),
        pytest.param("{% for k, v in order.items() %}{{ k }} {% endfor %}", "items _links id ", id="for over pairs"),
        pytest.param("{% for x in xs %}{{ loop.cycle('a', 'b') }}{% endfor %}", "aba", id="loop.cycle"),
        pytest.param(
            "{% for city, rows in rows | groupby('city') %}{{ city }}{{ rows | length }}{% endfor %}",
            "Bern1Oslo1",
            id="groups",
        ),
        pytest.param(
            "{% for group in rows | groupby('city') %}{{ group.grouper }}{{ group.list[0].v }}{% endfor %}",
            "Bern2Oslo1",
            id="fields of groups",
        ),
        pytest.param("{% set a, b = 1, n %}{{ a + b }}", "4", id="set"),
        pytest.param("{% set a %}<{{ n }}>{% endset %}{{ a }}{{ a }}", "<3><3>", id="set block"),
        pytest.param("{% with a = n %}{{ a }}{% endwith %}", "3", id="with"),
        pytest.param("{% filter upper %}a{{ s }}{% endfilter %}", "AABC", id="filter block"),
        pytest.param(
            "{% set ns = namespace(sum=0) %}{% for x in xs %}{% set ns.sum = ns.sum + x %}{% endfor %}{{ ns.sum }}",
            "6",
            id="namespace",
        ),
        pytest.param("a\n  {% if n %}\nb\n  {% endif %}\nc", "a\nb\nc", id="lines of statements leave no trace"),
    ],
)
def test_anything_else_is_text(text: str, expected: str) -> None:
    assert value(text, SCOPE) == expected


@pytest.mark.parametrize(
    ("text", "message", "span"),
    [
        pytest.param("{{ thresold }}", "'thresold' is undefined, did you mean 'threshold'?", "thresold", id="a name"),
        pytest.param("{{ quite_other }}", "'quite_other' is undefined", "quite_other", id="a name like no other"),
        pytest.param(
            "{{ 1 + order.nmae }}", "'order' has no key 'nmae', did you mean 'name'?", "order.nmae", id="a key"
        ),
        pytest.param(
            "{{ order['nmae'] }}", "'order' has no key 'nmae', did you mean 'name'?", "order['nmae']", id="item"
        ),
        pytest.param("{{ order.x.y.z }}", "'order.x' is an integer and has no 'y'", "order.x.y", id="deep"),
        pytest.param("{{ xs[7] }}", "'xs' has no item 7, its length is 2", "xs[7]", id="an index"),
        pytest.param("{{ name.first }}", "'name' is text and has no 'first'", "name.first", id="a key of text"),
        pytest.param("{{ nothing.x }}", "'nothing' is null and has no 'x'", "nothing.x", id="a key of null"),
        pytest.param("{{ range }}", "'range' is undefined, the function is 'range()'", "range", id="a function"),
        pytest.param(
            "{{ order[name] }}", "a mapping has no such key, in '{{ order[name] }}'", None, id="a key of data"
        ),
        pytest.param("{{ [missing] }}", "'missing' is undefined", "missing", id="in a list"),
        pytest.param("{{ missing is none }}", "'missing' is undefined", "missing", id="in a test"),
        pytest.param("{{ missing == 1 }}", "'missing' is undefined", "missing", id="in a comparison"),
        pytest.param("{{ missing | length }}", "'missing' is undefined", "missing", id="in a filter"),
        pytest.param("{{ missing or 1 }}", "'missing' is undefined", "missing", id="in a disjunction"),
        pytest.param("a {{ name }} {{ missing }}", "'missing' is undefined", "missing", id="in text"),
        pytest.param("{% for x in missing %}{% endfor %}", "'missing' is undefined", "missing", id="in a loop"),
        pytest.param(
            "{% for row in rows %}{{ row.cty }}{% endfor %}",
            "'row' has no key 'cty', did you mean 'city'?",
            "row.cty",
            id="a key of a loop variable",
        ),
        pytest.param(
            "{{ rows | map(attribute='x') }}",
            "a mapping has no 'x', in '{{ rows | map(attribute='x') }}'",
            None,
            id="map",
        ),
        pytest.param("{{ [] | first }}", "an empty list has no first item, in '{{ [] | first }}'", None, id="first"),
        pytest.param("{{ [] | max }}", "an empty list has no max, in '{{ [] | max }}'", None, id="max"),
    ],
)
def test_an_undefined_name_is_an_error_at_its_place(text: str, message: str, span: str | None) -> None:
    scope = {"threshold": 1, "order": {"name": 1, "x": 2}, "xs": [1, 2], "name": "secret", "nothing": None}
    error = failure(text, {**scope, "rows": [{"city": 1}]})
    assert error.code == "undefined"
    assert error.message == message
    assert spanned(text, error.span) == (text if span is None else span)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("{{ a / zero }}", "division by zero", id="division by zero"),
        pytest.param("{{ a + s }}", "'+' does not work on an integer and text", id="operands"),
        pytest.param("{{ s + a }}", "'+' does not work on text and an integer", id="operands of text"),
        pytest.param("{{ xs + s }}", "'+' does not work on a list and text", id="operands of a list"),
        pytest.param("{{ a < s }}", "'<' does not work on an integer and text", id="order"),
        pytest.param("{{ s | from_json }}", "the text is not JSON: invalid character (byte 0)", id="json"),
        pytest.param("{{ xs.index(9) }}", "a value does not fit what is done with it", id="a message with a value"),
        pytest.param("{{ a.upper() }}", "an integer has no method 'upper'", id="a method of another type"),
        pytest.param("{{ s.items() }}", "text has no method 'items'", id="a method of mappings"),
        pytest.param("{{ now }}", "a function is no value, call it with '()'", id="a function"),
        pytest.param("{{ a | length }}", "an integer has no length", id="a length"),
        pytest.param("{{ a | sort }}", "an integer is no list", id="a loop over a number"),
        pytest.param("{% for x in a %}{% endfor %}", "an integer is no list", id="for over a number"),
        pytest.param(
            "{{ 'x' | upper(1, 2) }}", "the call takes 1 positional argument but 3 were given", id="arguments"
        ),
        pytest.param("{{ 10.0 ** 400 }}", "a number becomes too large", id="overflow"),
        pytest.param("{{ (-8) ** 0.5 }}", "a root of a negative number is not possible", id="a complex number"),
    ],
)
def test_what_cannot_be_evaluated_is_an_error_without_values(text: str, reason: str) -> None:
    scope = {"a": 1, "zero": 0, "s": "hunter2", "xs": ["hunter2"], "now": datetime.now}
    error = failure(text, scope)
    assert error.code == "expression"
    assert error.message == f"cannot evaluate '{text}': {reason}"
    assert "hunter2" not in error.message
    assert spanned(text, error.span) == text


def test_a_long_source_is_cut_in_messages() -> None:
    error = failure("{{ 1 / 0 + " + "1 + " * 40 + "1 }}")
    assert len(error.message) < 140
    assert "...'" in error.message


def test_recorded_functions_come_from_the_scope_and_are_called_once() -> None:
    drawn: list[int] = []

    def draw() -> float:
        drawn.append(1)
        return 0.5

    assert value("{{ random() < 1 and uuid() == 'u' }}", {"random": draw, "uuid": lambda: "u"}) is True
    assert failure("{{ random() / 0 }}", {"random": draw}).message.endswith("division by zero")
    assert len(drawn) == 2


class Steps:
    """Like a mapping of the machine: items made when they are asked for."""

    def __getitem__(self, name: str) -> dict[str, object]:
        if name != "Load":
            raise KeyError(name)
        return {"result": {"data": [1]}}

    def __contains__(self, name: object) -> bool:
        return name == "Load"

    def __iter__(self) -> Iterator[str]:
        return iter(["Load"])

    def keys(self) -> Iterator[str]:
        return iter(self)


def test_objects_like_mappings_are_read_and_written_as_mappings() -> None:
    scope = {"steps": Steps()}
    assert value("{{ steps.Load.result.data }}", scope) == [1]
    assert value("{{ steps }}", scope) == {"Load": {"result": {"data": [1]}}}
    assert value("{{ steps.keys() }}", scope) == ["Load"]
    assert value("{{ 'Lod' in steps }}", scope) is False
    assert failure("{{ steps.Lod }}", scope).message == "'steps' has no key 'Lod', did you mean 'Load'?"


class Thing:
    """What no scope should hold, and no template may reach into."""

    secret = "hunter2"

    def method(self) -> str:
        return self.secret


@pytest.mark.parametrize("text", ["{{ thing.secret }}", "{{ thing['secret'] }}", "{{ thing }}", "{{ thing.get('a') }}"])
def test_attributes_of_objects_are_out_of_reach(text: str) -> None:
    assert "hunter2" not in failure(text, {"thing": Thing()}).message


def test_an_error_of_a_value_that_is_itself_evaluated_passes_through() -> None:
    class Held(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            return template("{{ nowhere }}").evaluate({})

    with pytest.raises(ExpressionError, match="'nowhere' is undefined"):
        template("{{ database + 1 }}").evaluate(Held())


def test_values_that_are_not_data_become_data() -> None:
    scope = {"price": Decimal("1.50"), "at": datetime(2026, 1, 1, tzinfo=UTC), "data": b"ab"}
    assert value("{{ [price, at, data] }}", scope) == ["1.50", "2026-01-01T00:00:00Z", "YWI="]
    assert value("{{ price }}/{{ at }}", scope) == "1.50/2026-01-01T00:00:00Z"


def test_a_text_is_compiled_once_and_placed_each_time() -> None:
    first, second = template("{{ a + 1 }}"), template("{{ a + 1 }}")
    assert first.span.source is not second.span.source
    assert first.paths is second.paths
    assert failure("{{ a + 1 }}").span is not None


@pytest.mark.parametrize(
    ("text", "expected"), [("{{ a }}", True), ("{% if a %}{% endif %}", True), ("{ {a} }", False), ("", False)]
)
def test_is_template_looks_for_what_there_is_to_evaluate(text: str, expected: bool) -> None:
    assert is_template(text) is expected
