"""What a run came to as Markdown, for the summary page of a job of GitHub Actions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from noetl.cli.text import count, duration, one_line, shown
from noetl.runtime.report import Report
from noetl.values import Masker

#: More rows nobody reads there, and the page has a limit.
_MOST_ROWS = 50
_MOST_OUTPUTS = 20
_LONGEST = 500

_SIGNS = {"completed": "✅", "failed": "❌", "cancelled": "⚪"}
_mask = Masker().text

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#|~&!$@:])")


def step_summary(report: Report) -> str:
    """A heading, the failure, the outputs, and a table of the visits."""
    return "\n".join(_lines(report)) + "\n\n"


def _lines(report: Report) -> Iterator[str]:
    attempt = f", attempt {report.attempt}" if report.attempt > 1 else ""
    yield f"### {_sign(report.status)} {_text(report.playbook)} {report.status} in {duration(report.duration)}"
    yield ""
    yield f"{count(len(report.steps), 'step')}{attempt}, run `{report.execution_id}`"
    if report.error is not None:
        step = f" in step **{_text(report.error['step'])}**" if report.error["step"] else ""
        yield ""
        yield f"> **{_text(report.error['code'])}**{step}: {_text(report.error['message'])}"
    if report.outputs:
        yield ""
        for name, value in list(report.outputs.items())[:_MOST_OUTPUTS]:
            yield f"- {_text(name)}: {_text(shown(value))}"
        yield from _more(len(report.outputs) - _MOST_OUTPUTS, "output")
    if report.steps:
        yield ""
        yield "| | step | time | attempts | |"
        yield "|---|---|--:|--:|---|"
        yield from (_row(row) for row in report.steps[:_MOST_ROWS])
        yield from _more(len(report.steps) - _MOST_ROWS, "step")


def _row(row: dict[str, Any]) -> str:
    visit = f" (visit {row['visit']})" if row["visit"] > 1 else ""
    error = row["error"]
    what = ", ".join(row["next"]) and f"→ {_text(', '.join(row['next']))}"
    if error is not None:
        what = f"{_text(error['message'])} ({_text(error['code'])}) {what}"
    name = f"{_text(row['name'])}{visit}"
    return f"| {_sign(row['status'])} | {name} | {duration(row['duration'])} | {row['attempts']} | {what.rstrip()} |"


def _more(number: int, noun: str) -> Iterator[str]:
    if number > 0:
        yield ""
        yield f"and {count(number, f'more {noun}')}"


def _sign(status: str) -> str:
    return _SIGNS.get(status, "▶")


def _text(text: str) -> str:
    """Foreign text on one line, masked, in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", one_line(_mask(text))[:_LONGEST])
