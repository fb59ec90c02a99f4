"""The commands there are, each in a module of its own that is loaded when it is used."""

from __future__ import annotations

from importlib import import_module

from noetl.cli.command import Command

#: In the order in which the help lists them.
NAMES = (
    "run",
    "resume",
    "recover",
    "rerun",
    "pause",
    "cancel",
    "signal",
    "validate",
    "graph",
    "runs",
    "show",
    "events",
    "dead",
    "prune",
    "store",
    "new",
    "doctor",
    "schema",
    "completion",
)


def find_command(name: str) -> Command:
    """The command of one of NAMES."""
    command: Command = import_module(f"noetl.cli.commands.{name}").COMMAND
    return command
