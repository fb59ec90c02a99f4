from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noetl.actions.postgres.placeholders import is_blank, place, streams_copy, without_end, words
from noetl.errors import ActionError

PARAMS = {"a": 1, "b": 2, "n": 3, "größe": 4}


@pytest.mark.parametrize(
    ("source", "sql", "values"),
    [
        pytest.param("SELECT :a", "SELECT $1", (1,), id="one"),
        pytest.param("SELECT :a, :b, :a", "SELECT $1, $2, $1", (1, 2), id="a repeated name keeps its number"),
        pytest.param("SELECT :größe", "SELECT $1", (4,), id="a name beyond ASCII"),
        pytest.param("SELECT :a::int", "SELECT $1::int", (1,), id="a cast of a parameter"),
        pytest.param("SELECT x::a, '1'::n", "SELECT x::a, '1'::n", (), id="a cast to a type of that name"),
        pytest.param("SELECT ':a', 'it''s :a'", "SELECT ':a', 'it''s :a'", (), id="strings"),
        pytest.param(r"SELECT '\', :a, ''", r"SELECT '\', $1, ''", (1,), id="a backslash does not escape"),
        pytest.param(r"SELECT E'\' :a', :b", r"SELECT E'\' :a', $1", (2,), id="a backslash escapes in E strings"),
        pytest.param(r"SELECT U&'\0041 :a', nameE'x'", r"SELECT U&'\0041 :a', nameE'x'", (), id="a unicode string"),
        pytest.param('SELECT ":a" , :a', 'SELECT ":a" , $1', (1,), id="quoted identifiers"),
        pytest.param("SELECT $$ :a $$, :a", "SELECT $$ :a $$, $1", (1,), id="dollar quotes"),
        pytest.param("SELECT $x$ $$ :a $y$ $x$, :a", "SELECT $x$ $$ :a $y$ $x$, $1", (1,), id="tagged dollar quotes"),
        pytest.param("SELECT a$b$ , :a, c$b$", "SELECT a$b$ , $1, c$b$", (1,), id="a dollar inside a name"),
        pytest.param("SELECT 1 -- :a\n, :a", "SELECT 1 -- :a\n, $1", (1,), id="a line comment"),
        pytest.param("SELECT /* :a /* :b */ :n */ :a", "SELECT /* :a /* :b */ :n */ $1", (1,), id="nested comments"),
        pytest.param("SELECT ':a", "SELECT ':a", (), id="a string without an end"),
        pytest.param("SELECT /* :a", "SELECT /* :a", (), id="a comment without an end"),
        pytest.param("SELECT f(x := :a, y:=:b)", "SELECT f(x := $1, y:=$2)", (1, 2), id="named arguments"),
        pytest.param("SELECT xs[1:2], xs[lo:a]", "SELECT xs[1:2], xs[lo:a]", (), id="slices"),
        pytest.param("SELECT xs[f(:a):n]", "SELECT xs[f($1):n]", (1,), id="a parameter in a call in a slice"),
        pytest.param("SELECT xs[:a], xs[:hi]", "SELECT xs[$1], xs[:hi]", (1,), id="an element, and an open slice"),
        pytest.param("SELECT xs[:a : :b]", "SELECT xs[$1 : $2]", (1, 2), id="a slice of parameters"),
        pytest.param("SELECT xs[1][:a]", "SELECT xs[1][$1]", (1,), id="a second subscript"),
        pytest.param("SELECT ARRAY[:a, :b]", "SELECT ARRAY[$1, $2]", (1, 2), id="an array"),
        pytest.param("SELECT array[[:a],[:b]]", "SELECT array[[$1],[$2]]", (1, 2), id="an array of arrays"),
        pytest.param("SELECT x->:a, x @> :b", "SELECT x->$1, x @> $2", (1, 2), id="operators"),
        pytest.param("SELECT 1 LIMIT:n", "SELECT 1 LIMIT $1", (3,), id="a name that stands at a word"),
        pytest.param("SELECT 1", "SELECT 1", (), id="none"),
    ],
)
def test_names_become_numbers(source: str, sql: str, values: tuple[int, ...]) -> None:
    placed = place(source, PARAMS)
    assert (placed.sql, placed.values) == (sql, values)


def test_a_list_leaves_the_text_alone() -> None:
    placed = place("SELECT $1, :a", [5])
    assert (placed.sql, placed.values, placed.labels) == ("SELECT $1, :a", (5,), ("$1",))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(
            "SELECT :limt", "the query has ':limt' but 'params' does not; did you mean 'limit'?", id="a misspelt name"
        ),
        pytest.param("SELECT :zzz", "the query has ':zzz' but 'params' does not", id="an unknown name"),
        pytest.param(
            "SELECT $1",
            "the query has '$1' but 'params' is a mapping; write ':name', or give a list",
            id="a number with a mapping",
        ),
    ],
)
def test_a_parameter_that_is_not_given_is_named(source: str, message: str) -> None:
    with pytest.raises(ActionError) as caught:
        place(source, {"limit": 1})
    assert (caught.value.code, caught.value.message) == ("bad_parameter", message)


def test_a_position_leads_back_to_the_text_of_the_user() -> None:
    source = "SELECT :größe, :a LIMIT:n + wrong"
    placed = place(source, PARAMS)
    for word in ("SELECT", "LIMIT", "wrong"):
        assert placed.origin(placed.sql.index(word)) == source.index(word)


@given(st.lists(st.sampled_from(["SELECT ", ":a ", ":größe,", "x", "1::int ", "'", ":b\n", "\n", "[", "]"])))
def test_positions_before_between_and_after_names_keep_their_text(parts: list[str]) -> None:
    placed = place("".join(parts), PARAMS)
    for offset, character in enumerate(placed.sql):
        if character in "SELCT\n,'":
            assert placed.source[placed.origin(offset)] == character


@pytest.mark.parametrize(
    ("source", "params", "filled"),
    [
        pytest.param("SELECT :a, ':a', :b, :a", {"a": 1, "b": 2}, "SELECT <1>, ':a', <2>, <1>", id="names"),
        pytest.param("SELECT $2, '$1', $1 -- $1", [1, 2], "SELECT <2>, '$1', <1> -- $1", id="numbers"),
    ],
)
def test_literals_take_the_places_of_parameters(source: str, params: list[int] | dict[str, int], filled: str) -> None:
    assert place(source, params).filled(["<1>", "<2>"]) == filled


@pytest.mark.parametrize(
    ("sql", "streams"),
    [
        pytest.param("COPY t FROM STDIN", True, id="from"),
        pytest.param("select 1;\n/* x */ copy t (a) to stdout with csv", True, id="later, to"),
        pytest.param("COPY t FROM '/tmp/stdin'", False, id="a file of that name"),
        pytest.param("SELECT stdin FROM copy", False, id="other statements"),
        pytest.param("SELECT 'copy t from stdin'", False, id="a string"),
        pytest.param("COPY t FROM '/tmp/x'; SELECT stdin FROM y", False, id="a word of the next statement"),
    ],
)
def test_a_copy_that_needs_a_stream_is_found(sql: str, streams: bool) -> None:
    assert streams_copy(sql) is streams


def test_words_are_bare_and_lower() -> None:
    assert list(words("SELECT 'a', \"B\", c /* d */; -- e\n(Values (1))")) == ["select", "c", ";", "values"]


@pytest.mark.parametrize("sql", ["", " \n", "-- x", "/* x */ ; ;"])
def test_comments_alone_are_blank(sql: str) -> None:
    assert is_blank(sql)


def test_a_statement_loses_its_end() -> None:
    assert without_end("SELECT ';' ; -- done") == "SELECT ';' "
    assert without_end("SELECT 1 -- ; no") == "SELECT 1 -- ; no"
