"""Every error that noetl raises, and the problems that it reports of a playbook.

NoetlError
├── PlaybookError      a playbook or its inputs are invalid; carries all problems (exit code 2)
├── ExpressionError    a template or condition could not be evaluated
├── ActionError        an action failed; carries kind, code, message and details
├── StoreError         the event log could not be read or written
│   ├── KeyTaken           the key already belongs to a run
│   ├── OwnedElsewhere     another engine drives the run
│   └── LostOwnership      another engine has taken the run over
└── ReplayError        a recorded run does not fit its playbook
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from noetl.span import Span


class Severity(StrEnum):
    """Whether a problem keeps a playbook from running."""

    ERROR = "error"
    WARNING = "warning"


class ErrorKind(StrEnum):
    """The class of a failure (language.md 7): what may be expected of trying again."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    SYSTEM = "system"
    USER = "user"


#: The kinds that `retry` repeats when it names neither `on` nor `when`.
RETRYABLE_KINDS = frozenset({ErrorKind.TRANSIENT, ErrorKind.SYSTEM})


class Problem(msgspec.Struct, frozen=True):
    """One finding about a playbook: a stable code, one sentence, the place, and a hint where one helps."""

    code: str
    message: str
    span: Span
    severity: Severity = Severity.ERROR
    hint: str | None = None

    def as_data(self) -> dict[str, Any]:
        """The object that `validate --json` prints."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            # A name of a file may have bytes that are no text, which no JSON can carry.
            "file": self.span.source.name.encode("utf-8", "backslashreplace").decode(),
            "line": self.span.line,
            "column": self.span.column,
            "message": self.message,
            "hint": self.hint,
        }

    def render(self) -> str:
        """The sentence with its position, the source line, and a caret with the hint under it."""
        head = f"{self.span}: {self.severity}[{self.code}]: {self.message}"
        line, column = _excerpt(self.span)
        if not line.strip():
            return head if self.hint is None else f"{head} ({self.hint})"
        number = f"{self.span.line:>5}"
        width = max(1, min(self.span.length, len(line) - column + 1))
        caret = " " * (column - 1) + "^" * width
        hint = "" if self.hint is None else f" {self.hint}"
        return f"{head}\n{number} | {line}\n{' ' * len(number)} | {caret}{hint}"


#: A source line is shown up to this many characters, around what is wrong with it.
LONGEST_EXCERPT = 200


def _excerpt(span: Span) -> tuple[str, int]:
    """The source line as a terminal can show it, and the column that the span has there."""
    line, column = span.source.line(span.line), span.column
    start = max(0, column - LONGEST_EXCERPT // 2) if len(line) > LONGEST_EXCERPT else 0
    # Each character takes one column, a tab and what would move the cursor too: the caret must stand under its word.
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + LONGEST_EXCERPT])
    return shown, column - start


def sort_problems(problems: Iterable[Problem]) -> list[Problem]:
    """In the order of the text, each reported once."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda p: (p.span.source.name, p.span.line, p.span.column, p.severity, p.code, p.message))


class NoetlError(Exception):
    """The root of all errors that noetl raises on purpose."""


class PlaybookError(NoetlError):
    """A playbook, or the inputs given to it, are invalid; `problems` holds every finding, warnings included."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sort_problems(problems))
        super().__init__("\n".join(problem.render() for problem in self.problems))


class ExpressionError(NoetlError):
    """A template or condition raised; `code` is `undefined` or `expression`, `span` is its place if known."""

    def __init__(self, message: str, *, code: str = "expression", span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.span = span


class ActionError(NoetlError):
    """An action failed.

    `code` is a stable word or a foreign code (`timeout`, `exit_code`, an SQLSTATE); `details` is JSON data for people
    and conditions; `fields` are the handler's own fields of the result (`exit_code`, `status_code`, ...).
    """

    def __init__(
        self,
        kind: ErrorKind,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.fields = dict(fields or {})


class StoreError(NoetlError):
    """The event log could not be opened, read or written."""


class KeyTaken(StoreError):
    """A run with this key is in the store already; `execution_id` names it."""

    def __init__(self, key: str, execution_id: str) -> None:
        super().__init__(f"the key '{key}' belongs to run '{execution_id}'")
        self.key = key
        self.execution_id = execution_id


class OwnedElsewhere(StoreError):
    """Another engine drives the run, and is alive as far as anybody can tell from here."""


class LostOwnership(StoreError):
    """Another engine has taken the run over since; nothing more of it may be written here."""


class RunEnded(StoreError):
    """The run has ended: there is nothing to go on with, and nothing can be asked of it."""


class ReplayError(NoetlError):
    """The recorded events of a run do not fit its playbook."""
