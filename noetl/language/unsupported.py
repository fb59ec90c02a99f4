"""What the language names and this version does not carry out yet: reported, never silently ignored."""

from __future__ import annotations

from noetl.language.nodes import Node
from noetl.language.report import Report

#: Values of keys. A line goes when it works.
UNSUPPORTED_VALUES = frozenset({"runtime: callback"})


def check_value(report: Report, value: str, where: Node) -> None:
    """Report a `key: value` that this version does not carry out."""
    if value in UNSUPPORTED_VALUES:
        _report(report, value, where)


def _report(report: Report, what: str, where: Node) -> None:
    message = f"'{what}' is part of the language but this version does not carry it out"
    report.error("unsupported", message, where)
