"""What the actions `shell`, `python` and `playbook` would touch, as far as their options say."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from noetl.actions.touch import Touch, Unknown, brief


def shell_touches(options: Mapping[str, Any]) -> Iterator[Touch]:
    """The command, and the folder that it runs in."""
    yield Touch(kind="command", text=brief(_command(options["cmd"])), details={"command": options["cmd"]})
    yield from folder_touched(options)


def folder_touched(options: Mapping[str, Any]) -> Iterator[Touch]:
    """The `cwd` of a script or command."""
    if options.get("cwd") is not None:
        yield Touch(kind="folder", text=f"in {options['cwd']}", details={"path": options["cwd"]})


def _command(cmd: Any) -> str:
    if isinstance(cmd, str):
        return cmd
    return " ".join(word if isinstance(word, Unknown) else shlex.quote(str(word)) for word in cmd)


def python_touches(options: Mapping[str, Any]) -> Iterator[Touch]:
    """The function, the file, or the first line of the code that does anything."""
    if options.get("function") is not None:
        yield Touch(kind="function", text=f"{options['function']}()", details={"function": options["function"]})
    elif options.get("file") is not None:
        yield Touch(kind="program", text=f"runs {options['file']}", details={"file": options["file"]})
    else:
        yield program_touch(options["code"])


def program_touch(code: str) -> Touch:
    """A program that stands in the playbook."""
    lines = [line for line in code.splitlines() if not line.lstrip().startswith("#")]
    return Touch(kind="program", text=brief("\n".join(lines)), details={"lines": len(code.splitlines())})


def playbook_touches(options: Mapping[str, Any]) -> Iterator[Touch]:
    """The playbook that is called."""
    key = "name" if options.get("path") is None else "path"
    called, detached = options[key], options.get("detach") is True
    text = f"starts {called}, without waiting for it" if detached else f"runs {called}"
    yield Touch(kind="playbook", text=text, details={key: called, "detach": detached})
