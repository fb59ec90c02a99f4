"""Values and foreign text as people read them on one line or on several. Knows no stream and no colours."""

from __future__ import annotations

import re
import time
from typing import Any

import msgspec

#: What would move a terminal's cursor, change its colours or turn the order of what it shows.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

#: More of one value nobody reads; programs have `--json`.
LONGEST = 2000


def harmless(text: str) -> str:
    """Text of unknown origin, in which control characters but tabs and line breaks show as escapes."""
    return text if text.isprintable() else _CONTROL.sub(_escaped, text.replace("\r\n", "\n"))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def one_line(text: str) -> str:
    """The first line with anything on it, harmless; three dots stand for more."""
    if text.isprintable():
        return text
    first, *more = [line.rstrip() for line in text.splitlines() if line.strip()] or [""]
    return harmless(f"{first} ..." if more else first)


def shortened(text: str) -> str:
    """At most LONGEST characters, and how many there are."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ... ({len(text)} characters)"


def shown(value: Any) -> str:
    """JSON data on one line: a text as it is where that cannot be mistaken for anything else, the rest as JSON."""
    if isinstance(value, str) and value and value.isprintable() and value.strip() == value:
        return shortened(value)
    return harmless(shortened(msgspec.json.encode(value).decode()))


def duration(seconds: float) -> str:
    """`1.2 ms`, `210 ms`, `1.23 s`, `2m05s`, `1h02m`."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m"


def elapsed(seconds: float) -> str:
    """As `duration`, for what still goes on: `0.2 s`, `12.3 s`, `2m05s`."""
    return f"{max(0.0, seconds):.1f} s" if seconds < 59.95 else duration(seconds)


def count(number: int, noun: str) -> str:
    """`1 step`, `3 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(number: int) -> str:
    """`512 bytes`, `64.0 KiB`, `1.5 GiB`."""
    amount, unit = float(number), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return count(number, "byte") if unit == "bytes" else f"{amount:.1f} {unit}"


def local_time(at: int) -> str:
    """Microseconds since the epoch as date and time where the reader is."""
    second, rest = divmod(at, 1_000_000)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(second))}.{rest // 1000:03}"
