"""The colours of drawings, on light ground and on dark. Colour never says anything alone: words say it too."""

from __future__ import annotations

from typing import NamedTuple

from noetl.drawing.graph import Node, NodeKind, State


class Colours(NamedTuple):
    fill: str
    stroke: str
    text: str


class Palette(NamedTuple):
    page: str
    title: str
    text: str
    faint: str
    line: str
    taken: str
    nodes: dict[str, Colours]


LIGHT = Palette(
    page="#ffffff",
    title="#1f2328",
    text="#57606a",
    faint="#8c959f",
    line="#6e7781",
    taken="#1a7f37",
    nodes={
        NodeKind.STEP: Colours("#eef4ff", "#4f74c8", "#1b2c52"),
        NodeKind.WORK: Colours("#f6f8fa", "#8c959f", "#3d444d"),
        NodeKind.FORK: Colours("#fff8e6", "#bf8700", "#6b4c00"),
        NodeKind.START: Colours("#57606a", "#57606a", "#ffffff"),
        NodeKind.END: Colours("#ffffff", "#57606a", "#57606a"),
        State.COMPLETED: Colours("#e6f6ea", "#1a7f37", "#0d4420"),
        State.FAILED: Colours("#ffebe9", "#cf222e", "#7d1218"),
        State.CANCELLED: Colours("#fff4d6", "#9a6700", "#5c3d00"),
        State.RUNNING: Colours("#ddf0ff", "#0969da", "#0a3069"),
        State.UNVISITED: Colours("#ffffff", "#c4cbd3", "#8c959f"),
    },
)

DARK = Palette(
    page="#0d1117",
    title="#f0f6fc",
    text="#9198a1",
    faint="#6e7681",
    line="#848d97",
    taken="#3fb950",
    nodes={
        NodeKind.STEP: Colours("#16233d", "#6c8fdc", "#d5e2ff"),
        NodeKind.WORK: Colours("#161b22", "#6e7681", "#c9d1d9"),
        NodeKind.FORK: Colours("#2b2208", "#d29922", "#f2d792"),
        NodeKind.START: Colours("#9198a1", "#9198a1", "#0d1117"),
        NodeKind.END: Colours("#0d1117", "#9198a1", "#9198a1"),
        State.COMPLETED: Colours("#0f2a17", "#3fb950", "#c6f0d0"),
        State.FAILED: Colours("#3a1214", "#f85149", "#ffd0cc"),
        State.CANCELLED: Colours("#322506", "#d29922", "#f5dfa8"),
        State.RUNNING: Colours("#0c2238", "#58a6ff", "#cfe6ff"),
        State.UNVISITED: Colours("#0d1117", "#3d444d", "#6e7681"),
    },
)


def look(node: Node) -> str:
    """The key of the node's colours: what became of it, or what it is."""
    return node.kind if node.state is None else node.state
