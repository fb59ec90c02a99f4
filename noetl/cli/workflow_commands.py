"""Workflow commands: lines by which a job tells GitHub Actions something, escaped so that no text becomes another."""

from __future__ import annotations

import os
from pathlib import Path

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def in_job() -> bool:
    """Whether this is a job of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def workflow_command(name: str, message: str = "", **properties: str | int) -> str:
    """`::error file=a.yaml,line=3::what is wrong`."""
    given = ",".join(f"{key}={str(value).translate(_PROPERTY)}" for key, value in properties.items())
    head = f"{name} {given}" if given else name
    return f"::{head}::{message.translate(_DATA)}"


def workspace_path(file: str) -> str:
    """A file as annotations name it: relative to the checkout, wherever in it the command was started."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    path = Path(file).absolute()
    if workspace and path.is_relative_to(workspace):
        return path.relative_to(workspace).as_posix()
    return file
