"""What is wrong with a command line: an error of the terminal's face alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from noetl.errors import NoetlError

T = TypeVar("T")


class Misuse(NoetlError):
    """The command line cannot be understood, or names what cannot be used; nothing was run."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message} ({hint})")
        self.message = message
        self.hint = hint


def known_task(command: str, word: str, tasks: Mapping[str, T]) -> T:
    """What carries out a task of a command that has several. Raises Misuse where the word is none of them."""
    if word not in tasks:
        from noetl.spelling import did_you_mean

        hint = did_you_mean(word, tasks) or f"it is one of {', '.join(tasks)}"
        raise Misuse(f"'noetl {command}' has no task '{word}'", hint)
    return tasks[word]
