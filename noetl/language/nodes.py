"""Located nodes: what YAML text says, each part with its place. Knows YAML's shapes, nothing of playbooks."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from typing import ClassVar

import msgspec

from noetl.span import Source, Span

#: What a scalar may hold.
Value = str | int | float | bool | None


#: How many characters stand before, and after, the text of a scalar of this style.
_QUOTES = {"": 0, "'": 1, '"': 1}


class Document:
    """A source whose offsets are turned into lines and columns."""

    __slots__ = ("_starts", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self._starts = [0, *(match.end() for match in re.finditer("\n", source.text)), sys.maxsize]

    def span(self, start: int, end: int) -> Span:
        """The text from `start` to `end`, or what of it stands on the first line."""
        line = bisect_right(self._starts, start)
        after = self._starts[line]
        length = (end if end < after else after - 1) - start
        return Span(self.source, line, start - self._starts[line - 1] + 1, length if length > 0 else 1)


class Node(msgspec.Struct, gc=False, eq=False):
    """A part of a document, from offset `start` to `end`. Light: a large playbook has a million of them."""

    #: What it is called in sentences.
    noun: ClassVar[str]

    document: Document
    start: int
    end: int

    @property
    def span(self) -> Span:
        return self.document.span(self.start, self.end)

    def described(self) -> str:
        """What stands here, for a sentence that says what was got."""
        return self.noun


class Scalar(Node, gc=False, eq=False):
    """A single value.

    `text` is what it reads as, `value` what it means, `style` the character that began it (empty when plain); `literal`
    says that `!literal` stood before it.
    """

    noun: ClassVar[str] = "a scalar"

    text: str
    value: Value
    style: str = ""
    literal: bool = False

    def at(self, offset: int, length: int) -> Span:
        """The place of a part of `text`; the scalar's start where folding hides it."""
        quotes = _QUOTES.get(self.style)
        if quotes is not None and self.end - self.start == len(self.text) + 2 * quotes:
            # Nothing is escaped or folded.
            start = self.start + quotes + offset
            return self.document.span(start, start + length)
        from noetl.language.positions import value_positions

        raw = self.document.source.text[self.start : self.end]
        positions = value_positions(raw, self.text, self.style)
        if positions is None or offset >= len(positions):
            return self.document.span(self.start, self.start + 1)
        last = positions[min(offset + max(length, 1), len(positions)) - 1]
        return self.document.span(self.start + positions[offset], self.start + last + 1)

    def described(self) -> str:
        if self.value is None:
            return "nothing" if not self.text else "null"
        if isinstance(self.value, bool):
            return f"the boolean {str(self.value).lower()}"
        if isinstance(self.value, int | float):
            return f"the number {self.text}"
        shown = self.text if len(self.text) <= 40 else f"{self.text[:37]}..."
        return f"the text '{shown}'" if shown.isprintable() and shown else "a text"


class Sequence(Node, gc=False, eq=False):
    """A list of nodes."""

    noun: ClassVar[str] = "a list"

    items: list[Node]


class Mapping(Node, gc=False, eq=False):
    """Nodes by the text of their keys, in the order of the text, with the keys' own nodes."""

    noun: ClassVar[str] = "a mapping"

    entries: dict[str, tuple[Scalar, Node]]

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        entry = self.entries.get(key)
        return None if entry is None else entry[1]
