"""A graph in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from noetl.drawing.graph import Edge, Graph, Node, NodeKind
from noetl.drawing.palette import LIGHT, look
from noetl.drawing.wording import folded

_SHAPES: dict[NodeKind, Mapping[str, str]] = {
    NodeKind.START: {"shape": "circle", "width": "0.2", "fixedsize": "true"},
    NodeKind.STEP: {"shape": "box", "style": "rounded,filled"},
    NodeKind.WORK: {"shape": "box", "style": "filled"},
    NodeKind.FORK: {"shape": "hexagon", "style": "filled", "fontsize": "10"},
    NodeKind.END: {"shape": "doublecircle", "width": "0.15", "fixedsize": "true"},
}


def dot(graph: Graph) -> str:
    """The whole text."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    about = {"label": _text((graph.name, graph.subtitle)), "labelloc": "t", "fontname": "Helvetica", "rankdir": "TB"}
    yield f"digraph {_quoted(graph.name)} {{"
    yield f"  graph{_attributes(about)};"
    yield f"  node{_attributes({'fontname': 'Helvetica', 'fontsize': '11', 'style': 'filled'})};"
    yield f"  edge{_attributes({'fontname': 'Courier', 'fontsize': '9', 'color': LIGHT.line})};"
    for node in graph.nodes:
        yield f"  {node.id}{_attributes(_node(node))};"
    for edge in graph.edges:
        yield f"  {edge.source} -> {edge.target}{_attributes(_edge(edge))};"
    yield "}"


def _node(node: Node) -> dict[str, str]:
    colours = LIGHT.nodes[look(node)]
    shape = dict(_SHAPES[node.kind])
    if not node.reached:
        shape["style"] = f"{shape['style']},dashed"
    if node.kind is NodeKind.END and node.title:
        shape = {"shape": "box", "style": "rounded,filled", "fontsize": "9", "height": "0.2"}
    return {
        "label": _text((node.title, *node.lines, *node.marks, node.happened)),
        **shape,
        "fillcolor": colours.fill,
        "color": colours.stroke,
        "fontcolor": colours.text,
        "tooltip": _text((node.about,)),
    }


def _edge(edge: Edge) -> dict[str, str]:
    found = {
        "label": _text((*folded(edge.label), "never" if edge.dead else "", edge.happened)),
        "tooltip": _text((edge.about, edge.happened)),
    }
    if edge.dead or edge.otherwise:
        found["style"] = "dotted" if edge.dead else "dashed"
    if edge.taken:
        found |= {"color": LIGHT.taken, "penwidth": "2"}
    return {name: value for name, value in found.items() if value}


def _text(texts: Iterable[str]) -> str:
    """Lines as one value, in which a backslash is one."""
    return "\\n".join(text.replace("\\", "\\\\") for text in texts if text)


def _attributes(values: Mapping[str, str]) -> str:
    return " [" + ", ".join(f"{name}={_quoted(value)}" for name, value in values.items()) + "]" if values else ""


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
