"""How far down the rows stand, and the ways of the links between them."""

from __future__ import annotations

from collections.abc import Sequence

from noetl.drawing.layout.lanes import Lanes
from noetl.drawing.layout.ports import Ports
from noetl.drawing.layout.rows import LOOP_GAP, LOOP_REACH, Rows, loop_height
from noetl.drawing.layout.shapes import Bend, Layout, Point, Route, Strand

#: From a box to the label below it, and from there to the next box, where there has to be room for an arrow's head.
_LABEL_GAP, _BOX_GAP, _HEAD = 16.0, 28.0, 14.0

#: What a row of labels takes where there is none in it.
_NO_LABELS = 2.0

_TRACK = 9.0

#: A link that goes far to the side gets more height, up to a limit, or it would be all but flat.
_SLOPE, _MOST_SLOPE = 0.1, 46.0

#: Between the label of a link to its own box and the arrow.
_LOOP_LABEL_GAP = 6.0


class Router:
    def __init__(self, rows: Rows, x: Sequence[float]) -> None:
        self._rows = rows
        self._x = x
        self._lanes = Lanes(rows, x)
        self._ports = Ports(rows, x, self._lanes)
        self._tops: list[float] = []
        self._bottoms: list[float] = []
        self._stack_rows()

    def layout(self) -> Layout:
        """Everything in its place, with nothing to the left of 0 or above it."""
        lanes = [lane.x for lane in self._lanes.by_target.values()]
        items = self._rows.items
        left = min([0.0, *(at - 1 for at in lanes)])
        right = max([0.0, *(at + 1 for at in lanes), *(self._x[at] + item.right for at, item in enumerate(items))])
        below = len(self._rows.rows)
        height = self._bottoms[-1] + self._lanes.tracks.get(below, 0) * _TRACK
        places = [
            Point(self._x[index] - box.width / 2 - left, self._tops[self._rows.items[index].row])
            for index, box in enumerate(self._rows.boxes)
        ]
        routes = tuple(_moved(self._route(index), -left) for index in range(len(self._rows.links)))
        return Layout(right - left, height, tuple(places), routes)

    def _stack_rows(self) -> None:
        rows = self._rows.rows
        steepest = self._sidesteps()
        y = 0.0
        for number, row in enumerate(rows):
            height = max((self._rows.items[item].height for item in row), default=0.0)
            tracks = self._lanes.tracks.get(number, 0) * _TRACK
            if number > 0:
                base = (_LABEL_GAP if height else _NO_LABELS) if number % 2 else _BOX_GAP
                y += base + min(steepest[number] * _SLOPE, _MOST_SLOPE) + tracks
            elif tracks:
                y += _HEAD + tracks
            self._tops.append(y)
            y += height
            self._bottoms.append(y)

    def _sidesteps(self) -> list[float]:
        """By gap: how far to the side a link goes in it."""
        found = [0.0] * (len(self._rows.rows) + 1)
        for index, chain in enumerate(self._rows.chains):
            if chain:
                row = self._rows.items[chain[0]].row
                at = self._ports.exits[index]
                ways = [self._x[number] for number in chain]
                if index not in self._rows.aside:
                    ways.append(self._ports.entries[index])
                for gap, to in enumerate(ways, row):
                    found[gap] = max(found[gap], abs(to - at))
                    at = to
        return found

    def _route(self, index: int) -> Route:
        link = self._rows.links[index]
        if link.source == link.target:
            return self._loop(index)
        chain = self._rows.chains[index]
        x = self._ports.exits[index]
        source = self._rows.items[link.source]
        points = [Point(x, self._tops[source.row] + self._rows.boxes[link.source].height)]
        if self._bottoms[source.row] > points[0].y:
            points.append(Point(x, self._bottoms[source.row]))
        strands: list[Strand] = []
        label = None
        for number in chain:
            item, x = self._rows.items[number], self._x[number]
            top, bottom = self._tops[item.row], self._bottoms[item.row]
            if top == bottom and index not in self._rows.aside:
                # Nothing stands in this row that a link could run into.
                continue
            points.append(Point(x, top))
            if not item.bend:
                strands.append(Strand(Bend.FLOWING, tuple(points)))
                label = Point(x, top + item.height / 2)
                points = [Point(x, top + item.height)]
            if bottom > points[-1].y:
                points.append(Point(x, bottom))
        if index in self._rows.aside:
            strands += self._aside(index, points)
        else:
            points.append(Point(self._ports.entries[index], self._tops[self._rows.items[link.target].row]))
            strands.append(Strand(Bend.FLOWING, tuple(points)))
        return Route(tuple(strands), label)

    def _aside(self, index: int, points: list[Point]) -> list[Strand]:
        """From the label on: down into the gap below it, to the lane, along it, and back in."""
        target = self._rows.links[index].target
        lane = self._lanes.by_target[target]
        gap = self._lanes.exit_gap(index)
        out, back = self._track(gap, lane.tracks[gap]), self._track(lane.entry, lane.tracks[lane.entry])
        entry = self._ports.entries[index]
        *before, start = points
        way = (
            start,
            Point(start.x, out),
            Point(lane.x, out),
            Point(lane.x, back),
            Point(entry, back),
            Point(entry, self._tops[lane.entry]),
        )
        first = [Strand(Bend.FLOWING, tuple(points))] if before else []
        return [*first, Strand(Bend.ANGULAR, way)]

    def _track(self, gap: int, track: int) -> float:
        if gap == len(self._tops):
            return self._bottoms[-1] + (track + 1) * _TRACK
        return self._tops[gap] - _HEAD - track * _TRACK

    def _loop(self, index: int) -> Route:
        link = self._rows.links[index]
        box = self._rows.boxes[link.source]
        side = self._x[link.source] + box.width / 2
        y = self._tops[self._rows.items[link.source].row] + LOOP_GAP / 2
        for other in self._rows.loops[link.source]:
            height = loop_height(self._rows.links[other])
            if other == index:
                break
            y += height + LOOP_GAP
        middle = y + height / 2
        reach = LOOP_REACH - _LOOP_LABEL_GAP
        points = (Point(side, middle + 6), Point(side + reach, middle), Point(side, middle - 6))
        label = Point(side + LOOP_REACH + link.width / 2, middle) if link.labelled else None
        return Route((Strand(Bend.ROUND, points),), label)


def _moved(route: Route, by: float) -> Route:
    strands = tuple(
        Strand(strand.bend, tuple(Point(point.x + by, point.y) for point in strand.points)) for strand in route.strands
    )
    label = None if route.label is None else Point(route.label.x + by, route.label.y)
    return Route(strands, label)
