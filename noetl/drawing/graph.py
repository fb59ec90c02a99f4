"""A playbook as a drawing has it: nodes, edges and their texts, short enough to be drawn. Data, whatever draws it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class NodeKind(StrEnum):
    START = "start"
    STEP = "step"
    WORK = "work"  # what a case does before its branch ends
    FORK = "fork"
    END = "end"


class State(StrEnum):
    """What became of a node in a run."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RUNNING = "running"
    UNVISITED = "unvisited"


#: The titles of ends where more ends than the branch.
FAILS, STOPS = "fails", "stops the run"


class Route(NamedTuple):
    """Which way out of a step an edge stands for: a case, or None where none matched, and the branch of its fork.

    The ways from the start have no step.
    """

    step: str
    case: int | None
    branch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`lines` are its actions, `marks` how it is done; `about` is the whole story. `of` is the step, and the case.

    `state` and `happened` are empty in a drawing without a run.
    """

    id: str
    kind: NodeKind
    title: str = ""
    lines: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    about: str = ""
    reached: bool = True
    of: tuple[str, int | None] = ("", None)
    state: State | None = None
    happened: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`dead` says that its case can never fire, `otherwise` that no case matched.

    `taken` is None in a drawing without a run.
    """

    source: str
    target: str
    label: str = ""
    about: str = ""
    route: Route
    dead: bool = False
    otherwise: bool = False
    taken: bool | None = None
    happened: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """`subtitle` is the playbook's description, or what its run came to."""

    name: str
    subtitle: str = ""
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
