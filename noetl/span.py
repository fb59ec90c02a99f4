"""Positions: where in which text something the user wrote stands. Knows nothing of YAML or playbooks."""

from __future__ import annotations

import msgspec


class Source(msgspec.Struct, frozen=True, eq=False):
    """A text that positions point into; `name` is what the user called it (a path, or `<text>`)."""

    name: str
    text: str

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    def line(self, number: int) -> str:
        """The line with this 1-based number, without its line break; empty beyond the end."""
        lines = self.text.split("\n", number)
        return lines[number - 1].rstrip("\r") if len(lines) >= number else ""


class Span(msgspec.Struct, frozen=True, gc=False):
    """`length` characters at a 1-based line and column of a source."""

    source: Source
    line: int
    column: int
    length: int = 1

    @property
    def end_column(self) -> int:
        """The column behind its last character in its line; one character is marked even at the end of the line."""
        rest = len(self.source.line(self.line)) - self.column + 1
        return self.column + max(1, min(self.length, rest))

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"
