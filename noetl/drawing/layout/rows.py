"""Rows of items: boxes in the even ones, labels in the odd ones below them, and bends where a link passes through."""

from __future__ import annotations

from collections.abc import Sequence

from noetl.drawing.layout.shapes import Box, Link

#: A link over more ranks than this goes aside, in a lane: it would push apart whatever it passes.
FARTHEST = 4

_BEND_WIDTH = 8.0

#: How far a link from a box to itself goes out to the right, and the gap to the next one below it.
LOOP_REACH, LOOP_GAP = 30.0, 6.0
_LOOP_HEIGHT = 24.0


class Item:
    """Something that stands in a row, `left` and `right` of its own middle; `bend` says that a link only passes."""

    __slots__ = ("above", "below", "bend", "height", "left", "right", "row")

    def __init__(self, row: int, left: float, right: float, height: float, *, bend: bool = False) -> None:
        self.row = row
        self.left = left
        self.right = right
        self.height = height
        self.bend = bend
        self.above: list[int] = []
        self.below: list[int] = []


class Rows:
    """Which items stand in which row, from left to right.

    `chains` are the items of each link between its two boxes; a link that goes `aside` has its label only, one from a
    box to itself none.
    """

    def __init__(self, boxes: Sequence[Box], links: Sequence[Link], ranks: Sequence[int], backward: frozenset[int]):
        self.boxes = boxes
        self.links = links
        self.ranks = ranks
        self.loops: dict[int, list[int]] = {}
        for index, link in enumerate(links):
            if link.source == link.target:
                self.loops.setdefault(link.source, []).append(index)
        self.aside = frozenset(
            index
            for index, link in enumerate(links)
            if index in backward or ranks[link.target] - ranks[link.source] > FARTHEST
        )
        self.items: list[Item] = [self._box_item(index) for index in range(len(boxes))]
        self.rows: list[list[int]] = [[] for _ in range(2 * max(ranks, default=0) + 2)]
        self.chains: list[list[int]] = [[] for _ in links]
        self._fill()

    def _box_item(self, index: int) -> Item:
        box = self.boxes[index]
        links = [self.links[loop] for loop in self.loops.get(index, ())]
        room = LOOP_REACH + max(link.width for link in links) if links else 0.0
        height = sum(loop_height(link) + LOOP_GAP for link in links)
        return Item(2 * self.ranks[index], box.width / 2, box.width / 2 + room, max(box.height, height))

    def _fill(self) -> None:
        """In the order of a search in depth, which keeps what belongs together together, and cases in their order."""
        ways: list[list[int]] = [[] for _ in self.boxes]
        for index, link in enumerate(self.links):
            ways[link.source].append(index)
        seen = bytearray(len(self.boxes))
        for root in range(len(self.boxes)):
            todo = [root]
            while todo:
                box = todo.pop()
                if seen[box]:
                    continue
                seen[box] = 1
                self.rows[self.items[box].row].append(box)
                for index in ways[box]:
                    self._chain(index)
                todo.extend(self.links[index].target for index in reversed(ways[box]))

    def _chain(self, index: int) -> None:
        link = self.links[index]
        if link.source == link.target:
            return
        first = 2 * self.ranks[link.source] + 1
        end = first + 1 if index in self.aside else 2 * self.ranks[link.target]
        before = link.source
        for row in range(first, end):
            label = row == first and link.labelled
            half = (link.width if label else _BEND_WIDTH) / 2
            item = Item(row, half, half, link.height if label else 0.0, bend=not label)
            self.items.append(item)
            number = len(self.items) - 1
            self.rows[row].append(number)
            self.chains[index].append(number)
            self._join(before, number)
            before = number
        if index not in self.aside:
            self._join(before, link.target)

    def _join(self, upper: int, lower: int) -> None:
        self.items[upper].below.append(lower)
        self.items[lower].above.append(upper)


def loop_height(link: Link) -> float:
    """What a link from a box to itself takes of the box's height."""
    return max(_LOOP_HEIGHT, link.height)
