"""Puts the stand-in where PowerShell is looked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from noetl.actions.base import Outcome

STAND_IN = Path(__file__).with_name("stand_in.py")

Run = Callable[..., Outcome]


def put_stand_in(folder: Path, name: str = "pwsh") -> Path:
    """A folder for PATH in which the stand-in has this name."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{STAND_IN}" "$@"\n')
    program.chmod(0o755)
    return folder
