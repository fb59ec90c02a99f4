"""Anchors and aliases: what is repeated, and how much of it before it is a bomb."""

from __future__ import annotations

from typing import Any

from noetl.language.nodes import Mapping, Node, Sequence
from noetl.language.syntax import Fault

#: How deep lists and mappings may stand within each other, aliases followed.
MAX_DEPTH = 64
#: How many nodes all aliases together may repeat.
MAX_REPEATED = 100_000


class Anchors:
    """The anchored nodes of one document."""

    def __init__(self) -> None:
        #: Each node with its size and height; None while it is still being read.
        self._nodes: dict[str, tuple[Node, int, int] | None] = {}
        self._repeated = 0

    def begin(self, name: str) -> None:
        """A collection with this anchor starts."""
        self._nodes[name] = None

    def keep(self, name: str, node: Node) -> None:
        self._nodes[name] = (node, *_measured(node))

    def repeated(self, event: Any, depth: int) -> Node:
        """The node that an alias at this depth repeats. Raises Fault."""
        name, start, end = event.anchor, event.start_mark.index, event.end_mark.index
        if name not in self._nodes:
            hint = "quote the value if it is a text that starts with '*'"
            raise Fault(f"the alias '*{name}' has no anchor '&{name}' before it", start, end, hint)
        anchored = self._nodes[name]
        if anchored is None:
            raise Fault(f"the alias '*{name}' stands within what it repeats", start, end)
        node, size, height = anchored
        self._repeated += size
        if self._repeated > MAX_REPEATED:
            raise Fault(f"aliases repeat more than {MAX_REPEATED} nodes", start, end, code="too-large")
        if depth + height > MAX_DEPTH:
            message = f"lists and mappings are nested deeper than {MAX_DEPTH}, aliases followed"
            raise Fault(message, start, end, code="too-large")
        return node


def _measured(root: Node) -> tuple[int, int]:
    """How many nodes stand in it, aliases followed, and how deep; no further than what may be repeated."""
    size = height = 0
    todo = [(root, 0)]
    while todo and size <= MAX_REPEATED:
        node, depth = todo.pop()
        size += 1
        inner = [value for _, value in node.entries.values()] if isinstance(node, Mapping) else []
        inner = node.items if isinstance(node, Sequence) else inner
        if isinstance(node, Mapping | Sequence):
            depth += 1
        height = max(height, depth)
        todo.extend((item, depth) for item in inner)
    return size, height
