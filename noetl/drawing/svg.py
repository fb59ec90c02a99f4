"""A graph as a picture: an SVG that stands for itself, on light and dark pages, with the whole story in tooltips."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from textwrap import wrap

from noetl.drawing.captions import Caption, Tone, element, number, size_of, texts
from noetl.drawing.figures import figure, size_of_node
from noetl.drawing.graph import Edge, Graph
from noetl.drawing.layout import Bend, Layout, Link, Point, Route, Strand, lay_out
from noetl.drawing.palette import look
from noetl.drawing.style_sheet import style_sheet
from noetl.drawing.wording import folded

_MARGIN = 20.0

#: A narrower picture has no room for the playbook's name and description.
_NARROWEST = 300.0

#: Characters of a description that fit in a pixel, and the most lines of it.
_DENSITY, _MOST_LINES = 0.165, 3

#: Less than this to the side is straight to the eye, and a curve would only tremble.
_STRAIGHT = 3.0

_CORNER = 8.0
_HEAD = 9.0


def svg(graph: Graph) -> str:
    """The whole document."""
    labels = [_captions(edge) for edge in graph.edges]
    index = {node.id: place for place, node in enumerate(graph.nodes)}
    links = [
        Link(index[edge.source], index[edge.target], *size_of(label))
        for edge, label in zip(graph.edges, labels, strict=True)
    ]
    layout = lay_out([size_of_node(node) for node in graph.nodes], links)
    width = max(layout.width, _NARROWEST)
    heading = _heading(graph, width)
    across, down = _MARGIN + (width - layout.width) / 2, _MARGIN + size_of(heading)[1] + 10
    return "".join(
        f"{line}\n"
        for line in (
            *_opening(graph, width + 2 * _MARGIN, down + layout.height + _MARGIN),
            *texts(heading, Point(_MARGIN, _MARGIN), anchor="start"),
            f'<g transform="translate({number(across)} {number(down)})">',
            *(
                line
                for edge, label, route in zip(graph.edges, labels, layout.routes, strict=True)
                for line in _edge(edge, label, route)
            ),
            *_nodes(graph, layout),
            "</g>",
            "</svg>",
        )
    )


def _opening(graph: Graph, width: float, height: float) -> Iterator[str]:
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" class="noetl" role="img" {size}>'
    yield element("title", f"{graph.name}: {graph.subtitle}" if graph.subtitle else graph.name)
    yield style_sheet(dict.fromkeys(look(node) for node in graph.nodes))
    yield '<rect class="page" width="100%" height="100%" rx="6"/>'


def _heading(graph: Graph, width: float) -> list[Caption]:
    lines = wrap(graph.subtitle, int(width * _DENSITY), max_lines=_MOST_LINES, placeholder=" …")
    return [Caption(graph.name, Tone.NAME), *(Caption(line, Tone.ABOUT) for line in lines)]


def _captions(edge: Edge) -> list[Caption]:
    captions = [Caption(line, Tone.CONDITION) for line in folded(edge.label)]
    if edge.dead:
        captions.append(Caption("never", Tone.ACTION))
    if edge.happened:
        captions.append(Caption(edge.happened, Tone.PASSED))
    return captions


def _nodes(graph: Graph, layout: Layout) -> Iterator[str]:
    for node, place in zip(graph.nodes, layout.places, strict=True):
        classes = f"node {node.kind} {look(node)}" + ("" if node.reached else " unreached")
        yield f'<g class="{classes}">'
        yield element("title", node.about)
        yield from figure(node, place)
        yield "</g>"


def _edge(edge: Edge, label: list[Caption], route: Route) -> Iterator[str]:
    states = {"dead": edge.dead, "otherwise": edge.otherwise, "taken": edge.taken, "untaken": edge.taken is False}
    yield f'<g class="{" ".join(["edge", *(name for name, holds in states.items() if holds)])}">'
    about = ", ".join(part for part in (edge.about, edge.happened) if part)
    if about:
        yield element("title", about)
    path = " ".join(map(_path, route.strands))
    yield f'<path class="line" d="{path}"/>'
    yield f'<path class="head" d="{_arrowhead(route)}"/>'
    if route.label is not None:
        height = size_of(label)[1]
        yield from texts(label, Point(route.label.x, route.label.y - height / 2))
    yield "</g>"


def _path(strand: Strand) -> str:
    if strand.bend is Bend.FLOWING:
        return _flowing(strand.points)
    return _angular(strand.points) if strand.bend is Bend.ANGULAR else _round(strand.points)


def _flowing(points: tuple[Point, ...]) -> str:
    path = f"M{_at(points[0])}"
    for before, point in pairwise(points):
        if abs(before.x - point.x) < _STRAIGHT:
            path += f" L{_at(point)}"
        else:
            middle = (before.y + point.y) / 2
            path += f" C{_at(Point(before.x, middle))} {_at(Point(point.x, middle))} {_at(point)}"
    return path


def _angular(points: tuple[Point, ...]) -> str:
    path = f"M{_at(points[0])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_CORNER, _distance(before, corner) / 2, _distance(corner, after) / 2)
        path += f" L{_at(_toward(corner, before, radius))} Q{_at(corner)} {_at(_toward(corner, after, radius))}"
    return f"{path} L{_at(points[-1])}"


def _round(points: tuple[Point, ...]) -> str:
    start, far, tip = points
    return f"M{_at(start)} C{_at(Point(far.x, start.y + 6))} {_at(Point(far.x, tip.y - 6))} {_at(tip)}"


def _distance(one: Point, other: Point) -> float:
    return abs(one.x - other.x) + abs(one.y - other.y)


def _toward(corner: Point, end: Point, by: float) -> Point:
    """So far from a corner, on the way to an end that is straight above, below or beside it."""
    whole = _distance(corner, end) or 1.0
    return Point(corner.x + (end.x - corner.x) * by / whole, corner.y + (end.y - corner.y) * by / whole)


def _arrowhead(route: Route) -> str:
    x, y = route.tip
    if route.strands[-1].bend is Bend.ROUND:
        return f"M{_at(route.tip)} L{_at(Point(x + _HEAD, y - 4))} L{_at(Point(x + _HEAD - 1, y + 4))} Z"
    return f"M{_at(route.tip)} L{_at(Point(x - 4, y - _HEAD))} L{_at(Point(x + 4, y - _HEAD))} Z"


def _at(point: Point) -> str:
    return f"{number(point.x)},{number(point.y)}"
