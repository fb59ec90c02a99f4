"""What is wrong with the text of a template, or with an operation in it. Knows no files, only offsets into the text."""

from __future__ import annotations

from noetl.errors import NoetlError


class CompileError(NoetlError):
    """A template or condition that cannot be compiled.

    `code` is `template-syntax`, `unknown-filter`, `unknown-test` or `unknown-name` (of a function or method);
    `offset` and `length` say which part of the text is meant.
    """

    def __init__(self, code: str, message: str, *, offset: int = 0, length: int = 1, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.offset = offset
        self.length = length
        self.hint = hint


class Refused(Exception):
    """An operation of a template that cannot or may not be done; the sentence holds no value of the run."""
