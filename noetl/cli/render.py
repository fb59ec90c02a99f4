"""A report as lines of text, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from noetl.cli.console import Output
from noetl.cli.text import count, duration, harmless, one_line, shown
from noetl.runtime.report import Report

STYLES = {
    "completed": "good",
    "failed": "bad",
    "cancelled": "warning",
    "running": "bold",
    "interrupted": "bad",
    "paused": "warning",
}

_UNDONE = {"completed": "undone", "failed": "not undone", "pending": "to be undone", "running": "being undone"}

#: More of a traceback hides what matters: its end.
_TRACE_LINES = 20


def summary(report: Report, output: Output) -> Iterator[str]:
    """How the run ended, what went wrong, and its outputs."""
    status = output.paint(report.status, STYLES.get(report.status, "bold"))
    attempt = f", attempt {report.attempt}" if report.attempt > 1 else ""
    about = f"{count(len(report.steps), 'step')}{attempt}, run {report.execution_id}"
    yield f"{report.playbook} {status} in {duration(report.duration)} ({about})"
    if report.error is not None and report.status == "cancelled":
        yield f"  {one_line(report.error['message'])}"
    elif report.error is not None:
        yield from _error(report.error, output)
    for name, value in report.outputs.items():
        yield f"  {harmless(name)}: {shown(value)}"
    for undone in report.compensations:
        text = f"  {harmless(undone['step'])}: {_UNDONE.get(undone['status'], undone['status'])}"
        yield where(f"{text} by '{harmless(undone['task'])}'", None, undone["error"])
    for event in report.signals:
        yield f"  signal '{harmless(event)}' was taken by no 'wait'"


def _error(error: dict[str, Any], output: Output) -> Iterator[str]:
    details = error["details"]
    place = "{file}:{line}:{column}: ".format_map(details) if {"file", "line", "column"} <= details.keys() else ""
    attempt = error["attempt"]
    where = [
        f"step '{error['step']}'" if error["step"] else "",
        f"action '{error['action']}'" if error["action"] else "",
        f"attempt {attempt}" if attempt > 1 else "",
    ]
    known = ", ".join(part for part in where if part)
    label = output.paint(f"error[{error['code']}]", "bad")
    message = harmless(error["message"]).replace("\n", "\n    ")
    yield f"  {harmless(place)}{label}: {message}" + (f" ({harmless(known)})" if known else "")
    trace = details.get("traceback")
    if isinstance(trace, str):
        lines = trace.rstrip().splitlines()
        if len(lines) > _TRACE_LINES:
            yield f"    ... ({len(lines) - _TRACE_LINES} more lines)"
        yield from (f"    {harmless(line)}" for line in lines[-_TRACE_LINES:])


def rows(report: Report, output: Output) -> Iterator[str]:
    """One line for each visit of a step, in order of start."""
    width = max((len(row["name"]) for row in report.steps), default=0)
    for row in report.steps:
        status = output.paint(f"{row['status']:9}", STYLES.get(row["status"], "bold"))
        yield f"  {row['name']:{width}}  {status}  {duration(row['duration']):>7}{_remarks(row)}"


def _remarks(row: dict[str, Any]) -> str:
    remarks = [
        f"visit {row['visit']}" if row["visit"] > 1 else "",
        f"{row['attempts']} attempts" if row["attempts"] > 1 else "",
        f"case {row['case']}" if row["case"] is not None else "",
    ]
    text = ", ".join(remark for remark in remarks if remark)
    return where(f"  {text}" if text else "", row["next"], row["error"])


def where(before: str, following: list[str] | None, error: dict[str, Any] | None) -> str:
    """Where a token went and what its step failed of, behind what is known already."""
    if following:
        before = f"{before} -> {following[0] if len(following) == 1 else ', '.join(following)}"
    if error is not None:
        before = f"{before}: {one_line(error['message'])} ({error['code']})"
    return before
