"""When each step of a run was busy, drawn with the characters of a terminal: a bar for each visit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from math import ceil
from typing import Any

from noetl.cli.console import Output
from noetl.cli.text import count, duration
from noetl.runtime.report import Report

#: The visits of a step get a row each, unless there are more; all steps are folded where there are more rows than this.
_MOST_VISITS, _MOST_ROWS = 5, 40

_WIDEST_NAME, _NARROWEST_BAR = 28, 8

#: From what need not be seen to what must not be missed: where several visits share a place, the last of them shows.
_STYLES = ("good", "dim", "bold", "warning", "bad")


@dataclass(frozen=True, slots=True)
class _Visit:
    """`start` and `end` in seconds since the run began; `style` says how it went."""

    name: str
    start: float
    end: float
    style: str
    attempts: int


@dataclass(frozen=True, slots=True)
class _Row:
    visits: Sequence[_Visit]

    @property
    def style(self) -> str:
        return max((visit.style for visit in self.visits), key=_STYLES.index)

    @property
    def busy(self) -> float:
        return sum(visit.end - visit.start for visit in self.visits)

    def label(self, times: str) -> str:
        name = self.visits[0].name
        if len(name) > _WIDEST_NAME:
            name = f"{name[: _WIDEST_NAME - 3]}..."
        return f"{name} {times} {len(self.visits)}" if len(self.visits) > 1 else name

    def remark(self) -> str:
        attempts = max(visit.attempts for visit in self.visits)
        failed = sum(visit.style == "bad" for visit in self.visits)
        if len(self.visits) > 1:
            return f"{failed} failed" if failed else ""
        return count(attempts, "attempt") if attempts > 1 else ""


def timeline(report: Report, output: Output, width: int) -> Iterator[str]:
    """The lines, none longer than the width; none at all for a run of fewer than two visits."""
    visits = _visits(report)
    if len(visits) < 2:
        return
    rows, left_out = _rows(visits)
    times = output.symbol("\N{MULTIPLICATION SIGN}", "x")
    labels = [row.label(times) for row in rows]
    took = [duration(row.busy) for row in rows]
    names, figures = max(map(len, labels)), max(map(len, took))
    remarks = max(len(row.remark()) for row in rows)
    # Two columns before the mark, one after it, two on either side of the bar, two before the remark.
    room = width - (names + figures + 8)
    if remarks and room - remarks - 2 >= _NARROWEST_BAR:
        room -= remarks + 2
    else:
        remarks = 0
    bar = max(room, _NARROWEST_BAR)
    total = max(report.duration, max(visit.end for visit in visits)) or 1e-6
    yield f"{'':{names + 6}}{output.paint(_axis(duration(total), bar, output), 'dim')}"
    for row, label, time in zip(rows, labels, took, strict=True):
        mark = output.paint(_mark(row.style, output), row.style)
        remark = f"  {row.remark()}" if remarks else ""
        yield f"  {mark} {label:{names}}  {_bar(row, total, bar, output)}  {time:>{figures}}{remark}".rstrip()
    if left_out:
        yield f"    {count(left_out, 'shorter row')} left out"


def _visits(report: Report) -> list[_Visit]:
    began = datetime.fromisoformat(report.started_at)
    found = []
    for row in report.steps:
        start = (datetime.fromisoformat(row["started_at"]) - began).total_seconds()
        found.append(_Visit(row["name"], start, start + row["duration"], _style(row), row["attempts"]))
    return found


def _style(row: dict[str, Any]) -> str:
    if row["status"] == "completed":
        return "good" if row["attempts"] == 1 else "warning"
    return {"failed": "bad", "cancelled": "dim"}.get(row["status"], "bold")


def _rows(visits: Sequence[_Visit]) -> tuple[list[_Row], int]:
    """In order of start; and how many rows are left out, the shortest ones, since nobody could look at all of them."""
    rows = _folded(visits, _MOST_VISITS)
    if len(rows) > _MOST_ROWS:
        rows = _folded(visits, 1)
    longest = sorted(rows, key=lambda row: row.busy, reverse=True)[:_MOST_ROWS]
    kept = {id(row) for row in longest}
    return [row for row in rows if id(row) in kept], len(rows) - len(longest)


def _folded(visits: Sequence[_Visit], most: int) -> list[_Row]:
    """A row for each visit, and one for all visits of a step that has more than so many."""
    counts = Counter(visit.name for visit in visits)
    together: dict[str, list[_Visit]] = {}
    rows = []
    for visit in visits:
        if counts[visit.name] <= most:
            rows.append(_Row([visit]))
        elif visit.name in together:
            together[visit.name].append(visit)
        else:
            together[visit.name] = [visit]
            rows.append(_Row(together[visit.name]))
    return rows


def _axis(total: str, width: int, output: Output) -> str:
    line = output.symbol("\N{BOX DRAWINGS LIGHT HORIZONTAL}", "-")
    return f"0 {line * (width - len(total) - 3)} {total}" if width > len(total) + 3 else total


def _mark(style: str, output: Output) -> str:
    if style == "bad":
        return output.symbol("✗", "x")
    return {"dim": "-", "bold": ">"}.get(style, output.symbol("✓", "+"))


def _bar(row: _Row, total: float, width: int, output: Output) -> str:
    """Each character is two places wide, where the terminal has halves of blocks."""
    places = [-1] * (2 * width)
    for visit in row.visits:
        rank = _STYLES.index(visit.style)
        first = min(int(visit.start / total * len(places)), len(places) - 1)
        end = max(first + 1, min(ceil(visit.end / total * len(places) - 1e-9), len(places)))
        for place in range(first, end):
            places[place] = max(places[place], rank)
    cells = [(max(pair), _block(*pair, output)) for pair in zip(places[::2], places[1::2], strict=True)]
    parts = [(rank, "".join(cell for _, cell in same)) for rank, same in groupby(cells, key=lambda cell: cell[0])]
    return "".join(text if rank < 0 else output.paint(text, _STYLES[rank]) for rank, text in parts)


def _block(left: int, right: int, output: Output) -> str:
    if left < 0 and right < 0:
        return " "
    if left < 0:
        return output.symbol("▐", "#")
    return output.symbol("█" if right >= 0 else "▌", "#")
