"""The inputs that a command line gives: `-i KEY=VALUE`, and the mapping of a file. Knows no playbook."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from noetl.cli.misuse import Misuse


def text_inputs(assignments: Sequence[str]) -> dict[str, str]:
    """The texts of `-i KEY=VALUE`; the last for a key wins. Raises Misuse."""
    found: dict[str, str] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise Misuse(f"an input is given as '-i KEY=VALUE', got '{assignment}'")
        found[name] = text
    return found


def file_inputs(file: str) -> dict[str, Any]:
    """The mapping, in JSON or YAML, of a file or of standard input (`-`). Raises Misuse or PlaybookError."""
    from noetl.cli.playbooks import DASH, STANDARD_INPUT
    from noetl.errors import PlaybookError
    from noetl.language.files import decoded
    from noetl.language.nodes import Mapping
    from noetl.language.reader import read
    from noetl.language.report import Report
    from noetl.language.templating import data
    from noetl.span import Source

    name = STANDARD_INPUT if file == DASH else file
    content = sys.stdin.buffer.read() if file == DASH else _content(file)
    report = Report()
    root = read(Source(name, decoded(content, name)), report.problems)
    values: dict[str, Any] = {}
    if isinstance(root, Mapping):
        values = data(report, root)
    elif not report.problems:
        got = "nothing" if root is None else root.described()
        raise Misuse(f"the inputs in '{name}' must be a mapping of names to values, got {got}")
    if report.problems:
        raise PlaybookError(report.problems)
    return values


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Misuse(f"the inputs in '{file}' cannot be read: {reason[:1].lower()}{reason[1:]}") from error
