"""Lines of text in a picture: their fonts, sizes and elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from html import escape
from typing import NamedTuple

from noetl.drawing.layout import Point
from noetl.drawing.text_size import width_of


class Tone(StrEnum):
    """What a line is, and so how it looks."""

    NAME = "name"
    ABOUT = "about"
    TITLE = "title"
    ACTION = "action"
    MARK = "mark"
    TOLD = "told"
    CONDITION = "condition"
    PASSED = "passed"


class Font(NamedTuple):
    size: float
    height: float
    css: str
    monospaced: bool = False
    stretch: float = 1.0


FONTS: dict[Tone, Font] = {
    Tone.NAME: Font(17, 24, "font-weight:600", stretch=1.07),
    Tone.ABOUT: Font(12, 17, ""),
    Tone.TITLE: Font(14, 19, "font-weight:600", stretch=1.07),
    Tone.ACTION: Font(12, 16, ""),
    Tone.MARK: Font(11, 15, "font-style:italic"),
    Tone.TOLD: Font(11, 15, "font-weight:600", stretch=1.07),
    Tone.CONDITION: Font(11, 15, "", monospaced=True),
    Tone.PASSED: Font(10.5, 14, ""),
}


class Caption(NamedTuple):
    text: str
    tone: Tone


def size_of(captions: Sequence[Caption]) -> tuple[float, float]:
    """The width and height of lines one below the other."""
    width = max((_width(caption) for caption in captions), default=0.0)
    return width, sum(FONTS[caption.tone].height for caption in captions)


def texts(captions: Sequence[Caption], top: Point, *, anchor: str = "middle") -> Iterator[str]:
    """The lines from a point downwards; the anchor is where in a line its x is."""
    y = top.y
    for caption in captions:
        font = FONTS[caption.tone]
        y += font.height
        baseline = y - 0.3 * font.height
        place = f'x="{number(top.x)}" y="{number(baseline)}" text-anchor="{anchor}"'
        yield f'<text class="{caption.tone}" {place}>{escape(caption.text)}</text>'


def element(name: str, text: str) -> str:
    """An element that holds nothing but text."""
    return f"<{name}>{escape(text)}</{name}>"


def number(value: float) -> str:
    """To a tenth, as short as it gets."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _width(caption: Caption) -> float:
    font = FONTS[caption.tone]
    return width_of(caption.text, font.size, monospaced=font.monospaced) * font.stretch
