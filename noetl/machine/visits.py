"""Changes to the visit of a step: it begins, and it ends."""

from __future__ import annotations

from typing import Any

from noetl.machine.branches import enter_step
from noetl.machine.state import Known, Phase, Row, Run, Status, Token
from noetl.machine.timers import drop_timer

# As a global: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for it.
_WORKING = Phase.WORKING


def begin(run: Run, token: Token, visit: int) -> None:
    """A token begins the visit of its step that has this number in the run."""
    name, rows = token.step.name, run.rows
    run.visits[name] = visit
    row = token.row = Row(len(rows), name, visit, run.at, token.id)
    rows.append(row)
    before = token.known.get(name)
    token.visit = 1 if before is None else before.visits + 1
    token.known.own[name] = Known(row, None, token.visit)
    token.phase = _WORKING
    token.case = token.failure = None
    token.tolerated = False
    if run.joins:
        enter_step(run, token)


def end(run: Run, token: Token, status: Status, data: dict[str, Any]) -> Row:
    """The visit has ended; `data` is that of its last event."""
    row = token.row
    assert row is not None
    if token.late is not None:
        drop_timer(run, token.late)
        token.late = None
    row.status = status
    row.ended_at = run.at
    row.case = data.get("case")
    token.row = None
    return row
