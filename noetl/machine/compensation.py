"""Undoing what had completed, when the run has failed or was cancelled: in reverse order, one after the other.

Nothing else of the run is alive then. Each piece of work is undone by a token of its own, in the scope that the work
had, with the run's error as `error`.
"""

from __future__ import annotations

from typing import Any

from noetl.machine.decider import Decider
from noetl.machine.state import Status, Token
from noetl.machine.undoing import failure, token_of
from noetl.model.event import Kind


def begin_next(d: Decider) -> bool:
    """Where the run has not succeeded, begin to undo the last piece of work that is still to be undone."""
    run = d.run
    error = failure(run)
    pending = [one for one in run.compensations if one.status is Status.PENDING]
    if error is None or not pending:
        return False
    if run.ending is None:
        d.change(None, "end", Status.FAILED, error, None, None)
    found = pending[-1]
    compensate = found.work.compensate
    assert compensate is not None
    data: dict[str, Any] = {"number": found.number, "place": found.work.place, "task": compensate.task}
    d.emit(Kind.COMPENSATION_STARTED, token_of(run, found), data)
    return True


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
