"""In which row each box stands: arrows point downwards, but for those that close a cycle."""

from __future__ import annotations

from collections.abc import Sequence

from noetl.drawing.layout.shapes import Link


def ranked(count: int, links: Sequence[Link]) -> tuple[list[int], frozenset[int]]:
    """The rank of each box, from 0, and the indexes of the links that point backwards. Box 0 is the start."""
    ways: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for index, link in enumerate(links):
        if link.source != link.target:
            ways[link.source].append((index, link.target))
    order, backward = _searched(ways)
    ranks = [0] * count
    entered = {0}
    for box in order:
        for index, target in ways[box]:
            if index not in backward:
                ranks[target] = max(ranks[target], ranks[box] + 1)
                entered.add(target)
    for box in reversed(order):
        # What nothing leads to stands right above what it leads to.
        below = [ranks[target] for index, target in ways[box] if index not in backward]
        if box not in entered and below:
            ranks[box] = min(below) - 1
    return ranks, backward


def _searched(ways: Sequence[Sequence[tuple[int, int]]]) -> tuple[list[int], frozenset[int]]:
    """The boxes in topological order, by a search in depth, and the links to boxes that the search was inside of."""
    unseen, inside, done = 0, 1, 2
    state = bytearray(len(ways))
    backward: set[int] = set()
    left: list[int] = []
    for root in range(len(ways)):
        if state[root] != unseen:
            continue
        state[root] = inside
        path = [(root, iter(ways[root]))]
        while path:
            box, rest = path[-1]
            for index, target in rest:
                if state[target] == inside:
                    backward.add(index)
                elif state[target] == unseen:
                    state[target] = inside
                    path.append((target, iter(ways[target])))
                    break
            else:
                state[box] = done
                left.append(box)
                path.pop()
    left.reverse()
    return left, frozenset(backward)
