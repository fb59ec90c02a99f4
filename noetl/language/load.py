"""From a file or a text to a checked playbook, or to its problems."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from noetl.errors import PlaybookError, Problem, Severity, sort_problems
from noetl.language.check import check as check_whole
from noetl.language.files import read_source
from noetl.language.reader import read
from noetl.language.report import Report
from noetl.language.rules import read_playbook
from noetl.language.schema import ActionShape
from noetl.model.playbook import Playbook
from noetl.span import Source

_BYTE_ORDER_MARK = "\ufeff"


def parse(source: Source, actions: Mapping[str, ActionShape]) -> tuple[Playbook | None, list[Problem]]:
    """The playbook, made whenever enough is there to be checked further, and the problems of its shape."""
    if source.text.startswith(_BYTE_ORDER_MARK):
        source = Source(source.name, source.text[1:])
    report = Report()
    with _uncollected():
        root = read(source, report.problems)
        playbook = None if root is None else read_playbook(report, source, root, actions)
    return playbook, report.problems


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nearly all that reading and checking make is kept: looking for garbage among it takes as long as they do."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def examine(
    source: Source, actions: Mapping[str, ActionShape], *, strict: bool = False
) -> tuple[Playbook | None, list[Problem]]:
    """The playbook, if enough of it is there to be checked as a whole, and all its problems in order of the text."""
    with _uncollected():
        loaded, problems = parse(source, actions)
        if loaded is not None:
            problems = [*problems, *check_whole(loaded, strict=strict)]
    return loaded, sort_problems(problems)


def load(playbook: str | Path, actions: Mapping[str, ActionShape]) -> Playbook:
    """The playbook of a file, or of a text: a `str` with a line break in it. Raises PlaybookError with all problems."""
    loaded, problems = examine(read_source(playbook), actions)
    if loaded is None or any(problem.severity is Severity.ERROR for problem in problems):
        raise PlaybookError(problems)
    return loaded


def check(playbook: str | Path, actions: Mapping[str, ActionShape], *, strict: bool = False) -> list[Problem]:
    """All problems of a file, or of a text, in the order of the text."""
    try:
        source = read_source(playbook)
    except PlaybookError as error:
        return list(error.problems)
    return examine(source, actions, strict=strict)[1]
