"""Playbooks as commands get them: from a file or from standard input, with the warnings about them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from noetl.errors import PlaybookError, Problem, Severity
from noetl.language import ActionShape, examine
from noetl.language.files import decoded, read_source
from noetl.model.playbook import Playbook
from noetl.span import Source

#: What a command line calls standard input, and what problems call it.
DASH, STANDARD_INPUT = "-", "<stdin>"


def source_of(file: str) -> Source:
    """The text of a playbook's file. Raises PlaybookError."""
    if file == DASH:
        return Source(STANDARD_INPUT, decoded(sys.stdin.buffer.read(), STANDARD_INPUT))
    return read_source(Path(file))


def valid_playbook(source: Source, actions: Mapping[str, ActionShape]) -> tuple[Playbook, list[Problem]]:
    """The playbook and the warnings about it. Raises PlaybookError with all problems where one is an error."""
    playbook, problems = examine(source, actions)
    if playbook is None or any(problem.severity is Severity.ERROR for problem in problems):
        raise PlaybookError(problems)
    return playbook, problems
