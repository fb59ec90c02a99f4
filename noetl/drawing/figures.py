"""The shapes of nodes in a picture: their sizes, and what they are drawn with."""

from __future__ import annotations

from collections.abc import Iterator

from noetl.drawing.captions import Caption, Tone, number, size_of, texts
from noetl.drawing.graph import FAILS, Node, NodeKind
from noetl.drawing.layout import Box, Point

_PADDING_X, _PADDING_Y = 14.0, 8.0
_NARROWEST = 84.0

#: The circles of starts and ends, and the gap to the words below an end.
_RADIUS, _INNER, _WORDS_GAP = 8.0, 3.5, 2.0

_ROUNDED = {NodeKind.STEP: 8.0, NodeKind.WORK: 0.0, NodeKind.FORK: 10.0}


def size_of_node(node: Node) -> Box:
    """The room that it takes."""
    width, height = size_of(_captions(node))
    if node.kind is NodeKind.START:
        return Box(2 * _RADIUS, 2 * _RADIUS)
    if node.kind is NodeKind.END:
        return Box(max(2 * _RADIUS, width), 2 * _RADIUS + (height + _WORDS_GAP if node.title else 0))
    if node.kind is NodeKind.FORK:
        return Box(width + 2 * _PADDING_X, height + 5)
    return Box(max(width + 2 * _PADDING_X, _NARROWEST), height + 2 * _PADDING_Y)


def figure(node: Node, place: Point) -> Iterator[str]:
    """The node's elements, from its upper left corner."""
    box = size_of_node(node)
    middle = place.x + box.width / 2
    if node.kind in (NodeKind.START, NodeKind.END):
        yield from _circle(node, Point(middle, place.y + _RADIUS))
        yield from texts(_captions(node), Point(middle, place.y + 2 * _RADIUS + _WORDS_GAP))
        return
    size = f'width="{number(box.width)}" height="{number(box.height)}" rx="{number(_ROUNDED[node.kind])}"'
    yield f'<rect class="shape" x="{number(place.x)}" y="{number(place.y)}" {size}/>'
    top = place.y + (box.height - size_of(_captions(node))[1]) / 2
    yield from texts(_captions(node), Point(middle, top))


def _circle(node: Node, centre: Point) -> Iterator[str]:
    at = f'cx="{number(centre.x)}" cy="{number(centre.y)}"'
    yield f'<circle class="shape" {at} r="{number(_RADIUS)}"/>'
    if node.title == FAILS:
        x, y, arm = centre.x, centre.y, _INNER
        strokes = f"M{number(x - arm)},{number(y - arm)} L{number(x + arm)},{number(y + arm)}"
        strokes += f" M{number(x - arm)},{number(y + arm)} L{number(x + arm)},{number(y - arm)}"
        yield f'<path class="cross" d="{strokes}"/>'
    elif node.kind is NodeKind.END:
        yield f'<circle class="dot" {at} r="{number(_INNER)}"/>'


def _captions(node: Node) -> list[Caption]:
    if node.kind in (NodeKind.FORK, NodeKind.END):
        return [Caption(node.title, Tone.MARK)] if node.title else []
    return [
        *([Caption(node.title, Tone.TITLE)] if node.title else []),
        *(Caption(line, Tone.ACTION) for line in node.lines),
        *(Caption(mark, Tone.MARK) for mark in node.marks),
        *([Caption(node.happened, Tone.TOLD)] if node.happened else []),
    ]
