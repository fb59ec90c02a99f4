"""What a run remembers of work that can be undone, the tokens that undo it, and those that wait for that."""

from __future__ import annotations

import re
from collections.abc import Sequence

from noetl.machine.result import Error
from noetl.machine.state import Compensation, Frame, Phase, Run, Stage, Status, Token
from noetl.machine.timers import clear_deadline
from noetl.machine.waits import UndoingWait

# The mark of a join begins like it, and is longer than any number.
_PATH = re.compile(r"~\d{1,11}(/|$)")


def undoes(path: str) -> bool:
    """Whether a token of this path undoes something, or is an item of one that does."""
    return _PATH.match(path) is not None


def remember(run: Run, token: Token) -> None:
    """The work has been done, and says how it is undone."""
    frame = token.frames[-1]
    run.compensations.append(Compensation(len(run.compensations) + 1, frame.work, token, frame.local))


def undo_branch(run: Run, token: Token, numbers: Sequence[int]) -> None:
    """The work of a step has failed, and what its branch has completed is undone before it goes on.

    From here on the failure is tolerated, unless something cannot be undone.
    """
    frame = token.frames[-1]
    assert token.outcome is not None
    clear_deadline(run, frame)
    frame.stage = Stage.UNDOING
    frame.undoes = list(numbers)
    token.tolerated = True
    for number in numbers:
        found = run.compensations[number - 1]
        found.undoer = token.id
        found.cause = token.outcome["error"]


def wait_for(run: Run, token: Token, found: Compensation) -> None:
    """The token waits until this is undone."""
    number = token.frames[-1].undoes.pop()
    assert number == found.number, f"the state leads to undoing number {number}, not {found.number}"
    token.wait = UndoingWait()
    run.ready.pop(token.id, None)


def go_on(run: Run, token: Token, found: Compensation) -> None:
    """What the token has waited for is over."""
    if isinstance(token.wait, UndoingWait):
        token.wait = None
        token.tolerated = token.tolerated and found.error is None
        run.wake(token)


def token_of(run: Run, found: Compensation) -> Token:
    """The token that undoes a piece of work, at the beginning of its way."""
    token = Token(f"~{found.number}", found.step, found.view, found.known)
    token.phase = Phase.WORKING
    token.visit = found.visit
    token.compensates = found
    token.result = found.result
    token.error = token.last_error = _error(run, found)
    compensate = found.work.compensate
    assert compensate is not None
    token.frames.append(Frame.of(compensate, run.at, found.local))
    return token


def _error(run: Run, found: Compensation) -> Error | None:
    """Why a piece of work is undone. A branch whose undoing was cut short is undone with the run."""
    return found.cause if run.ending is None else failure(run) or found.cause


def failure(run: Run) -> Error | None:
    """What a run that is not going to complete fails of, or was cancelled for."""
    if run.ending is None:
        return run.error
    return None if run.ending.status == Status.COMPLETED else run.ending.error
