"""Where links leave a box, on its lower edge, and enter it, on its upper one."""

from __future__ import annotations

from collections.abc import Sequence

from noetl.drawing.layout.lanes import Lanes
from noetl.drawing.layout.positions import spread
from noetl.drawing.layout.rows import Rows

#: From a corner of a box to the first link, and between two links.
_INSET, _APART = 12.0, 20.0


class Ports:
    """`exits` and `entries` by link; links of one lane enter by one port."""

    def __init__(self, rows: Rows, x: Sequence[float], lanes: Lanes) -> None:
        self.exits: dict[int, float] = {}
        self.entries: dict[int, float] = {}
        leaving: list[list[tuple[float, int]]] = [[] for _ in rows.boxes]
        entering: list[list[tuple[float, int]]] = [[] for _ in rows.boxes]
        for index, chain in enumerate(rows.chains):
            if chain:
                leaving[rows.links[index].source].append((x[chain[0]], index))
                if index not in rows.aside:
                    entering[rows.links[index].target].append((x[chain[-1]], index))
        for lane in lanes.by_target.values():
            entering[lane.target].append((lane.x, lane.links[0]))
        for box in range(len(rows.boxes)):
            half = rows.boxes[box].width / 2
            self.exits |= _shared(leaving[box], x[box], half)
            self.entries |= _shared(entering[box], x[box], half)
        for lane in lanes.by_target.values():
            self.entries |= dict.fromkeys(lane.links, self.entries[lane.links[0]])


def _shared(wishes: list[tuple[float, int]], middle: float, half: float) -> dict[int, float]:
    """The places of links on one edge: each right below or above where it comes from, if the edge is there."""
    if len(wishes) < 2:
        return {index: middle for _, index in wishes}
    wishes = sorted(wishes)
    room = max(half - _INSET, half / 2)
    apart = min(_APART, 2 * room / (len(wishes) - 1))
    found = spread([at for at, _ in wishes], [1.0] * len(wishes), [apart] * (len(wishes) - 1))
    first, last = middle - room, middle + room - apart * (len(wishes) - 1)
    return {
        index: min(max(at, first + number * apart), last + number * apart)
        for number, (at, (_, index)) in enumerate(zip(found, wishes, strict=True))
    }
