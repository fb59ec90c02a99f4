"""Durations, rates and sizes: from the texts that people write, and back. Knows nothing of where they stand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import msgspec

from noetl.grammar import grammar_file

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

#: Seconds, from large to small: the order in which the parts of a duration stand.
DURATION_UNITS: Mapping[str, Decimal] = {
    "d": Decimal(86_400),
    "h": Decimal(3_600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
SIZE_UNITS: Mapping[str, Decimal] = {
    "B": Decimal(1),
    **{prefix + "B": Decimal(1000) ** power for prefix, power in (("k", 1), ("K", 1), ("M", 2), ("G", 3), ("T", 4))},
    **{prefix + "iB": Decimal(1024) ** power for prefix, power in (("K", 1), ("M", 2), ("G", 3), ("T", 4))},
}

_DURATION = "a duration such as '10s' or '1h30m'"
_RATE = "a rate such as '10/s'"
_SIZE = "a size such as '64KiB'"

#: A longer text is no quantity, and would only cost time to read.
_LONGEST_TEXT = 100
#: A longer duration is a mistake, and no clock could add it to a date.
_LONGEST_S = 36_525 * 86_400


class Rate(msgspec.Struct, frozen=True):
    """`count` starts in every `per_s` seconds."""

    count: float
    per_s: float

    @property
    def per_second(self) -> float:
        return self.count / self.per_s


def parse_duration(value: str | int | float) -> float:
    """Seconds: `500ms`, `10s`, `1h30m`, `2d`, or a number of seconds. Raises ValueError."""
    seconds = _duration(value) if isinstance(value, str) else float(_number(value, _DURATION))
    if seconds > _LONGEST_S:
        raise ValueError(f"expected {_DURATION}, got '{value}', which is longer than a hundred years")
    return seconds


def parse_rate(value: str) -> Rate:
    """`10/s`, `100/m`, `5/10s`. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"expected {_RATE}, got {_named(value)}")
    return _rate(value)


def parse_size(value: str | int | float) -> int:
    """Bytes: `64KiB` (powers of 1024), `10MB` (powers of 1000), or a number of bytes. Raises ValueError."""
    return _size(value) if isinstance(value, str) else _whole_bytes(Decimal(_number(value, _SIZE)), str(value))


def format_duration(seconds: float) -> str:
    """For people, in at most two units: `250ms`, `1.2s`, `3m04s`, `1h02m`, `2d03h`."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 0.9995:
        return f"{round(seconds * 1000)}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    if seconds < 3_599.5:
        return _in_two(round(seconds), 60, "m", "s")
    if seconds < 86_370:
        return _in_two(round(seconds / 60), 60, "h", "m")
    return _in_two(round(seconds / 3_600), 24, "d", "h")


def _in_two(count: int, base: int, large: str, small: str) -> str:
    return f"{count // base}{large}{count % base:02d}{small}"


def _named(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean '{str(value).lower()}'"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"'{value}'"


def _number(value: object, wanted: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"expected {wanted}, got {_named(value)}")
    if value < 0:
        raise ValueError(f"expected {wanted}, got the negative number '{value}'")
    if not math.isfinite(value):
        raise ValueError(f"expected {wanted}, got '{value}'")
    return value


@cache
def _parser() -> Lark:
    # Lark takes tens of milliseconds to import, and a playbook without such texts never needs it.
    from lark import Lark

    text = grammar_file("units.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start=["duration", "rate", "size"])


def _parse(start: str, text: str, wanted: str) -> Tree[Token]:
    if not text.strip():
        raise ValueError(f"expected {wanted}, got an empty text")
    if text.lstrip().startswith("-"):
        raise ValueError(f"expected {wanted}, got the negative '{text}'")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"expected {wanted}, got a text of {len(text)} characters")
    from lark import UnexpectedInput

    try:
        return _parser().parse(text, start)
    except UnexpectedInput:
        raise ValueError(f"expected {wanted}, got '{text}'") from None


def _quantities(tree: Tree[Token]) -> list[tuple[Decimal, str | None]]:
    """The numbers and their units, as written; a unit alone stands for one of it."""
    found = []
    for part in tree.iter_subtrees():
        words = {child.type: str(child) for child in part.children if not hasattr(child, "children")}
        if words:
            found.append((Decimal(words.get("NUMBER", "1")), words.get("UNIT")))
    return found


def _worth(unit: str, units: Mapping[str, Decimal], text: str) -> Decimal:
    if unit not in units:
        known = ", ".join(f"'{known}'" for known in units)
        raise ValueError(f"unknown unit '{unit}' in '{text}', known are {known}")
    return units[unit]


@lru_cache(1024)
def _duration(text: str) -> float:
    return _seconds(_quantities(_parse("duration", text, _DURATION)), text)


def _seconds(parts: list[tuple[Decimal, str | None]], text: str) -> float:
    if len(parts) == 1 and parts[0][1] is None:
        return float(parts[0][0])
    if any(unit is None for _, unit in parts):
        raise ValueError(f"a number in '{text}' has no unit")
    seconds = sum((number * _worth(str(unit), DURATION_UNITS, text) for number, unit in parts), Decimal(0))
    order = list(DURATION_UNITS)
    places = [order.index(str(unit)) for _, unit in parts]
    if places != sorted(set(places)):
        raise ValueError(f"the units of '{text}' must go from large to small, each at most once")
    return float(seconds)


@lru_cache(256)
def _rate(text: str) -> Rate:
    (count, _), *period = _quantities(_parse("rate", text, _RATE))
    per_s = _seconds(period, text)
    if count == 0 or per_s == 0:
        raise ValueError(f"expected {_RATE}, got '{text}', which never starts anything")
    return Rate(float(count), per_s)


@lru_cache(256)
def _size(text: str) -> int:
    ((number, unit),) = _quantities(_parse("size", text, _SIZE))
    return _whole_bytes(number * _worth(unit or "B", SIZE_UNITS, text), text)


def _whole_bytes(count: Decimal, text: str) -> int:
    if count != int(count):
        raise ValueError(f"'{text}' is not a whole number of bytes")
    return int(count)
