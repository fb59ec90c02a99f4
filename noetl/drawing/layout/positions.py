"""How far to the right the items stand: each as near to its neighbours above and below as those beside it allow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from noetl.drawing.layout.rows import Item, Rows

_ROUNDS = 16

#: Between two items, and where one of them is a link that passes.
_GAP, _GAP_AT_BEND = 28.0, 16.0

#: How much a link wants to be straight: between two bends, at one, without any.
_STRAIGHT, _STRAIGHT_AT_BEND, _LOOSE = 8.0, 2.0, 1.0

#: The higher, the more the longest way down from a box is drawn straight down.
_MAIN_LINE = 2

_LEAST_PULL = 0.001


def placed(rows: Rows) -> list[float]:
    """The middle of each item; what stands furthest to the left begins at 0."""
    items = rows.items
    x = [0.0] * len(items)
    distances = [_distances(items, row) for row in rows.rows]
    for row, apart in zip(rows.rows, distances, strict=True):
        _settle(x, row, apart, [0.0] * len(row), [1.0] * len(row))
    depths = _depths(rows)
    for turn in range(2 * _ROUNDS + 1):
        above, below = turn % 2 == 0, turn % 2 == 1 or turn == 2 * _ROUNDS
        order = range(len(rows.rows))
        for index in order if above else reversed(order):
            row = rows.rows[index]
            wanted, weights = _wishes(items, x, row, depths, above=above, below=below)
            _settle(x, row, distances[index], wanted, weights)
    places = {number: at for row in rows.rows for at, number in enumerate(row)}
    for link, chain in zip(rows.links, rows.chains, strict=True):
        source, target = items[link.source], items[link.target]
        leaf = not target.below and len(target.above) == 1
        whole = [*chain, link.target] if chain and leaf else chain
        only = len(source.below) == 1
        _straighten(rows, x, whole, places, x[link.source] if only else None)
    leftmost = min((x[number] - item.left for number, item in enumerate(items)), default=0.0)
    return [at - leftmost for at in x]


def _straighten(
    rows: Rows, x: list[float], chain: Sequence[int], places: Mapping[int, int], wanted: float | None
) -> None:
    """Put all items of a link below each other, as near to what is wanted as is free in all their rows."""
    least, most = -math.inf, math.inf
    for number in chain:
        row = rows.rows[rows.items[number].row]
        at = places[number]
        if at > 0:
            least = max(least, x[row[at - 1]] + _distance(rows.items, row[at - 1], number))
        if at + 1 < len(row):
            most = min(most, x[row[at + 1]] - _distance(rows.items, number, row[at + 1]))
    if len(chain) > 1 and least <= most:
        mean = sum(x[number] for number in chain) / len(chain)
        middle = min(max(mean if wanted is None else wanted, least), most)
        for number in chain:
            x[number] = middle


def spread(wanted: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones, by least squares, that are in order and at least so far `apart`.

    Without the distances this is isotonic regression, and is solved as such: neighbours that get in each other's way
    are pooled and stand around their common mean.
    """
    offset = 0.0
    offsets = [0.0]
    for distance in apart:
        offset += distance
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []
    for value, weight, shift in zip(wanted, weights, offsets, strict=False):
        mean, mass, size = value - shift, weight, 1
        while pools and pools[-1][0] >= mean:
            other, more, count = pools.pop()
            mean = (mean * mass + other * more) / (mass + more)
            mass += more
            size += count
        pools.append((mean, mass, size))
    means = [mean for mean, _, size in pools for _ in range(size)]
    return [mean + shift for mean, shift in zip(means, offsets, strict=False)]


def _settle(
    x: list[float], row: Sequence[int], apart: Sequence[float], wanted: Sequence[float], weights: Sequence[float]
) -> None:
    for number, at in zip(row, spread(wanted, weights, apart), strict=True):
        x[number] = at


def _distances(items: Sequence[Item], row: Sequence[int]) -> list[float]:
    return [_distance(items, left, right) for left, right in pairwise(row)]


def _distance(items: Sequence[Item], left: int, right: int) -> float:
    gap = _GAP_AT_BEND if items[left].bend or items[right].bend else _GAP
    return items[left].right + gap + items[right].left


def _depths(rows: Rows) -> list[int]:
    """How many rows each item leads down through, itself included."""
    found = [1] * len(rows.items)
    for row in reversed(rows.rows):
        for number in row:
            found[number] += max((found[below] for below in rows.items[number].below), default=0)
    return found


def _wishes(
    items: Sequence[Item], x: Sequence[float], row: Sequence[int], depths: Sequence[int], *, above: bool, below: bool
) -> tuple[list[float], list[float]]:
    """For each item of a row, the mean of its neighbours' places, and how much it matters."""
    wanted, weights = [], []
    for number in row:
        item = items[number]
        pulls = [_pull(items, depths, other, number) for other in item.above] if above else []
        pulls += [_pull(items, depths, number, other) for other in item.below] if below else []
        neighbours = (item.above if above else []) + (item.below if below else [])
        mass = sum(pulls)
        total = sum(pull * x[neighbour] for pull, neighbour in zip(pulls, neighbours, strict=True))
        wanted.append(total / mass if mass else x[number])
        weights.append(mass or _LEAST_PULL)
    return wanted, weights


def _pull(items: Sequence[Item], depths: Sequence[int], upper: int, lower: int) -> float:
    """How much a link wants to be straight. What soon ends gives way, or a long chain of steps would be a staircase."""
    weight = (_LOOSE, _STRAIGHT_AT_BEND, _STRAIGHT)[items[upper].bend + items[lower].bend]
    share = depths[lower] / (depths[upper] - 1)
    return max(weight * share**_MAIN_LINE, _LEAST_PULL)
