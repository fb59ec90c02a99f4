"""What is installed: Python, noetl, the packages that it needs or can use, and the shells for scripts."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from noetl.actions.powershell.handler import PROGRAMS
from noetl.runtime.doctor.finding import Finding, State

_PACKAGE = "noetl"
_SHELL = "/bin/sh"

#: Extras for those who work on noetl, or that stand for others.
_NOT_FOR_USERS = frozenset({"all", "docs", "test"})

#: `httpx[http2]>=0.28; extra == "web"`.
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)[^;]*(?:;.*extra\s*==\s*[\"'](?P<extra>[^\"']+)[\"'])?")


def examine_installation() -> Iterator[Finding]:
    """What noetl stands on, needed things before those that it can do without."""
    yield Finding("python", platform.python_version(), State.FOUND, sys.executable)
    yield Finding("noetl", version(_PACKAGE), State.FOUND, str(Path(__file__).parents[2]))
    extras: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if extra is None:
            yield _package(name)
        elif extra not in _NOT_FOR_USERS:
            extras.setdefault(extra, []).append(name)
    for extra, names in extras.items():
        yield from (_optional(name, extra) for name in names)
    if os.access(_SHELL, os.X_OK):
        yield Finding("shell", _SHELL, State.FOUND)
    else:
        yield Finding("shell", _SHELL, State.MISSING, "not there", "'cmd' as a text needs it")
    yield powershell(State.ABSENT)


def powershell(otherwise: State) -> Finding:
    """The PowerShell that actions use; `otherwise` is the state where there is none."""
    for name in PROGRAMS:
        path = shutil.which(name)
        if path is not None:
            return Finding("powershell", name, State.FOUND, path)
    return Finding("powershell", PROGRAMS[0], otherwise, "not found in PATH", "actions 'powershell' need it")


def _requirements() -> Iterator[tuple[str, str | None]]:
    """The packages that noetl names, each with the extra that it belongs to."""
    for requirement in requires(_PACKAGE) or ():
        found = _REQUIREMENT.match(requirement)
        if found is not None and found["name"] != _PACKAGE:
            yield found["name"], found["extra"]


def _package(name: str) -> Finding:
    try:
        return Finding("package", name, State.FOUND, version(name))
    except PackageNotFoundError:
        return Finding("package", name, State.MISSING, "not installed", f"pip install {name}")


def _optional(name: str, extra: str) -> Finding:
    try:
        return Finding("extra", extra, State.FOUND, f"{name} {version(name)}")
    except PackageNotFoundError:
        hint = f"install noetl with it: '{_PACKAGE}[{extra}]'"
        return Finding("extra", extra, State.ABSENT, f"{name} not installed", hint)
