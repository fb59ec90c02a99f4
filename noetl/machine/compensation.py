"""Undoing what had completed, in reverse order, one after the other: of a branch that failed, or of the whole run.

Each piece of work is undone by a token of its own, in the scope that the work had, with the failure as `error`. Of the
run nothing else is alive then; a branch waits at its failed step (`working`), and the other branches go on.
"""

from __future__ import annotations

from typing import Any

from noetl.machine.decider import Decider
from noetl.machine.state import Compensation, Status, Token
from noetl.machine.undoing import failure, token_of
from noetl.model.event import Kind


def begin_next(d: Decider) -> bool:
    """Where the run has not succeeded, begin to undo the last piece of work that is still to be undone.

    In one that `stop` has ended well, what a failed branch had begun to undo is undone to the end.
    """
    run = d.run
    error = failure(run)
    pending = [
        one
        for one in run.compensations
        if one.status is Status.PENDING and (error is not None or one.cause is not None)
    ]
    if not pending:
        return False
    if run.ending is None:
        d.change(None, "end", Status.FAILED, error, None, None)
    begin(d, pending[-1])
    return True


def begin(d: Decider, found: Compensation, undoer: Token | None = None) -> None:
    """Begin to undo a piece of work; `undoer` is the token that waits for it."""
    compensate = found.work.compensate
    assert compensate is not None
    data: dict[str, Any] = {"number": found.number, "place": found.work.place, "task": compensate.task}
    if undoer is not None:
        data["for"] = undoer.id
    d.emit(Kind.COMPENSATION_STARTED, token_of(d.run, found), data)


def end(d: Decider, token: Token) -> None:
    """The task that undoes it is over. Where it failed, that is told, and the others are undone all the same."""
    found = token.compensates
    assert found is not None
    data: dict[str, Any] = {"number": found.number, "place": found.work.place}
    outcome = token.outcome
    if outcome is not None and outcome["failed"] and not token.tolerated:
        d.emit(Kind.COMPENSATION_FAILED, token, {**data, "error": outcome["error"]})
    else:
        d.emit(Kind.COMPENSATION_COMPLETED, token, data)
