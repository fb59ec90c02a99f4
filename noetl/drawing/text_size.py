"""How wide text is, near enough for boxes around it: nobody knows the fonts of who will look at a drawing."""

from __future__ import annotations

from unicodedata import east_asian_width

#: In parts of the size of the font. Helvetica's widths, rounded up; other sans-serif fonts come close.
_NARROW = {**dict.fromkeys("ijl.,:;'|!", 0.29), **dict.fromkeys('ftrI()[]{}/\\-"` ', 0.38)}
_WIDE = {**dict.fromkeys("mMW@%", 0.93), **dict.fromkeys("wABCDEFGHKNOPQRSUVXYZ&", 0.74)}
_USUAL, _MONOSPACED = 0.58, 0.605


def width_of(text: str, size: float, *, monospaced: bool = False) -> float:
    """The width in pixels."""
    return size * sum(_part(character, monospaced) for character in text)


def _part(character: str, monospaced: bool) -> float:
    if not character.isascii() and east_asian_width(character) in "WF":
        return 1.0 if not monospaced else 2 * _MONOSPACED
    if monospaced:
        return _MONOSPACED
    return _NARROW.get(character) or _WIDE.get(character) or _USUAL
