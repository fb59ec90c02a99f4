"""What is written for Graphviz, read by pydot."""

from __future__ import annotations

import pydot
import pytest
from playbook_graphs import HOSTILE, drawn_run, graph

import noetl
from noetl.drawing.building import graph_of
from noetl.drawing.dot import dot
from noetl.drawing.graph import Graph

#: pydot calls pyparsing by old names.
pytestmark = pytest.mark.filterwarnings("ignore::pyparsing.warnings.PyparsingDeprecationWarning")

HOSTILE_GRAPH = graph_of(noetl.load(HOSTILE))


def parsed(text: str) -> pydot.Dot:
    found = pydot.graph_from_dot_data(text)
    assert found is not None
    (only,) = found
    return only


def value(thing: pydot.Common, name: str) -> str:
    """What an attribute comes to for Graphviz; empty where it is not there."""
    text = thing.get(name) or '""'
    assert text[0] == text[-1] == '"'
    return str(text[1:-1]).replace('\\"', '"').replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")


@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param(graph("- {name: A, run: [{action: noop}]}"), id="a step"),
        pytest.param(HOSTILE_GRAPH, id="hostile texts"),
        pytest.param(drawn_run("- {name: node, run: [{action: noop}]}"), id="a run"),
    ],
)
def test_every_node_and_edge_is_there(drawn: Graph) -> None:
    found = parsed(dot(drawn))
    defaults = {"node", "edge", "graph"}
    assert [node.get_name() for node in found.get_nodes() if node.get_name() not in defaults] == [
        node.id for node in drawn.nodes
    ]
    assert sorted((edge.get_source(), edge.get_destination()) for edge in found.get_edges()) == sorted(
        (edge.source, edge.target) for edge in drawn.edges
    )


def test_labels_say_what_was_written() -> None:
    found = parsed(dot(HOSTILE_GRAPH))
    written = {value(edge, "label").replace("\n", " ") for edge in found.get_edges()}
    assert "1: a == 'style x:#y; direction LR'" in written
    assert "5: a == '%s\\\\'" in written
    assert value(found.get_node("s0")[0], "label") == "end\nshell, if a == '`x` <br> \"q\"'"


def test_ways_that_are_taken_otherwise_or_never_are_drawn_so() -> None:
    found = parsed(dot(HOSTILE_GRAPH))
    styles = {value(edge, "label"): value(edge, "style") for edge in found.get_edges()}
    assert styles["otherwise"] == "dashed"
    assert styles["2: a\nnever"] == "dotted"


def test_a_run_colours_nodes_and_ways() -> None:
    steps = """
        - name: A
          run: [{action: set, values: {n: "{{ n + 1 }}"}}]
          rule: [{case: n < 3, run: [{step: A}]}, {case: n == 7, run: [{step: B}]}]
        - {name: B, run: [{action: noop}]}
        """
    found = parsed(dot(drawn_run(steps)))
    assert "3 visits" in value(found.get_node("s0")[0], "label")
    widths = {edge.get_destination(): value(edge, "penwidth") for edge in found.get_edges()}
    assert widths == {"s0": "2", "s1": "", "e0": "2", "e1": ""}
