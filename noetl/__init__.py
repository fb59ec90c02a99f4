"""noetl interprets declarative YAML playbooks.

    import noetl

    playbook = noetl.load("playbook.yaml")          # or the text itself; raises PlaybookError with all problems
    report = noetl.run(playbook, {"threshold": 50})
    print(report.status, report.outputs)

Whatever is not named here is private to its package.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from noetl.actions.base import Call, Handler, Outcome, Resource
    from noetl.actions.touch import Touch
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
    from noetl.machine import Status
    from noetl.model.event import Event
    from noetl.model.playbook import Playbook
    from noetl.runtime.engine import Engine
    from noetl.runtime.handle import RunHandle
    from noetl.runtime.report import Report
    from noetl.runtime.running import arun, run

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
    "Touch",
    "arun",
    "check",
    "load",
    "run",
]

#: Where each name comes from. It is loaded when it is first used: a command pays for every import at every start.
_MODULES = {
    "noetl.actions.base": ("Call", "Handler", "Outcome", "Resource"),
    "noetl.actions.touch": ("Touch",),
    "noetl.errors": (
        "ActionError",
        "ErrorKind",
        "ExpressionError",
        "NoetlError",
        "PlaybookError",
        "Problem",
        "ReplayError",
        "Severity",
        "StoreError",
    ),
    "noetl.machine": ("Status",),
    "noetl.model.event": ("Event",),
    "noetl.model.playbook": ("Playbook",),
    "noetl.runtime.engine": ("Engine",),
    "noetl.runtime.handle": ("RunHandle",),
    "noetl.runtime.report": ("Report",),
    "noetl.runtime.running": ("arun", "run"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'noetl' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__


def load(playbook: str | Path) -> Playbook:
    """Load and check a playbook: a path, or, where a `str` holds a line break, the text. Raises PlaybookError."""
    from noetl.actions.registry import Registry, Shapes
    from noetl.language import load

    return load(playbook, Shapes(Registry()))


def check(playbook: str | Path, *, strict: bool = False) -> list[Problem]:
    """All problems of a playbook, errors and warnings, in the order of the text; `strict` also asks for timeouts."""
    from noetl.actions.registry import Registry, Shapes
    from noetl.language import check

    return check(playbook, Shapes(Registry()), strict=strict)
