"""The filters: noetl's own, and Jinja's where they differ here."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest
from evaluating import failure, value
from hypothesis import given
from hypothesis import strategies as st
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS

from noetl.expressions import FILTERS, TESTS
from noetl.expressions.filters import FILTER_TABLE, TEST_TABLE
from noetl.expressions.vocabulary import REMOVED_FILTERS

SCOPE: dict[str, Any] = {
    "s": "it's",
    "d": {"a": 1, "b": {"c": 2, "d": 3}},
    "rows": [{"k": "b", "v": 1}, {"k": "a", "v": 2}, {"k": "b", "v": 3}],
    "nothing": None,
    "yes": True,
    "xs": [3, 1, 2],
    "now": "2026-03-01T12:30:00Z",
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("s | sh", "'it'\"'\"'s'", id="sh"),
        pytest.param("'plain' | sh", "plain", id="sh of a plain word"),
        pytest.param("'' | sh", "''", id="sh of nothing"),
        pytest.param("['a b', 3, none] | sh", "'a b' 3 ''", id="sh of a list"),
        pytest.param("'my\"table' | ident", '"my""table"', id="ident"),
        pytest.param("['public', 'orders'] | ident", '"public"."orders"', id="ident of a qualified name"),
        pytest.param("d | json", '{"a":1,"b":{"c":2,"d":3}}', id="json"),
        pytest.param("'é\"' | json", '"é\\""', id="json of text"),
        pytest.param(
            "{'b': 1, 'a': [1]} | json(indent=2)", '{\n  "b": 1,\n  "a": [\n    1\n  ]\n}', id="json with indent"
        ),
        pytest.param("{'b': 1, 'a': 2} | json(sort_keys=true)", '{"a":2,"b":1}', id="json sorted"),
        pytest.param("'<a>' | tojson", '"<a>"', id="tojson escapes nothing for HTML"),
        pytest.param("'{\"a\": [1, null]}' | from_json", {"a": [1, None]}, id="from_json"),
        pytest.param("{'b': 'on', 'a': [1, none]} | yaml", "b: 'on'\na:\n- 1\n- null\n", id="yaml"),
        pytest.param(
            "'a: [1, on, 010, 2020-01-01, ~]' | from_yaml", {"a": [1, "on", 10, "2020-01-01", None]}, id="from_yaml"
        ),
        pytest.param(
            "'a: &x {b: 1}\\nc: *x' | from_yaml", {"a": {"b": 1}, "c": {"b": 1}}, id="from_yaml with an alias"
        ),
        pytest.param("'é' | b64encode", "w6k=", id="b64encode"),
        pytest.param("'w6k=' | b64decode", "é", id="b64decode"),
        pytest.param("'w6k' | b64decode", "é", id="b64decode without padding"),
        pytest.param("'Pz8_Pj5-' | b64decode", "???>>~", id="b64decode of the URL alphabet"),
        pytest.param("'abc' | sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", id="sha256"),
        pytest.param(r"'id=42;' | regex_search('\d+')", "42", id="regex_search"),
        pytest.param(r"'id=42;' | regex_search('x')", None, id="regex_search without a match"),
        pytest.param(r"'id=42;' | regex_search('(\w+)=(\d+)', 2)", "42", id="regex_search of a group"),
        pytest.param(
            r"'id=42;' | regex_search('(?P<k>\w+)=(\d+)', 'k', '\2')", ["id", "42"], id="regex_search of groups"
        ),
        pytest.param(r"'ID' | regex_search('id', ignorecase=true)", "ID", id="regex_search ignoring case"),
        pytest.param(r"'a\nb' | regex_search('^b', multiline=true)", "b", id="regex_search in lines"),
        pytest.param(r"'a-b-c' | regex_replace('-', '+')", "a+b+c", id="regex_replace"),
        pytest.param(r"'a-b-c' | regex_replace('-', count=1)", "ab-c", id="regex_replace once"),
        pytest.param(
            r"'John Smith' | regex_replace('(\w+) (\w+)', '\2 \1')", "Smith John", id="regex_replace by groups"
        ),
        pytest.param(r"'foo bar' | regex_replace('\bb', 'c')", "foo car", id="regex_replace at a word"),
        pytest.param("d | combine({'a': 2})", {"a": 2, "b": {"c": 2, "d": 3}}, id="combine"),
        pytest.param(
            "d | combine({'b': {'c': 9}}, {'e': 1}, recursive=true)",
            {"a": 1, "b": {"c": 9, "d": 3}, "e": 1},
            id="recursive",
        ),
        pytest.param("d | combine({'b': {'c': 9}})", {"a": 1, "b": {"c": 9}}, id="combine is flat"),
        pytest.param("[1, [2, [3, []]], (4,)] | flatten", [1, 2, 3, 4], id="flatten"),
        pytest.param("[1, [2, [3]]] | flatten(levels=1)", [1, 2, [3]], id="flatten one level"),
        pytest.param("['b', 'a', 'B', 'b'] | unique", ["b", "a"], id="unique keeps the order"),
        pytest.param("['b', 'B'] | unique(case_sensitive=true)", ["b", "B"], id="unique by case"),
        pytest.param("[{'a': [1]}, {'a': [1]}, [2], [2]] | unique", [{"a": [1]}, [2]], id="unique of what has no hash"),
        pytest.param("rows | unique(attribute='k') | map(attribute='v')", [1, 2], id="unique by a key"),
        pytest.param("now | datetime", "2026-03-01T12:30:00Z", id="datetime"),
        pytest.param("now | datetime('%d.%m.%Y')", "01.03.2026", id="datetime with a format"),
        pytest.param("0 | datetime", "1970-01-01T00:00:00Z", id="datetime of seconds"),
        pytest.param("now | datetime('epoch')", 1772368200.0, id="datetime to seconds"),
        pytest.param("'31.12.2025' | datetime('%Y-%m-%d', parse='%d.%m.%Y')", "2025-12-31", id="datetime parsed"),
        pytest.param("now | datetime('%Y-%m-%d', add='-1d')", "2026-02-28", id="datetime moved back"),
        pytest.param("now | datetime(add='1h30m')", "2026-03-01T14:00:00Z", id="datetime moved on"),
        pytest.param("now | datetime(zone='+02:00')", "2026-03-01T14:30:00+02:00", id="datetime in a zone"),
        pytest.param("'2026-03-01 12:30:00+02:00' | datetime", "2026-03-01T10:30:00Z", id="datetime with an offset"),
        pytest.param("'1h30m' | duration", 5400.0, id="duration to seconds"),
        pytest.param("184 | duration", "3m04s", id="duration for people"),
        pytest.param("'<a & b>' | e", "&lt;a &amp; b&gt;", id="escape"),
        pytest.param("[1, none, true, [2]] | join('-')", "1--true-[2]", id="join writes as text does"),
        pytest.param("rows | join(',', attribute='k')", "b,a,b", id="join by a key"),
        pytest.param("nothing | upper ~ (yes | lower)", "true", id="filters of text read all values as text"),
        pytest.param("none | string", "", id="string of null"),
        pytest.param("rows | sum(attribute='v')", 6, id="sum by a key"),
        pytest.param("[[1], [2, 3]] | sum(start=[])", [1, 2, 3], id="sum of lists"),
        pytest.param("xs | reverse", [2, 1, 3], id="reverse"),
        pytest.param("'abc' | reverse", "cba", id="reverse of text"),
        pytest.param("xs | batch(2, 0)", [[3, 1], [2, 0]], id="batch"),
        pytest.param("[1, 2, 3, 4, 5] | slice(2)", [[1, 2, 3], [4, 5]], id="slice"),
        pytest.param("[1, 2, 3] | slice(2, 0)", [[1, 2], [3, 0]], id="slice filled"),
        pytest.param("d.b | items", [["c", 2], ["d", 3]], id="items"),
        pytest.param("d.b | dictsort(reverse=true)", [["d", 3], ["c", 2]], id="dictsort"),
        pytest.param("rows | groupby('k') | map('first')", ["a", "b"], id="groupby"),
        pytest.param("rows | groupby('k') | map(attribute='grouper')", ["a", "b"], id="groupby, by name"),
        pytest.param("rows | selectattr('v', '>', 1) | map(attribute='v')", [2, 3], id="selectattr"),
        pytest.param("xs | reject('odd')", [2], id="reject"),
        pytest.param("xs | sort | first", 1, id="first"),
        pytest.param("'abc' | last", "c", id="last of text"),
        pytest.param("xs | max + (xs | min)", 4, id="max and min"),
        pytest.param("'a,b' | replace(',', none)", "ab", id="replace"),
        pytest.param("'%s-%03d' | format('a', 7)", "a-007", id="format"),
        pytest.param("'%(x)s' | format(x=1)", "1", id="format by name"),
        pytest.param("'a\nb' | indent(2)", "a\n  b", id="indent"),
        pytest.param("'a b c' | wordwrap(3)", "a b\nc", id="wordwrap"),
        pytest.param("2.567 | round(1)", 2.6, id="round"),
        pytest.param("'42' | int + ('x' | int(7))", 49, id="int"),
        pytest.param("{'a b': 'c&d'} | urlencode", "a+b=c%26d", id="urlencode of a mapping"),
        pytest.param("'a b' | urlencode", "a%20b", id="urlencode"),
        pytest.param("1234567 | filesizeformat", "1.2 MB", id="filesizeformat"),
        pytest.param("'a b' | title ~ ('x' | center(3))", "A B x ", id="title and center"),
    ],
)
def test_a_filter_gives_its_value(expression: str, expected: object) -> None:
    found = value(f"{{{{ {expression} }}}}", SCOPE)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("'' | ident", "an SQL identifier is a text that is not empty, not text"),
        ("3 | ident", "an SQL identifier is a text that is not empty, not an integer"),
        ("'a\\x00b' | sh", "a shell word cannot hold the NUL character"),
        ("'{' | from_json", "the text is not JSON: Input data was truncated"),
        ("3 | from_json", "'from_json' reads text, not an integer"),
        ("'a: [' | from_yaml", "the text is not YAML: malformed, in line 2"),
        ("'%' | b64decode", "the text is not base64"),
        ("'/w==' | b64decode", "what the base64 holds is not text"),
        ("'x' | combine({})", "'combine' joins mappings, not text"),
        ("'x' | flatten", "'flatten' reads a list, not text"),
        ("3 | items", "'items' reads a mapping, not an integer"),
        ("'soon' | datetime", "the value is not a point in time in ISO 8601"),
        ("none | datetime", "'datetime' reads text or a number of seconds, not null"),
        ("'x' | datetime(parse='%Y')", "the value is not a point in time in the format '%Y'"),
        ("0 | datetime(zone='Europe/Oslo')", "a zone of 'datetime' is an offset such as '+02:00'"),
        ("0 | datetime(add='soon')", "the text is not a duration such as '1h30m'"),
        ("'soon' | duration", "the text is not a duration such as '1h30m'"),
        ("none | duration", "'duration' reads text or a number of seconds, not null"),
        ("'a' | odd", None),
        ("'a' is odd", "'odd' reads a number, not text"),
        ("'a' | round", "'round' reads a number, not text"),
        ("['a'] | sum(start='')", "'sum' adds numbers or lists, write 'join' for text"),
        ("[1] | batch(0)", "'batch' makes lists of 1 to 4000000 items"),
        ("'%s' | format(1, a=2)", "'format' takes values or named values, not both"),
    ],
)
def test_a_filter_refuses_what_it_cannot_read(expression: str, reason: str | None) -> None:
    if reason is not None:
        text = f"{{{{ {expression} }}}}"
        assert failure(text).message == f"cannot evaluate '{text}': {reason}"


def test_the_vocabulary_is_what_there_is() -> None:
    assert set(FILTER_TABLE) == FILTERS
    assert {name for name in TEST_TABLE if name.isidentifier() and name.islower()} == TESTS


def test_every_filter_and_test_of_jinja_is_kept_or_left_out_on_purpose() -> None:
    left_out = {*REMOVED_FILTERS, "striptags", "urlize", "xmlattr"}
    assert set(JINJA_FILTERS) - FILTERS == left_out
    tests = {name for name in JINJA_TESTS if name.isidentifier()}
    assert tests - TESTS == {"callable", "escaped", "filter", "test"}


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
def test_sh_makes_one_word_of_any_text(text: str) -> None:
    assert shlex.split(value("{{ x | sh }}", {"x": text})) == [text]


def test_the_shell_reads_what_sh_wrote() -> None:
    nasty = "a'b\"c $HOME `id` \\ ;\n*"
    command = value("printf %s {{ x | sh }}", {"x": nasty})
    assert subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout == nasty


DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(DATA.filter(lambda data: "\\u" not in repr(data) and "\\x" not in repr(data)))
def test_json_and_yaml_give_back_what_they_were_given(data: Any) -> None:
    assert value("{{ x | json | from_json }}", {"x": data}) == data
    assert value("{{ x | yaml | from_yaml }}", {"x": data}) == data


@given(st.lists(DATA, max_size=6))
def test_unique_keeps_one_of_each_in_their_order(items: list[Any]) -> None:
    found = value("{{ x | unique(case_sensitive=true) }}", {"x": items})
    expected: list[Any] = []
    for item in items:
        if item not in expected:
            expected.append(item)
    assert found == expected
