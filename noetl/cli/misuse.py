"""What is wrong with a command line: an error of the terminal's face alone."""

from __future__ import annotations

from noetl.errors import NoetlError


class Misuse(NoetlError):
    """The command line cannot be understood, or names what cannot be used; nothing was run."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message} ({hint})")
        self.message = message
        self.hint = hint
