"""What is laid out, and what comes of it: rectangles, links, places and paths. Knows neither playbooks nor SVG."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow between two boxes, by their indexes, with room for a label of this size."""

    source: int
    target: int
    width: float = 0
    height: float = 0

    @property
    def labelled(self) -> bool:
        return self.width > 0


class Bend(StrEnum):
    """How a strand goes from point to point."""

    FLOWING = "flowing"  # down from each to the next, in a curve
    ANGULAR = "angular"  # straight, around rounded corners
    ROUND = "round"  # out from a box's side and back to it


@dataclass(frozen=True, slots=True)
class Strand:
    bend: Bend
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """The way of a link, in strands that its label interrupts. The last point of the last strand is the arrow's tip."""

    strands: tuple[Strand, ...]
    label: Point | None

    @property
    def tip(self) -> Point:
        return self.strands[-1].points[-1]


@dataclass(frozen=True, slots=True)
class Layout:
    """`places` are the upper left corners of the boxes, labels the centres of what `Route.label` says."""

    width: float
    height: float
    places: tuple[Point, ...]
    routes: tuple[Route, ...]
