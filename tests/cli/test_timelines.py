"""Timelines: a row for each visit, a bar where it was busy, within the width there is."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from noetl.cli.console import Output
from noetl.cli.timeline import timeline
from noetl.drawing.wording import TIMES
from noetl.machine import Status
from noetl.runtime.report import Report


def output(encoding: str = "utf-8") -> Output:
    return Output(io.TextIOWrapper(io.BytesIO(), encoding=encoding))


def row(name: str, start: float, duration: float, status: str = "completed", attempts: int = 1) -> dict[str, Any]:
    seconds = f"{start:09.6f}"
    return {
        "name": name,
        "status": status,
        "attempts": attempts,
        "started_at": f"2026-01-01T00:00:{seconds}Z",
        "duration": duration,
    }


def report(*rows: dict[str, Any], duration: float = 10.0) -> Report:
    return Report(
        execution_id="ID",
        playbook="p",
        status=Status.COMPLETED,
        attempt=1,
        started_at="2026-01-01T00:00:00.000000Z",
        duration=duration,
        outputs={},
        error=None,
        steps=list(rows),
    )


def lines(*rows: dict[str, Any], width: int = 40, encoding: str = "utf-8", duration: float = 10.0) -> list[str]:
    return list(timeline(report(*rows, duration=duration), output(encoding), width))


def test_each_visit_has_a_bar_at_its_time() -> None:
    assert lines(row("Load", 0, 5), row("Left", 5, 2.5), row("Right", 5, 5)) == [
        "           0 ─────────── 10.00 s",
        "  ✓ Load   ██████████▌            5.00 s",
        "  ✓ Left             ▐█████       2.50 s",
        "  ✓ Right            ▐██████████  5.00 s",
    ]


def test_where_there_is_no_unicode_there_is_ascii() -> None:
    assert lines(row("A", 0, 5), row("B", 5, 5, "failed"), encoding="ascii") == [
        "       0 --------------- 10.00 s",
        "  + A  #############              5.00 s",
        "  x B              #############  5.00 s",
    ]


def test_the_shortest_visit_is_seen() -> None:
    drawn = lines(row("A", 0, 0), row("B", 0, 10), row("C", 10, 0))
    assert drawn[1].startswith("  ✓ A  ▌")
    assert drawn[3].startswith("  ✓ C  " + " " * 23 + "▐")


@pytest.mark.parametrize(
    ("status", "attempts", "mark", "remark"),
    [
        ("completed", 1, "✓", ""),
        ("completed", 3, "✓", "3 attempts"),
        ("failed", 2, "✗", "2 attempts"),
        ("cancelled", 1, "-", ""),
        ("running", 1, ">", ""),
    ],
)
def test_the_mark_says_how_a_visit_ended_and_the_remark_how_often_it_was_tried(
    status: str, attempts: int, mark: str, remark: str
) -> None:
    first = lines(row("A", 0, 1, status, attempts), row("B", 1, 9), width=80)[1]
    assert first.startswith(f"  {mark} A  ")
    assert first.endswith(remark or "s")


def test_many_visits_of_a_step_share_a_row_which_tells_of_failures() -> None:
    visits = [row("Ring", at / 100, 0.01, "failed" if at == 7 else "completed") for at in range(500)]
    drawn = lines(*visits, row("End", 5, 5), width=60)
    assert drawn[1:] == [
        f"  ✗ Ring {TIMES} 500  █████████████               5.00 s  1 failed",
        "  ✓ End                      █████████████  5.00 s",
    ]


def test_more_rows_than_anybody_reads_are_folded_and_the_shortest_left_out() -> None:
    few = [row(f"S{number}", number / 10, number / 100) for number in range(60)]
    drawn = lines(*few, width=80)
    assert len(drawn) == 42
    assert drawn[1].startswith("  ✓ S20 ")
    assert drawn[-1] == "    20 shorter rows left out"
    twice = [row(f"S{number % 30}", number / 10, 0.1) for number in range(60)]
    drawn = lines(*twice, width=80)
    assert len(drawn) == 31
    assert drawn[1].startswith(f"  ✓ S0 {TIMES} 2 ")


def test_one_visit_needs_no_timeline() -> None:
    assert lines(row("A", 0, 10)) == []


@pytest.mark.parametrize("width", [0, 10, 30, 45, 80, 200])
def test_no_line_is_longer_than_the_terminal_is_wide_if_there_is_room_at_all(width: int) -> None:
    drawn = lines(row("A" * 50, 0, 5, attempts=3), row("B", 5, 5, "failed"), row("C", 3, 4, "cancelled"), width=width)
    assert len(drawn) == 4
    assert max(map(len, drawn)) <= max(width, 52)


@pytest.mark.parametrize("duration", [0.0, 1e-6])
def test_a_run_that_took_no_time_has_a_timeline(duration: float) -> None:
    assert len(lines(row("A", 0, 0), row("B", 0, 0), duration=duration)) == 3


def test_colours_show_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    again, bad = "\x1b[33m", "\x1b[31m"
    drawn = lines(row("A", 0, 5, attempts=2), row("B", 5, 5, "failed"), width=60)
    assert drawn[1].startswith(f"  {again}✓\x1b[0m A  {again}██")
    assert re.fullmatch(rf"  {re.escape(bad)}✗\x1b\[0m B +{re.escape(bad)}▐█+\x1b\[0m  5.00 s", drawn[2])
