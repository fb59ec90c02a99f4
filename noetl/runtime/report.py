"""What a run comes to, for people and for programs: the contract of `noetl run --json` (language.md 10)."""

from __future__ import annotations

from typing import Any

import msgspec

from noetl.machine import Run, Status
from noetl.machine.result import Error
from noetl.machine.scope import iso
from noetl.machine.state import Compensation, Row
from noetl.machine.undoing import failure


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a run at one moment.

    `duration` is in seconds, `error` the failure that ended it, `steps` rows by start, `compensations` what was or is
    to be undone, in that order.
    """

    execution_id: str
    playbook: str
    status: Status
    attempt: int
    started_at: str
    duration: float
    outputs: dict[str, Any]
    error: Error | None
    steps: list[dict[str, Any]]
    signals: list[str] = msgspec.field(default_factory=list)
    compensations: list[dict[str, Any]] = msgspec.field(default_factory=list)

    def __repr__(self) -> str:
        return f"Report({self.execution_id!r}, {str(self.status)!r})"

    @property
    def succeeded(self) -> bool:
        return self.status is Status.COMPLETED

    def as_data(self) -> dict[str, Any]:
        """The object that `noetl run --json` prints."""
        data = {
            "execution_id": self.execution_id,
            "playbook": self.playbook,
            "status": str(self.status),
            "attempt": self.attempt,
            "started_at": self.started_at,
            "duration": self.duration,
            "outputs": self.outputs,
            "error": self.error,
            "steps": self.steps,
        }
        if self.signals:
            data["signals"] = self.signals
        if self.compensations:
            data["compensations"] = self.compensations
        return data


def report(run: Run) -> Report:
    """What the state of a run says of it; `signals` are those that nobody took."""
    ended_at = run.at if run.ended_at is None else run.ended_at
    return Report(
        execution_id=run.id,
        playbook=run.playbook.name,
        status=run.status,
        attempt=run.attempt,
        started_at=iso(run.started_at),
        duration=(ended_at - run.started_at) / 1e6,
        outputs=run.outputs,
        error=run.error,
        steps=[_row(row, run.at) for row in run.rows],
        signals=[event for event, _ in run.signals],
        compensations=[_undoing(one) for one in _undone(run)],
    )


def _undone(run: Run) -> list[Compensation]:
    """What was undone, then what is to be, in that order. What could be undone in a run that succeeds is no news."""
    begun = sorted((one for one in run.compensations if one.begun), key=lambda one: one.begun)
    fails = bool(begun) and failure(run) is not None
    return [*begun, *(one for one in reversed(run.compensations) if not one.begun and (fails or one.cause is not None))]


def _undoing(found: Compensation) -> dict[str, Any]:
    compensate = found.work.compensate
    assert compensate is not None
    return {
        "step": found.step.name,
        "place": found.work.place,
        "task": compensate.task,
        "status": str(found.status),
        "error": found.error,
    }


def _row(row: Row, now: int) -> dict[str, Any]:
    ended_at = now if row.ended_at is None else row.ended_at
    return {
        "name": row.name,
        "visit": row.visit,
        "status": str(row.status),
        "attempts": row.attempts,
        "started_at": iso(row.started_at),
        "duration": (ended_at - row.started_at) / 1e6,
        "case": row.case,
        "next": row.next,
        "error": row.error,
    }
