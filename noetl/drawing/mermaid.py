"""A graph as the text of a Mermaid flowchart, which GitHub, GitLab and many editors draw."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from noetl.drawing.graph import Edge, Graph, Node, NodeKind
from noetl.drawing.palette import LIGHT, look

#: What Mermaid could take for its own inside quotes: the quote, its entities, HTML, markdown, pipes, directives, `\\n`.
_SPECIAL = re.compile(r'["#<>&`|%\\]')

#: Mermaid looks for these anywhere in a line, quoted or not.
_WORDS = re.compile(r"(style|classDef|direction)", re.IGNORECASE)

_BRACKETS = {
    NodeKind.START: ("([", "])"),
    NodeKind.STEP: ("(", ")"),
    NodeKind.WORK: ("[[", "]]"),
    NodeKind.FORK: ("{{", "}}"),
    NodeKind.END: ("([", "])"),
}
_UNREACHED = "unreached"


def mermaid(graph: Graph) -> str:
    """The whole text, with a title."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    title = f"{graph.name} ({graph.subtitle})" if any(node.state for node in graph.nodes) else graph.name
    yield from ("---", f"title: {json.dumps(title)}", "---", "flowchart TD")
    for node in graph.nodes:
        opening, closing = _BRACKETS[node.kind]
        yield f'  {node.id}{opening}"{_label(_texts(node))}"{closing}:::{_class(node)}'
    for edge in graph.edges:
        yield f"  {edge.source} {_arrow(edge)} {edge.target}"
    for name, key in {_class(node): look(node) for node in graph.nodes}.items():
        colours = LIGHT.nodes[key]
        yield f"  classDef {name} fill:{colours.fill},stroke:{colours.stroke},color:{colours.text}"
    unreached = [node.id for node in graph.nodes if not node.reached]
    if unreached:
        yield f"  classDef {_UNREACHED} stroke-dasharray:4 4"
        yield f"  class {','.join(unreached)} {_UNREACHED}"
    taken = [str(number) for number, edge in enumerate(graph.edges) if edge.taken]
    if taken:
        yield f"  linkStyle {','.join(taken)} stroke:{LIGHT.taken},stroke-width:2px"


def _class(node: Node) -> str:
    """A name that is none of Mermaid's words, as `end` is."""
    return f"{look(node)}Node"


def _texts(node: Node) -> Iterable[str]:
    if node.kind is NodeKind.START:
        return ("start",)
    if node.kind is NodeKind.END:
        return (node.title or "end",)
    return (node.title, *node.lines, *node.marks, node.happened)


def _arrow(edge: Edge) -> str:
    arrow = "-.->" if edge.dead or edge.otherwise else "-->"
    label = _label((edge.label, edge.happened, "never" if edge.dead and edge.label else ""))
    return f'{arrow}|"{label}"|' if label else arrow


def _label(texts: Iterable[str]) -> str:
    return "<br/>".join(_escaped(text) for text in texts if text)


def _escaped(text: str) -> str:
    """The text in entities where Mermaid would not take it as it is."""
    text = _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)
    return _WORDS.sub(lambda found: f"#{ord(found[0][0])};{found[0][1:]}", text)
