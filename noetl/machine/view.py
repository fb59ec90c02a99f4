"""Variables as layered maps: a fork puts a layer on top for each branch, a join folds layers together again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MISSING: Any = object()


class View:
    """What one branch sees: its own changes over what the fork had.

    A layer that has another on top of it is never written to, so branches share it. `places` says where in the playbook
    each own value was set; it is kept where a merge may have to tell it.
    """

    __slots__ = ("own", "parent", "places")

    def __init__(self, parent: View | None = None, own: dict[str, Any] | None = None) -> None:
        self.own: dict[str, Any] = {} if own is None else own
        self.parent = parent
        self.places: dict[str, str] = {}

    def get(self, name: str, default: Any = None) -> Any:
        layer: View | None = self
        while layer is not None:
            own = layer.own
            if name in own:
                return own[name]
            layer = layer.parent
        return default

    def layers(self, below: View | None = None) -> list[View]:
        """The layers above `below` (None: all), the oldest first."""
        found: list[View] = []
        layer: View | None = self
        while layer is not None and layer is not below:
            found.append(layer)
            layer = layer.parent
        found.reverse()
        return found

    def changes(self, below: View | None) -> dict[str, Any]:
        """What was set above `below`."""
        layers = self.layers(below)
        if len(layers) == 1:
            return layers[0].own
        found: dict[str, Any] = {}
        for layer in layers:
            found.update(layer.own)
        return found

    def place(self, name: str) -> str:
        """Where the value of this name was set; empty if nobody kept it."""
        layer: View | None = self
        while layer is not None:
            if name in layer.own:
                return layer.places.get(name, "")
            layer = layer.parent
        return ""

    def flat(self) -> dict[str, Any]:
        """All variables, as one mapping."""
        return dict(self.changes(None))

    def names(self) -> Iterator[str]:
        yield from self.flat()


def common_layer(views: list[View]) -> View | None:
    """The newest layer that all views stand on; None when they share none."""
    first, *others = views
    shared = first.layers()
    for view in others:
        known = set(map(id, view.layers()))
        shared = [layer for layer in shared if id(layer) in known]
    return shared[-1] if shared else None
