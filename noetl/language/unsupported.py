"""What the language names and this version does not carry out yet: reported, never silently ignored."""

from __future__ import annotations

from noetl.language.fields import Fields
from noetl.language.nodes import Node
from noetl.language.report import Report

#: The owners are a playbook, a step, a call (of an action or a task) and a limit. A line goes when its key works.
UNSUPPORTED: dict[str, frozenset[str]] = {
    "playbook": frozenset({"limits", "concurrency", "retry_budget", "sla"}),
    "step": frozenset({"compensate", "priority", "sla"}),
    "call": frozenset({"compensate", "limit"}),
}

#: The same for values: `runtime: callback`, and `on_error: {retry: ...}` of a playbook.
UNSUPPORTED_VALUES = frozenset({"runtime: callback", "on_error: retry"})


def check_keys(fields: Fields, owner: str) -> None:
    """Report the keys of this mapping that this version does not carry out."""
    for key in fields.node.entries.keys() & UNSUPPORTED[owner]:
        _report(fields.report, key, fields.key(key))


def check_value(report: Report, value: str, where: Node) -> None:
    """Report a `key: value` that this version does not carry out."""
    if value in UNSUPPORTED_VALUES:
        _report(report, value, where)


def _report(report: Report, what: str, where: Node) -> None:
    message = f"'{what}' is part of the language but this version does not carry it out"
    report.error("unsupported", message, where)
