"""noetl interprets declarative YAML playbooks.

    import noetl

    playbook = noetl.load("playbook.yaml")          # or the text itself; raises PlaybookError with all problems
    report = noetl.run(playbook, {"threshold": 50})
    print(report.status, report.outputs)

Whatever is not named here is private to its package.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noetl.actions.base import Call, Handler, Outcome, Resource
from noetl.actions.registry import Registry, Shapes
from noetl.errors import (
    ActionError,
    ErrorKind,
    ExpressionError,
    NoetlError,
    PlaybookError,
    Problem,
    ReplayError,
    Severity,
    StoreError,
)
from noetl.language import check as _check
from noetl.language import load as _load
from noetl.machine import Status
from noetl.model.event import Event
from noetl.model.playbook import Playbook
from noetl.runtime.engine import Engine, RunHandle, arun, run
from noetl.runtime.report import Report

__all__ = [
    "ActionError",
    "Call",
    "Engine",
    "ErrorKind",
    "Event",
    "ExpressionError",
    "Handler",
    "NoetlError",
    "Outcome",
    "Playbook",
    "PlaybookError",
    "Problem",
    "ReplayError",
    "Report",
    "Resource",
    "RunHandle",
    "Severity",
    "Status",
    "StoreError",
    "arun",
    "check",
    "load",
    "run",
]


def load(playbook: str | Path) -> Playbook:
    """Load and check a playbook: a path, or, where a `str` holds a line break, the text itself. Raises PlaybookError."""
    return _load(playbook, Shapes(Registry()))


def check(playbook: str | Path, *, strict: bool = False) -> list[Problem]:
    """All problems of a playbook, errors and warnings, in the order of the text; `strict` also asks for timeouts."""
    return _check(playbook, Shapes(Registry()), strict=strict)
