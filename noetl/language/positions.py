"""From the characters of a scalar's value back to those that wrote them: quotes, escapes, folding, blocks."""

from __future__ import annotations

import re

_BLANKS = re.compile(r"[ \t\r\n]+")
_CONTINUED = re.compile(r"\\[ \t]*\r?\n[ \t]*")
_HEX_WIDTH = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


def value_positions(raw: str, value: str, style: str) -> list[int] | None:
    """For each character of `value`, the index in `raw` at which what wrote it begins.

    `raw` is the scalar as it stands in the file. None where the two cannot be brought together (`>` scalars).
    """
    if style == "|":
        return _block(raw, value)
    if style == ">":
        return None
    start, end = (1, len(raw) - 1) if style else (0, len(raw))
    written = _Walk(raw, start, end, style)
    return written.positions if "".join(written.characters) == value else None


class _Walk:
    """Reads a plain or quoted scalar character by character, folding its lines."""

    def __init__(self, raw: str, start: int, end: int, style: str) -> None:
        self.characters: list[str] = []
        self.positions: list[int] = []
        index = start
        while index < end:
            if raw[index] in " \t\r\n":
                index = self._blanks(raw, index, end)
            elif style == '"' and raw[index] == "\\":
                index = self._escape(raw, index)
            else:
                self._add(raw[index], index)
                index += 2 if style == "'" and raw[index] == "'" else 1

    def _add(self, character: str, index: int) -> None:
        self.characters.append(character)
        self.positions.append(index)

    def _blanks(self, raw: str, index: int, end: int) -> int:
        found = _BLANKS.match(raw, index, end)
        assert found is not None
        breaks = found[0].count("\n")
        if not breaks:
            for offset, character in enumerate(found[0]):
                self._add(character, index + offset)
        for _ in range(max(breaks - 1, 1) if breaks else 0):
            self._add(" " if breaks == 1 else "\n", index)
        return found.end()

    def _escape(self, raw: str, index: int) -> int:
        continued = _CONTINUED.match(raw, index)
        if continued:
            return continued.end()
        letter = raw[index + 1]
        if letter not in _HEX_WIDTH:
            self._add(_ESCAPES.get(letter, letter), index)
            return index + 2
        after = index + 2 + _HEX_WIDTH[letter]
        code = int(raw[index + 2 : after], 16)
        if 0xD800 <= code < 0xDC00 and raw[after : after + 2] == "\\u":
            low = int(raw[after + 2 : after + 6], 16)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            after += 6
        self._add(chr(code), index)
        return after


def _block(raw: str, value: str) -> list[int] | None:
    """A `|` scalar: each line of the value stands in the text behind the block's indentation."""
    positions: list[int] = []
    start = raw.index("\n") + 1 if "\n" in raw else len(raw)
    for line in value.split("\n"):
        end = raw.find("\n", start)
        written = raw[start : len(raw) if end < 0 else end].rstrip("\r")
        if line and not written.endswith(line):
            return None
        first = start + len(written) - len(line)
        positions.extend(range(first, first + len(line) + 1))
        start = len(raw) if end < 0 else end + 1
    return positions[: len(value)]
