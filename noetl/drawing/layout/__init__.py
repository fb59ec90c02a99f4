"""Lays out boxes and links from top to bottom, in rows, as drawings of state machines are read.

Layers in the manner of Sugiyama: cycles are broken and boxes ranked (`ranks`), every label gets a row below its source
(`rows`), rows are ordered by their neighbours (`ordering`) and placed by least squares (`positions`); what closes a
cycle or goes far runs in a lane beside the rows (`lanes`). No library does it: those of PyPI need Graphviz, or know
neither labels nor cycles. The same input always gives the same layout.
"""

from __future__ import annotations

from collections.abc import Sequence

from noetl.drawing.layout.ordering import order_rows
from noetl.drawing.layout.positions import placed
from noetl.drawing.layout.ranks import ranked
from noetl.drawing.layout.routes import Router
from noetl.drawing.layout.rows import Rows
from noetl.drawing.layout.shapes import Bend, Box, Layout, Link, Point, Route, Strand

__all__ = ["Bend", "Box", "Layout", "Link", "Point", "Route", "Strand", "lay_out"]


def lay_out(boxes: Sequence[Box], links: Sequence[Link]) -> Layout:
    """A place for each box and a way for each link; box 0 is where it all starts."""
    ranks, backward = ranked(len(boxes), links)
    rows = Rows(boxes, links, ranks, backward)
    order_rows(rows)
    return Router(rows, placed(rows)).layout()
