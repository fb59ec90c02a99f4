"""What a run remembers of work that can be undone, and the tokens that undo it."""

from __future__ import annotations

import re

from noetl.machine.result import Error
from noetl.machine.state import Compensation, Frame, Phase, Run, Status, Token


# The mark of a join begins like it, and is longer than any number.
_PATH = re.compile(r"~\d{1,11}(/|$)")


def undoes(path: str) -> bool:
    """Whether a token of this path undoes something, or is an item of one that does."""
    return _PATH.match(path) is not None


def remember(run: Run, token: Token) -> None:
    """The work has been done, and says how it is undone."""
    frame = token.frames[-1]
    run.compensations.append(Compensation(len(run.compensations) + 1, frame.work, token, frame.local))


def token_of(run: Run, found: Compensation) -> Token:
    """The token that undoes a piece of work, at the beginning of its way."""
    token = Token(f"~{found.number}", found.step, found.view, found.known)
    token.phase = Phase.WORKING
    token.visit = found.visit
    token.compensates = found
    token.result = found.result
    token.error = token.last_error = failure(run)
    compensate = found.work.compensate
    assert compensate is not None
    token.frames.append(Frame(compensate, run.at, found.local))
    return token


def failure(run: Run) -> Error | None:
    """What a run that is not going to complete fails of, or was cancelled for."""
    if run.ending is None:
        return run.error
    return None if run.ending.status == Status.COMPLETED else run.ending.error
