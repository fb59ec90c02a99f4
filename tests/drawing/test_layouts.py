"""Layouts of any graph: nothing overlaps, every link gets from its box to the other, and it is the same every time."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noetl.drawing.layout import Bend, Box, Layout, Link, Point, lay_out
from noetl.drawing.layout.ordering import crossings, order_rows
from noetl.drawing.layout.ranks import ranked
from noetl.drawing.layout.rows import Rows

#: What rounding may do.
HAIR = 0.01

Rectangle = tuple[float, float, float, float]


@st.composite
def drawings(draw: st.DrawFn) -> tuple[list[Box], list[Link]]:
    size = st.integers(8, 160)
    boxes = [Box(draw(size), draw(st.integers(10, 80))) for _ in range(draw(st.integers(1, 16)))]
    end = st.integers(0, len(boxes) - 1)
    labels = st.one_of(st.just((0, 0)), st.tuples(size, st.integers(10, 40)))
    links = [Link(draw(end), draw(end), *draw(labels)) for _ in range(draw(st.integers(0, 28)))]
    return boxes, links


def rectangles(boxes: list[Box], links: list[Link], layout: Layout) -> list[Rectangle]:
    """The boxes and the labels."""
    found = [
        (place.x, place.y, place.x + box.width, place.y + box.height)
        for box, place in zip(boxes, layout.places, strict=True)
    ]
    for link, route in zip(links, layout.routes, strict=True):
        assert (route.label is not None) == link.labelled
        if route.label is not None:
            x, y = route.label
            found.append((x - link.width / 2, y - link.height / 2, x + link.width / 2, y + link.height / 2))
    return found


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return all(one[side] < other[side + 2] - HAIR and other[side] < one[side + 2] - HAIR for side in (0, 1))


@settings(max_examples=60, deadline=None)
@given(drawings())
def test_no_boxes_or_labels_overlap_and_all_are_inside(drawing: tuple[list[Box], list[Link]]) -> None:
    layout = lay_out(*drawing)
    found = rectangles(*drawing, layout)
    assert not [pair for pair in combinations(found, 2) if overlap(*pair)]
    for left, top, right, bottom in found:
        assert left >= -HAIR
        assert top >= -HAIR
        assert right <= layout.width + HAIR
        assert bottom <= layout.height + HAIR


def on_edge(point: Point, box: Box, place: Point, *, side: str) -> bool:
    if side == "right":
        return abs(point.x - place.x - box.width) < HAIR
    y = place.y if side == "top" else place.y + box.height
    return abs(point.y - y) < HAIR and place.x - HAIR <= point.x <= place.x + box.width + HAIR


@settings(max_examples=60, deadline=None)
@given(drawings())
def test_every_link_leaves_its_box_below_and_enters_the_other_from_above(drawing: tuple[list[Box], list[Link]]) -> None:
    boxes, links = drawing
    layout = lay_out(boxes, links)
    for link, route in zip(links, layout.routes, strict=True):
        start, tip = route.strands[0].points[0], route.tip
        own = link.source == link.target
        sides = ("right", "right") if own else ("bottom", "top")
        assert on_edge(start, boxes[link.source], layout.places[link.source], side=sides[0])
        assert on_edge(tip, boxes[link.target], layout.places[link.target], side=sides[1])


@settings(max_examples=40, deadline=None)
@given(drawings())
def test_lanes_are_angular_and_run_through_no_box(drawing: tuple[list[Box], list[Link]]) -> None:
    boxes, links = drawing
    layout = lay_out(boxes, links)
    obstacles = rectangles(boxes, links, layout)
    for route in layout.routes:
        for strand in route.strands:
            if strand.bend is not Bend.ANGULAR:
                continue
            for one, other in pairwise(strand.points):
                assert abs(one.x - other.x) < HAIR or abs(one.y - other.y) < HAIR
                low, high = sorted((one, other))
                line = (low.x, min(one.y, other.y), high.x, max(one.y, other.y))
                thick = (line[0] - 0.1, line[1] + 0.2, line[2] + 0.1, line[3] - 0.2)
                assert not [obstacle for obstacle in obstacles if overlap(thick, obstacle)]


@settings(max_examples=15, deadline=None)
@given(drawings())
def test_the_same_graph_is_laid_out_in_the_same_way(drawing: tuple[list[Box], list[Link]]) -> None:
    assert lay_out(*drawing) == lay_out(*drawing)


def chain(*links: tuple[int, int]) -> Layout:
    boxes = [Box(80, 30)] * (1 + max(end for link in links for end in link))
    return lay_out(boxes, [Link(source, target) for source, target in links])


def test_a_chain_is_straight() -> None:
    layout = chain((0, 1), (1, 2), (2, 3))
    assert len({place.x for place in layout.places}) == 1
    assert [place.y for place in layout.places] == sorted(place.y for place in layout.places)


def test_branches_stand_side_by_side_in_their_order_with_their_fork_in_the_middle() -> None:
    layout = chain((0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4))
    places = layout.places
    assert places[1].y == places[2].y == places[3].y
    assert places[1].x < places[2].x < places[3].x
    assert places[0].x == pytest.approx(places[2].x)
    assert places[4].x == pytest.approx(places[2].x)


def test_a_way_back_goes_around() -> None:
    layout = chain((0, 1), (1, 2), (2, 1))
    back = layout.routes[2].strands[-1]
    assert back.bend is Bend.ANGULAR
    assert max(point.x for point in back.points) > layout.places[1].x + 80


@pytest.mark.parametrize(
    "links",
    [
        pytest.param([(0, 1), (0, 2), (1, 3), (2, 3)], id="a diamond"),
        pytest.param([(0, 1), (0, 2), (0, 3), (1, 3), (1, 4)], id="a way past another"),
        pytest.param([(0, 1), (1, 4), (1, 2), (1, 4), (2, 4), (2, 3)], id="two ways to a handler, one past a step"),
        pytest.param([(0, 1), (0, 2), (1, 5), (1, 3), (2, 4), (2, 5)], id="a common end between two others"),
    ],
)
def test_ways_that_need_not_cross_do_not(links: list[tuple[int, int]]) -> None:
    boxes = [Box(80, 30)] * (1 + max(end for link in links for end in link))
    made = [Link(source, target, 50, 15) for source, target in links]
    rows = Rows(boxes, made, *ranked(len(boxes), made))
    order_rows(rows)
    assert crossings(rows.items, rows.rows) == 0


def test_a_long_chain_with_a_common_handler_goes_straight_down() -> None:
    count = 500
    links = [Link(number, number + 1, 60, 15) for number in range(count - 1)]
    links += [Link(number, count - 1, 90, 15) for number in range(0, count - 1, 3)]
    layout = lay_out([Box(80, 30)] * count, links)
    # However many ways lead to the handler, they share a lane.
    assert layout.width < 500
