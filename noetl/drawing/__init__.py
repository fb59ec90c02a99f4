"""Playbooks and their runs as drawings: Mermaid, Graphviz and SVG.

A floor of its own, beside the actions and the stores: a drawing is made of a `Playbook` and, for what happened, of the
events that the machine folds, and every face (the terminal, a service) wants it. It opens nothing and
knows no terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noetl.drawing.graph import Graph

__all__ = ["FORMATS", "draw"]

#: What a graph can be drawn as, and the endings of the names of such files.
FORMATS = {"mermaid": (".mmd", ".mermaid"), "dot": (".dot", ".gv"), "svg": (".svg",)}


def draw(graph: Graph, format: str) -> str:
    """The text of the drawing in one of FORMATS."""
    drawer: Callable[[Graph], str]
    if format == "mermaid":
        from noetl.drawing.mermaid import mermaid as drawer
    elif format == "dot":
        from noetl.drawing.dot import dot as drawer
    else:
        from noetl.drawing.svg import svg as drawer
    return drawer(graph)
