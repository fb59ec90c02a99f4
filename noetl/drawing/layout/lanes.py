"""Links that go aside: out of the rows, along a lane beside them, and back in above the box that they lead to.

All such links to one box share its lane: what many steps do in the same way (reporting a failure, say) is one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from noetl.drawing.layout.rows import Rows

_LANE_GAP = 18.0


@dataclass(slots=True)
class Lane:
    """`entry` is the gap above the target's row; a gap has the number of the row below it."""

    target: int
    links: list[int]
    entry: int
    right: bool
    x: float = 0.0
    #: By gap: how far down in it, as a number of tracks, the lane's line runs.
    tracks: dict[int, int] = field(default_factory=dict)


class Lanes:
    """The lanes of a drawing; `tracks` says how many lines run side by side in each gap."""

    def __init__(self, rows: Rows, x: Sequence[float]) -> None:
        self._rows = rows
        self._x = x
        self.by_target = self._bundled()
        self._place()
        self.tracks: dict[int, int] = {}
        self._lay_tracks()

    def exit_gap(self, link: int) -> int:
        """The gap below the label of a link."""
        return self._rows.items[self._rows.chains[link][-1]].row + 1

    def _bundled(self) -> dict[int, Lane]:
        middle = max((x + item.right for x, item in zip(self._x, self._rows.items, strict=True)), default=0.0) / 2
        lanes: dict[int, Lane] = {}
        for index in sorted(self._rows.aside):
            target = self._rows.links[index].target
            lane = lanes.get(target)
            if lane is None:
                entry = self._rows.items[target].row
                lane = lanes[target] = Lane(target, [], entry, right=True)
            lane.links.append(index)
        for lane in lanes.values():
            ends = [self._x[lane.target], *(self._x[self._rows.chains[index][-1]] for index in lane.links)]
            lane.right = sum(ends) / len(ends) >= middle - 1
        return lanes

    def _place(self) -> None:
        """The lanes that pass the fewest rows stand nearest to them."""
        items, x = self._rows.items, self._x
        left = [min((x[number] - items[number].left for number in row), default=0.0) for row in self._rows.rows]
        right = [max((x[number] + items[number].right for number in row), default=0.0) for row in self._rows.rows]
        spans = [(self._span(lane), lane) for lane in self.by_target.values()]
        for (first, end), lane in sorted(spans, key=lambda span: (span[0][1] - span[0][0], span[1].target)):
            if lane.right:
                lane.x = max(right[first:end], default=0.0) + _LANE_GAP
                right[first:end] = [lane.x] * (end - first)
            else:
                lane.x = min(left[first:end], default=0.0) - _LANE_GAP
                left[first:end] = [lane.x] * (end - first)

    def _span(self, lane: Lane) -> tuple[int, int]:
        """The rows that the lane passes: the first, and the first that it does not."""
        gaps = [lane.entry, *map(self.exit_gap, lane.links)]
        return min(gaps), max(gaps)

    def _lay_tracks(self) -> None:
        """In each gap the short runs come first, each in the first track that is free where it runs."""
        runs: dict[int, list[tuple[float, float, Lane]]] = {}
        for lane in self.by_target.values():
            ends: dict[int, list[float]] = {lane.entry: [lane.x, self._x[lane.target]]}
            for index in lane.links:
                ends.setdefault(self.exit_gap(index), [lane.x]).append(self._x[self._rows.chains[index][-1]])
            for gap, at in ends.items():
                runs.setdefault(gap, []).append((min(at), max(at), lane))
        for gap, found in runs.items():
            taken: list[list[tuple[float, float]]] = []
            for start, end, lane in sorted(found, key=lambda run: (run[1] - run[0], run[2].target)):
                free = (
                    track
                    for track, others in enumerate(taken)
                    if all(end < left or right < start for left, right in others)
                )
                track = next(free, len(taken))
                if track == len(taken):
                    taken.append([])
                taken[track].append((start, end))
                lane.tracks[gap] = track
            self.tracks[gap] = len(taken)
