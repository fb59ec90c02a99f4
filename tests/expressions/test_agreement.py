"""The emitted functions give what Jinja2's own renderer gives in our environment, or leave the answer to it."""

from __future__ import annotations

from typing import Any

import pytest
from evaluating import WentWrong, condition, fast, reference, template
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noetl.errors import ExpressionError
from noetl.expressions import CompileError

SCOPE: dict[str, Any] = {
    "n": 3,
    "f": 2.5,
    "zero": 0,
    "s": "some Text",
    "empty": "",
    "t": True,
    "nothing": None,
    "xs": [3, 1, 2],
    "none_in": [None, 1],
    "d": {"a": 1, "items": [1, 2], "x": {"y": "deep", "n": 7}, "_id": 5},
    "rows": [{"c": "b", "v": 1}, {"c": "a", "v": 2}, {"c": "b"}],
}
READS = st.sampled_from(
    [
        *SCOPE,
        "missing",
        "missing.a",
        "d.a",
        "d.items",
        "d.nope",
        "d.x.y",
        "d.x.nope.q",
        "d['x']['n']",
        "d[s]",
        "d._id",
        "xs[0]",
        "xs[-1]",
        "xs[9]",
        "xs[n]",
        "xs['q']",
        "xs.0",
        "s[1]",
        "s.q",
        "rows[0].c",
        "rows[2].v",
        "nothing.x",
    ]
)
LITERALS = st.sampled_from(
    ["0", "1", "-2", "2.5", "'a'", "'Text'", "''", "none", "true", "False", "[]", "[1, n]", "{}", "{'a': n}", "(1, s)"]
)
ONE_ARGUMENT = st.sampled_from(
    [
        "({0}|default({1}))",
        "({0}|default({1}, true))",
        "({0}|d({1})|string)",
        "({0}|join({1}))",
        "({0}|replace('e', {1}))",
        "{0}.get({1})",
        "{0}.startswith({1})",
        "{0}.count({1})",
        "{0}[{1}]",
        "{0}[:{1}]",
        "({0}).x[{1}:]",
        "({0} is eq({1}))",
        "({0} is divisibleby({1}))",
        "({0} is in ({1}))",
        "[{0}, {1}]",
        "(({0}, {1})|list)",
        "{{'k': {0}, 'l': [{1}]}}",
        "({0}|combine({1}))",
        "({0}|round({1}))",
        "({0}|map('default', {1})|list)",
        "({0}|select('eq', {1}))",
        "({0}|format({1}))",
        "range({0}, {1})",
        "dict(a={0}, b={1})",
    ]
)
FILTERS = """
    abs capitalize count dictsort e first flatten float int items json last length list lower max min reverse
    sort string sum title trim unique upper urlencode wordcount sh ident b64encode sha256 duration batch(2)
    slice(2) map(attribute='c') groupby('c') selectattr('v') rejectattr('c') center(20) indent truncate(3)
"""
TESTS = """
    defined undefined none None number string mapping sequence iterable odd even integer float boolean true false lower upper
"""
NO_ARGUMENT = st.sampled_from(
    [
        *(f"(({{0}})|{name})" for name in FILTERS.split()),
        *(f"(({{0}}) is {name})" for name in TESTS.split()),
        *(f"(({{0}}) is not {name})" for name in TESTS.split()),
        "(not {0})",
        "(-{0})",
        "(+{0})",
        "({0}).upper()",
        "({0}).items()",
        "({0}).a",
        "({0})['a']",
        "({0}).keys()|list",
        "({0})[1:]",
        "({0})[::-1]",
    ]
)
COMPARISONS = ["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
OPERATORS = st.sampled_from([*COMPARISONS, "+", "-", "*", "/", "//", "%", "**", "~", "and", "or"])


def _forms(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda form, a: form.format(a), NO_ARGUMENT, inner),
        st.builds(lambda form, a, b: form.format(a, b), ONE_ARGUMENT, inner, inner),
        st.builds(lambda a, op, b: f"({a} {op} {b})", inner, OPERATORS, inner),
        st.builds(lambda a, c, b: f"({a} if {c} else {b})", inner, inner, inner),
        st.builds(lambda a, c: f"({a} if {c})", inner, inner),
        st.builds(lambda a, b, c: f"({a} < {b} <= {c})", inner, inner, inner),
    )


EXPRESSIONS = st.recursive(st.one_of(READS, LITERALS), _forms, max_leaves=8)
TEXTS = st.lists(
    st.one_of(
        EXPRESSIONS.map(lambda inner: f"{{{{ {inner} }}}}"), st.sampled_from([" ", "text", "\n", "a\r\n", "{#", "}"])
    ),
    min_size=2,
    max_size=4,
).map("".join)


def _same(one: Any, other: Any) -> bool:
    """Equal, of the same types, and in the same order of keys."""
    return repr(one) == repr(other)


def _assert_agreement(text: str, *, lenient: bool) -> None:
    expected = reference(text, SCOPE, lenient=lenient)
    try:
        found = fast(text, SCOPE, lenient=lenient)
    except WentWrong:
        return
    except CompileError:
        raise AssertionError(f"{text} does not compile") from None
    assert not isinstance(expected, ExpressionError), f"{text}: {found!r} instead of the error {expected}"
    assert _same(found, expected), f"{text}: {found!r} instead of {expected!r}"


AGREEMENT = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@AGREEMENT
@given(EXPRESSIONS)
def test_a_template_has_the_value_that_jinja_gives_it(expression: str) -> None:
    _assert_agreement(f"{{{{ {expression} }}}}", lenient=False)


@AGREEMENT
@given(TEXTS)
def test_a_text_is_the_text_that_jinja_renders(text: str) -> None:
    _assert_agreement(text, lenient=False)


@AGREEMENT
@given(EXPRESSIONS)
def test_a_condition_has_the_value_that_jinja_gives_it(expression: str) -> None:
    _assert_agreement(expression, lenient=True)
    _assert_agreement(f"{{{{ {expression} }}}}", lenient=True)


UNDEFINED = st.sampled_from(["missing", "d.nope", "d.x.nope.q", "missing['a'].b", "xs[9]"])
TOLERANT_FORMS = st.one_of(
    UNDEFINED,
    st.builds(lambda u, op, v: f"({u} {op} {v})", UNDEFINED, OPERATORS, st.sampled_from(["n", "s", "xs", "1", "'a'"])),
    st.builds(lambda v, op, u: f"({v} {op} {u})", st.sampled_from(["n", "s", "xs", "d", "1"]), OPERATORS, UNDEFINED),
    st.builds(lambda form, u: form.format(u), NO_ARGUMENT, UNDEFINED),
    st.builds(lambda form, u, v: form.format(u, v), ONE_ARGUMENT, UNDEFINED, st.sampled_from(["n", "s", "missing"])),
)


@AGREEMENT
@given(TOLERANT_FORMS)
def test_nothing_that_is_undefined_makes_a_condition_raise(expression: str) -> None:
    condition(expression).evaluate(SCOPE)


@AGREEMENT
@given(UNDEFINED, st.sampled_from(COMPARISONS))
def test_every_comparison_with_the_undefined_is_false(undefined: str, operator: str) -> None:
    for other in ("n", "s", "xs", "'a'", "1", "missing"):
        assert condition(f"{undefined} {operator} {other}").evaluate(SCOPE) is False
        assert condition(f"{other} {operator} {undefined}").evaluate(SCOPE) is False


@pytest.mark.parametrize("depth", [5, 20, 55])
@pytest.mark.parametrize(
    "form",
    ["({} + n)", "(n if {} else 1)", "({}|default(n))", "[{}]", "(not {})", "({} and t)", "(n ~ {})", "{}|string"],
)
def test_deep_expressions_are_evaluated_both_ways_or_refused(form: str, depth: int) -> None:
    text = "n"
    for _ in range(depth):
        text = form.format(text)
    for whole, lenient in ((f"{{{{ {text} }}}}", False), (text, True)):
        refused = _refusal(whole, lenient=lenient)
        if refused is None:
            assert not isinstance(reference(whole, SCOPE, lenient=lenient), ExpressionError)
            _assert_agreement(whole, lenient=lenient)
        else:
            assert refused.code == "template-syntax"
            assert "nested" in refused.message


def _refusal(text: str, *, lenient: bool) -> CompileError | None:
    try:
        (condition if lenient else template)(text)
    except CompileError as error:
        return error
    return None
