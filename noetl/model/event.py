"""Events: what happened in a run, in the words of process mining. The log of them is all there is of a run."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

#: The version of the shape of `data`; older ones are upgraded on read.
VERSION = 1


class Kind(StrEnum):
    RUN_STARTED = "run.started"
    RUN_PAUSED = "run.paused"
    RUN_RESUMED = "run.resumed"
    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_LATE = "run.late"
    STEP_STARTED = "step.started"
    STEP_COMPLETED = "step.completed"
    STEP_UNDOING = "step.undoing"
    STEP_FAILED = "step.failed"
    STEP_CANCELLED = "step.cancelled"
    ACTION_QUEUED = "action.queued"
    ACTION_STARTED = "action.started"
    ACTION_PROGRESS = "action.progress"
    ACTION_COMPLETED = "action.completed"
    ACTION_FAILED = "action.failed"
    ACTION_RETRYING = "action.retrying"
    ACTION_CANCELLED = "action.cancelled"
    TOKEN_JOINED = "token.joined"
    TIMER_SET = "timer.set"
    TIMER_FIRED = "timer.fired"
    SIGNAL_RECEIVED = "signal.received"
    CIRCUIT_CHANGED = "circuit.changed"
    COMPENSATION_STARTED = "compensation.started"
    COMPENSATION_COMPLETED = "compensation.completed"
    COMPENSATION_FAILED = "compensation.failed"
    LOG = "log"
    OUTPUT = "output"


class Event(msgspec.Struct, frozen=True, gc=False):
    """One entry of a run's log.

    `seq` is dense from 1; `at` is UTC in microseconds since the epoch; `step` and `token` are empty where the event
    belongs to the whole run; `data` is JSON.
    """

    execution_id: str
    seq: int
    at: int
    kind: str
    step: str
    token: str
    data: dict[str, Any]
    v: int = VERSION
