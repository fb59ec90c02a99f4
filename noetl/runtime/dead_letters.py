"""Dead letters: what failed for good, with its cause and what it takes to try it again. Knows no store.

The store writes a letter in the transaction of the event that it is about, so there is one exactly where the event is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from noetl.errors import ErrorKind
from noetl.machine import Run, Status
from noetl.machine.result import Error, make_error
from noetl.model.event import Event, Kind
from noetl.store.base import DeadLetter, Unread


def given_up(run: Run, events: Iterable[Event]) -> list[DeadLetter]:
    """The actions that a recovery gives up: too many engines were lost while they carried them out."""
    return [
        _letter(
            run,
            "action",
            event.data["error"],
            {"step": event.step, "token": event.token, "place": event.data["place"], "event": event.seq},
        )
        for event in events
        if event.kind == Kind.ACTION_FAILED and event.data["error"]["code"] == "lost"
    ]


def left_over(run: Run) -> list[DeadLetter]:
    """Of a run that has ended: the signals that nobody took, and the run itself where no retry has helped."""
    found = [_letter(run, "signal", _not_taken(event), {"event": event, "data": data}) for event, data in run.signals]
    retried = run.playbook.retry is not None
    if run.status is Status.FAILED and retried and run.again is None and run.error is not None:
        found.append(_letter(run, "run", run.error, {"attempt": run.attempt}))
    return found


def unread_by(run: Run) -> Unread | None:
    """What the store is to know of a run that has ended, for those signals that have not come from there to it."""
    if not run.over:
        return None
    message = "the run ended before it could read the signal"
    return Unread(after=run.last_command, cause=make_error(ErrorKind.USER, "not_taken", message))


def _not_taken(event: str) -> Error:
    return make_error(ErrorKind.USER, "not_taken", f"nobody took the signal '{event}' before the run ended")


def _letter(run: Run, kind: str, cause: Error, data: dict[str, Any]) -> DeadLetter:
    # The store numbers it.
    return DeadLetter(id=0, kind=kind, execution_id=run.id, at=run.at, cause=cause, data=data)
