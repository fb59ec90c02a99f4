"""What an expression says that it reads, and where."""

from __future__ import annotations

import pytest
from evaluating import condition, spanned, template

from noetl.expressions import find_name


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        pytest.param("{{ n }}", {("n",)}, id="a name"),
        pytest.param("{{ steps.Load.result.data }}", {("steps", "Load", "result", "data")}, id="a path"),
        pytest.param("{{ result['exit_code'] }}", {("result", "exit_code")}, id="an item"),
        pytest.param("{{ rows[0].a }}", {("rows", 0, "a")}, id="an index"),
        pytest.param("{{ rows.0.a }}", {("rows", 0, "a")}, id="an index after a dot"),
        pytest.param("{{ steps[name].result }}", {("steps",), ("name",)}, id="a key that is read"),
        pytest.param("{{ rows[a:b] }}", {("rows",), ("a",), ("b",)}, id="a slice"),
        pytest.param("{{ data.rows.items() }}", {("data", "rows")}, id="a method"),
        pytest.param("{{ a.get(b.c) }}", {("a",), ("b", "c")}, id="arguments"),
        pytest.param("{{ a | default(b, boolean=c) }}", {("a",), ("b",), ("c",)}, id="a filter"),
        pytest.param("{{ a is divisibleby b }}", {("a",), ("b",)}, id="a test"),
        pytest.param("{{ now() ~ uuid() ~ random() }}", {("now",), ("uuid",), ("random",)}, id="recorded functions"),
        pytest.param("{{ range(n) }}", {("n",)}, id="functions are no names"),
        pytest.param("{{ namespace.x }}", {("namespace", "x")}, id="a name like a function"),
        pytest.param("{{ a }} {{ b.c }}", {("a",), ("b", "c")}, id="text"),
        pytest.param("{% for x in xs %}{{ x.a }}{{ y }}{{ loop.index }}{% endfor %}", {("xs",), ("y",)}, id="a loop"),
        pytest.param("{% for x in xs %}{% endfor %}{{ loop.index }}", {("xs",), ("loop", "index")}, id="loop outside"),
        pytest.param("{% set a = b %}{{ a.c }}", {("b",)}, id="set"),
        pytest.param("{% with a = b %}{{ a }}{% endwith %}{{ c }}", {("b",), ("c",)}, id="with"),
        pytest.param("{% set ns = namespace() %}{% set ns.x = d %}{{ ns.x }}", {("d",)}, id="namespace"),
        pytest.param("plain", set(), id="a literal"),
        pytest.param("{% raw %}{{ a }}{% endraw %}", set(), id="raw"),
    ],
)
def test_paths_are_the_longest_static_ones(text: str, paths: set[tuple[str | int, ...]]) -> None:
    expression = template(text)
    assert expression.paths == paths
    assert expression.names == {path[0] for path in paths}


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        pytest.param("a {{ b + abc + a }}", "a", 15, id="only in code, only whole words"),
        pytest.param("{{ x.Load }} {{ steps.Load.result }}", "steps.Load", "steps.Load", id="a path"),
        pytest.param("{{ steps['Load'].result }}", "steps.Load", "steps['Load']", id="a path with brackets"),
        pytest.param("{{ steps . Load }}", ("steps", "Load"), "steps . Load", id="a path with blanks"),
        pytest.param("{{ rows[0] }}", ("rows", 0), "rows[0]", id="an index"),
        pytest.param("{{ a | default(b) }}", "default", "default", id="a filter is found where nothing reads the name"),
        pytest.param("{{ x.secrets + secrets.token }}", "secrets", 15, id="a name, not a key"),
        pytest.param("{{ steps.Laod }}", "Laod", "Laod", id="a key alone"),
        pytest.param("{{ a }}", "zzz", "{{ a }}", id="the whole where it is not"),
        pytest.param("{{ a.b }}", "a.c", "{{ a.b }}", id="the whole where the path is not"),
    ],
)
def test_find_name_is_the_first_place_that_reads_it(
    text: str, path: str | tuple[str | int, ...], found: str | int
) -> None:
    span = find_name(template(text), path)
    if isinstance(found, int):
        assert span.column == found + 1
    else:
        assert spanned(text, span) == found


def test_find_name_finds_names_of_bare_conditions() -> None:
    assert spanned("a.b > 1 and c", find_name(condition("a.b > 1 and c"), "c")) == "c"
