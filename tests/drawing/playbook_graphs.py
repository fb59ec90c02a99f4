"""Playbooks as short texts, the graphs that they give, and runs of them."""

from __future__ import annotations

import asyncio
from textwrap import dedent, indent

import noetl
from noetl.drawing.building import graph_of
from noetl.drawing.colouring import coloured
from noetl.drawing.graph import Edge, Graph, Node, NodeKind
from noetl.drawing.traffic import Traffic, traffic_of
from noetl.machine import Run
from noetl.model.event import Event

#: Every text in it wants to be taken for something else by Mermaid, Graphviz or XML.
HOSTILE = r"""
apiVersion: noetl.io/v1
kind: Playbook
name: end
description: 'a "quoted" <b>bold</b> & more; style: x:#a; %%{init: {}}%%'
context: {a: 1, b: {}}
start: [end, style]
steps:
  - name: end
    description: "]]> <script>alert(1)</script> \x07 \u202e"
    run: [{action: shell, cmd: [echo, hi], when: "{{ a == '`x` <br> \"q\"' }}"}]
    rule:
      - {case: "{{ a == 'style x:#y; direction LR' }}", run: [{step: style}]}
      - {case: "{{ b['%%{init}%%'] or a in ['|', ']', ')', '}', '[['] }}", run: [{step: click}]}
      - {case: "{{ a == \"#quot; classDef x:#z;\\\\n\\\\\" }}", run: [{step: default}, {step: subgraph}]}
      - {case: "{{ a == 'http://user:hunter22@host/' }}", run: [{step: end}]}
      - {case: "a == '%s\\\\'", run: []}
      - {case: "a == ']]>\x07 \u202e'", run: [{action: log, message: x}]}
  - name: style
    run: [{action: noop}]
    rule:
      - {case: default, run: [{step: click}]}
      - {case: "a", run: [{step: end}]}
  - {name: click, run: [{action: noop}]}
  - {name: default, run: [{action: noop}], rule: [{case: "a == '\u4e2d\u6587'", run: [{step: graph}]}]}
  - {name: subgraph, run: [{action: stop}]}
  - {name: graph, run: [{action: noop}, {action: noop}], parallel: true}
  - {name: o-x--direction, run: [{action: noop}]}
"""


def playbook(steps: str, rest: str = "") -> noetl.Playbook:
    """A playbook of these steps."""
    head = "apiVersion: noetl.io/v1\nkind: Playbook\nname: drawn\ncontext: {n: 0, ready: false}\n"
    return noetl.load(f"{head}{dedent(rest)}steps:\n{indent(dedent(steps).strip(), '  ')}\n")


def graph(steps: str, rest: str = "") -> Graph:
    return graph_of(playbook(steps, rest))


def drawn_run(steps: str, rest: str = "", *, ends: int | None = None) -> Graph:
    """The graph of a run of them, or of its first events."""
    traffic = traffic_of_run(playbook(steps, rest), ends=ends)
    return coloured(graph_of(traffic.run.playbook), traffic)


def traffic_of_run(ran: noetl.Playbook, *, ends: int | None = None) -> Traffic:
    events = events_of_run(ran)[:ends]
    return traffic_of(Run(ran, events[0].execution_id), events)


def events_of_run(ran: noetl.Playbook) -> list[Event]:
    events: list[Event] = []

    async def go() -> None:
        async with noetl.Engine() as engine:
            engine.subscribe(events.append)
            await engine.run(ran)

    asyncio.run(go())
    return events


def node(graph: Graph, title: str) -> Node:
    """The one with this title, or these lines."""
    (found,) = (node for node in graph.nodes if title in (node.title, *node.lines))
    return found


def ways(graph: Graph) -> list[str]:
    """The edges as `source -label-> target`, with the titles or kinds of nodes."""
    names = {node.id: _name(node) for node in graph.nodes}
    return [f"{names[edge.source]} -{edge.label}-> {names[edge.target]}" for edge in graph.edges]


def edge(graph: Graph, way: str) -> Edge:
    return graph.edges[ways(graph).index(way)]


def _name(node: Node) -> str:
    if node.kind is NodeKind.WORK:
        return "+".join(node.lines)
    return node.title if node.kind is NodeKind.STEP else f"({node.title or node.kind})"
