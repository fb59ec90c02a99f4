"""From a part of a scalar's value to its place in the file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from reading import nodes_of

from noetl.language.nodes import Mapping, Node, Scalar, Sequence


def scalars(node: Node | None) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.entries.values():
            yield key
            yield from scalars(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from scalars(item)


def places(text: str, part: str) -> list[tuple[int, int, str]]:
    """Line, column and text of each place that the occurrences of `part` in values are found at."""
    node, problems = nodes_of(text)
    assert problems == []
    found = []
    for scalar in scalars(node):
        offset = scalar.text.find(part)
        while offset >= 0:
            span = scalar.at(offset, len(part))
            line = text.split("\n")[span.line - 1]
            found.append((span.line, span.column, line[span.column - 1 : span.column - 1 + span.length]))
            offset = scalar.text.find(part, offset + 1)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: before zz after", [(1, 11, "zz")], id="plain"),
        pytest.param("zz: 1", [(1, 1, "zz")], id="key"),
        pytest.param("a: [x, zz, {b: zz}]", [(1, 8, "zz"), (1, 16, "zz")], id="in flow collections"),
        pytest.param("é🙂: ü zz", [(1, 7, "zz")], id="behind characters of several bytes"),
        pytest.param("a: 'zz'", [(1, 5, "zz")], id="single quotes"),
        pytest.param("a: 'it''s zz, isn''t it, zz'", [(1, 11, "zz"), (1, 26, "zz")], id="doubled single quotes"),
        pytest.param('a: "zz"', [(1, 5, "zz")], id="double quotes"),
        pytest.param(r'a: "\t\x41\u00e9\U0001f600 zz \" zz"', [(1, 28, "zz"), (1, 34, "zz")], id="escapes"),
        pytest.param(r'{"a": "\ud83d\ude00 zz \/"}', [(1, 21, "zz")], id="surrogate pairs of JSON"),
        pytest.param('a: "one \\\n    zz"', [(2, 5, "zz")], id="escaped line break"),
        pytest.param("a: one\n  zz\n\n  zz", [(2, 3, "zz"), (4, 3, "zz")], id="plain over lines"),
        pytest.param("a: 'one\n  zz\n\n\n  zz'", [(2, 3, "zz"), (5, 3, "zz")], id="single quotes over lines"),
        pytest.param('a: "one \n  zz\\n\n  zz"', [(2, 3, "zz"), (3, 3, "zz")], id="double quotes over lines"),
        pytest.param("a: |\n  zz\n    zz\n\n  x zz\n", [(2, 3, "zz"), (3, 5, "zz"), (5, 5, "zz")], id="block"),
        pytest.param("a: |2-\n    zz\n", [(2, 5, "zz")], id="block with an indentation"),
        pytest.param("- |+\n zz\n\n- zz", [(2, 2, "zz"), (4, 3, "zz")], id="block in a list"),
        pytest.param(
            "a: |\r\n  x\r\n  zz\r\nb: zz\r\n", [(3, 3, "zz"), (4, 4, "zz")], id="block with line ends of DOS"
        ),
        pytest.param("a: >\n  one\n  zz\n", [(1, 4, ">")], id="a folded block falls back to its start"),
        pytest.param("a: &x !literal 'zz'", [(1, 17, "zz")], id="behind anchor and tag"),
        pytest.param("a: !literal\n  zz", [(2, 3, "zz")], id="on the line after a tag"),
        pytest.param("a: &x\n  zz\nb: *x", [(2, 3, "zz"), (2, 3, "zz")], id="an alias stands where its anchor is"),
    ],
)
def test_a_part_of_a_value_is_found_in_the_file(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert places(text, "zz") == expected


def test_a_span_ends_with_its_line() -> None:
    node, _ = nodes_of("a: |\n  one\n  two\n")
    span = next(scalar for scalar in scalars(node) if scalar.style).at(0, 7)
    assert (span.line, span.column, span.length) == (2, 3, 3)


def test_a_place_beyond_the_end_is_the_start_of_the_scalar() -> None:
    node, _ = nodes_of(r'a: "\t"')
    span = [*scalars(node)][-1].at(5, 1)
    assert (span.line, span.column) == (1, 4)


def test_collections_and_keys_have_spans() -> None:
    node, _ = nodes_of("top:\n  list: [1,\n    2]\n  map: {k: v} # a comment\n")
    assert isinstance(node, Mapping)
    top = node.get("top")
    assert isinstance(top, Mapping)
    found = {key: (value.span.line, value.span.column, value.span.length) for key, (_, value) in top.entries.items()}
    assert found == {"list": (2, 9, 3), "map": (4, 8, 6)}
    assert [(key.span.line, key.span.column, key.span.length) for key, _ in top.entries.values()] == [
        (2, 3, 4),
        (4, 3, 3),
    ]
