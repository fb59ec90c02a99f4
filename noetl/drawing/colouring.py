"""A graph with what happened in a run: which nodes were visited and how that ended, which ways were taken and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from noetl.drawing.graph import FAILS, Edge, Graph, Node, NodeKind, Route, State
from noetl.drawing.traffic import Passage, Stay, Traffic
from noetl.drawing.wording import TIMES, sentence
from noetl.machine import Status
from noetl.units import format_duration

_STATES: dict[str, State] = {
    Status.COMPLETED: State.COMPLETED,
    Status.FAILED: State.FAILED,
    Status.CANCELLED: State.CANCELLED,
}

#: A token that waited less was on its way.
_WAITING_S = 0.01


def coloured(graph: Graph, traffic: Traffic) -> Graph:
    """The graph of a run."""
    kinds = {node.id: (node.kind, node.title) for node in graph.nodes}
    edges = tuple(_edge(edge, traffic, *kinds[edge.target]) for edge in graph.edges)
    entered = {edge.target for edge in edges if edge.taken}
    nodes = tuple(_node(node, traffic, entered) for node in graph.nodes)
    return replace(graph, subtitle=_subtitle(traffic), nodes=nodes, edges=edges)


def _subtitle(traffic: Traffic) -> str:
    run = traffic.run
    ended_at = run.at if run.ended_at is None else run.ended_at
    return f"run {run.id}: {run.status} after {format_duration((ended_at - run.started_at) / 1e6)}"


def _node(node: Node, traffic: Traffic, entered: set[str]) -> Node:
    if node.kind is NodeKind.START:
        return node
    if node.kind in (NodeKind.FORK, NodeKind.END):
        state = State.FAILED if node.title == FAILS else State.COMPLETED
        return replace(node, state=state if node.id in entered else State.UNVISITED)
    stay = traffic.stays.get(node.of)
    if stay is None:
        return replace(node, state=State.UNVISITED)
    if node.kind is NodeKind.WORK:
        return replace(node, state=_state_of_work(stay, ended=Route(*node.of) in traffic.passages))
    happened = _told(stay)
    state = State.RUNNING if stay.running else _STATES[stay.latest]
    return replace(node, state=state, happened=happened, about=sentence((node.about, happened)))


def _state_of_work(stay: Stay, *, ended: bool) -> State:
    """A case's work that did its part has completed, also where its step has failed before."""
    if stay.running:
        return State.RUNNING
    return State.COMPLETED if ended else _STATES[stay.latest]


def _told(stay: Stay) -> str:
    took = format_duration(stay.busy_s)
    if stay.visits == 1:
        return f"{stay.latest}, {took}"
    counts = (f"{stay.failed} failed" if stay.failed else "", f"{stay.running} running" if stay.running else "")
    return sentence((f"{stay.visits} visits", *counts, took))


def _edge(edge: Edge, traffic: Traffic, kind: NodeKind, title: str) -> Edge:
    found = [traffic.passages.get(edge.route)]
    if kind is NodeKind.WORK or title == FAILS:
        # It began, whatever came of it.
        found.append(traffic.unfinished.get(edge.route))
    passages = [passage for passage in found if passage is not None]
    if not passages:
        return replace(edge, taken=False)
    return replace(edge, taken=True, happened=_when(passages))


def _when(passages: Sequence[Passage]) -> str:
    count = sum(passage.count for passage in passages)
    first = format_duration(min(passage.first_s for passage in passages))
    last = format_duration(max(passage.last_s for passage in passages))
    waited_s = sum(passage.waited_s for passage in passages)
    when = f"at {first}" if first == last else f"{first} to {last}"
    return sentence((f"{count}{TIMES} {when}", f"waited {format_duration(waited_s)}" if waited_s >= _WAITING_S else ""))
