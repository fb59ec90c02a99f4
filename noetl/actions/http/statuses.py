"""HTTP statuses: which ones an action expects, and which failures may be gone next time (language.md 7)."""

from __future__ import annotations

import re
from functools import lru_cache

from noetl.errors import ErrorKind

_RANGE = re.compile(r"\s*(\d{3})\s*(?:-\s*(\d{3})\s*)?")
_TRANSIENT = frozenset({408, 425, 429})

Entries = int | str | list[int | str]


class Statuses:
    """The statuses that mean success; `text` says which."""

    def __init__(self, ranges: tuple[range, ...]) -> None:
        self._ranges = ranges

    def __contains__(self, status: int) -> bool:
        return any(status in one for one in self._ranges)

    @property
    def text(self) -> str:
        return ", ".join(str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in self._ranges)


def read_statuses(entries: Entries) -> Statuses:
    """Raises ValueError where an entry is neither a status nor a range."""
    return _statuses(tuple(entries) if isinstance(entries, list) else (entries,))


@lru_cache(256)
def _statuses(entries: tuple[int | str, ...]) -> Statuses:
    ranges = tuple(_range(part) for entry in entries for part in str(entry).split(","))
    if not ranges:
        raise ValueError("'expect' is empty; it names the statuses that mean success")
    return Statuses(ranges)


def _range(entry: str) -> range:
    found = _RANGE.fullmatch(entry)
    first = int(found[1]) if found else 0
    last = int(found[2]) if found and found[2] else first
    if not 100 <= first <= last <= 599:
        raise ValueError(f"'expect' takes statuses from 100 to 599 and ranges such as '200-299', got '{entry}'")
    return range(first, last + 1)


def kind_of(status: int) -> ErrorKind:
    """The class of a status that was not expected."""
    is_transient = status in _TRANSIENT or 500 <= status <= 599
    return ErrorKind.TRANSIENT if is_transient else ErrorKind.PERMANENT
