"""A row of the table: what was measured, beside its floor, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Times in seconds, medians of several runs.

    `net` is the ratio without the start-up of both processes, and what the limit is for where there is one: start-up has
    a limit of its own. `cpu` is the ratio of processor time, net as far as that is known. Where `rate` is set, `ratio` is
    one of rates, and the limit is the least that will do.
    """

    name: str
    floor_s: float | None = None
    ours_s: float | None = None
    ratio: float | None = None
    net: float | None = None
    cpu: float | None = None
    limit: float | None = None
    rate: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None without one."""
        ratio = self.ratio if self.net is None else self.net
        if self.limit is None or ratio is None:
            return None
        return ratio >= self.limit if self.rate else ratio <= self.limit

    def as_data(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


_HEADINGS = ("what", "floor", "noetl", "ratio", "net of start-up", "processor", "limit", "met", "")


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [_HEADINGS, tuple("---" for _ in _HEADINGS), *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    sign = "≥" if row.rate else "≤"
    return (
        row.name,
        _seconds(row.floor_s),
        _seconds(row.ours_s),
        _ratio(row.ratio),
        _ratio(row.net),
        _ratio(row.cpu),
        "" if row.limit is None else f"{sign} {row.limit:g}",
        {True: "yes", False: "**no**", None: ""}[row.met],
        row.note,
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f} s"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} x"
