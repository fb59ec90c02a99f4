"""The order of the items in each row, such that few links cross."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

from noetl.drawing.layout.rows import Item, Rows

_SWEEPS = 16

#: Only where there are no more items than this is every link tried on its own.
_FEW = 800

#: So many sweeps without fewer crossings are enough.
_PATIENCE = 8


def order_rows(rows: Rows) -> None:
    """Sort each row by where its neighbours stand, downwards and upwards in turn; the best order found is kept."""
    items = rows.items
    best = [list(row) for row in rows.rows]
    fewest = crossings(items, best)
    tried = 0
    for sweep in range(_SWEEPS):
        if fewest == 0 or tried == _PATIENCE:
            break
        # Ties are broken one way and then the other: their order has no reason.
        _sweep(items, rows.rows, downwards=sweep % 2 == 0, turned=sweep // 2 % 2 == 1)
        found = crossings(items, rows.rows)
        tried += 1
        if found < fewest:
            best, fewest, tried = [list(row) for row in rows.rows], found, 0
    rows.rows = best
    if len(items) <= _FEW:
        _shift_chains(rows, fewest)


def _shift_chains(rows: Rows, fewest: int) -> None:
    """Move a link past its neighbours, in its first rows or in its last, where that saves crossings.

    To sort rows one by one does not find what two of them have to do together.
    """
    for chain in rows.chains:
        parts = [chain[:end] for end in range(1, len(chain) + 1)] + [chain[start:] for start in range(1, len(chain))]
        for part, step in product(parts, (-1, 1)):
            if fewest == 0:
                return
            tried = _shifted(rows, part, step)
            found = crossings(rows.items, tried)
            if found < fewest:
                rows.rows, fewest = tried, found


def _shifted(rows: Rows, part: Sequence[int], step: int) -> list[list[int]]:
    shifted = list(rows.rows)
    for number in part:
        place = rows.items[number].row
        row = shifted[place] = list(shifted[place])
        at = row.index(number)
        if 0 <= at + step < len(row):
            row[at], row[at + step] = row[at + step], row[at]
    return shifted


def _sweep(items: Sequence[Item], rows: list[list[int]], *, downwards: bool, turned: bool) -> None:
    place: dict[int, float] = {}
    for row in rows if downwards else reversed(rows):
        own = {number: (at + 0.5) / len(row) for at, number in enumerate(row)}
        wanted = {}
        for number in row:
            neighbours = items[number].above if downwards else items[number].below
            known = [place[neighbour] for neighbour in neighbours]
            wanted[number] = sum(known) / len(known) if known else own[number]
        if turned:
            row.reverse()
        row.sort(key=wanted.__getitem__)
        place = {number: (at + 0.5) / len(row) for at, number in enumerate(row)}


def crossings(items: Sequence[Item], rows: Sequence[Sequence[int]]) -> int:
    """How many pairs of links cross between neighbouring rows."""
    found = 0
    for upper, lower in pairwise(rows):
        place = {number: at for at, number in enumerate(lower)}
        ends = [end for number in upper for end in sorted(place[below] for below in items[number].below)]
        found += _inversions(ends, len(lower))
    return found


def _inversions(ends: Sequence[int], size: int) -> int:
    """How many pairs stand in the wrong order, counted with a Fenwick tree."""
    tree = [0] * (size + 1)
    found = 0
    for seen, end in enumerate(ends):
        before = 0
        at = end + 1
        while at:
            before += tree[at]
            at &= at - 1
        found += seen - before
        at = end + 1
        while at <= size:
            tree[at] += 1
            at += at & -at
    return found
