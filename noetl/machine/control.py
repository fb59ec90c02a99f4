"""What people ask of a run while it goes on: signals, cancelling, pausing and going on again."""

from __future__ import annotations

from typing import Any

from noetl.errors import ErrorKind
from noetl.machine.decider import Decider
from noetl.machine.facts import Cancel, Pause, Resume, Signal
from noetl.machine.result import make_error
from noetl.machine.state import Run, Status, Token
from noetl.machine.waits import ActionWait, SignalWait
from noetl.model.event import Kind
from noetl.model.playbook import ActionCall


def signal(d: Decider, fact: Signal) -> None:
    run = d.run
    if run.over or _is_known(run, fact.command):
        return
    asked = _asked(fact.command)
    waiting = [
        token for token in run.tokens.values() if isinstance(token.wait, SignalWait) and token.wait.event == fact.event
    ]
    if not waiting:
        d.emit(Kind.SIGNAL_RECEIVED, None, {"event": fact.event, "data": fact.data, **asked})
        return
    token = min(waiting, key=lambda token: token.wait.number if isinstance(token.wait, SignalWait) else 0)
    d.change(token, "hear", fact.data)
    d.emit(Kind.SIGNAL_RECEIVED, token, {"taken": fact.event, **asked})


def cancel(d: Decider, fact: Cancel) -> None:
    run = d.run
    if run.over or run.status is Status.PENDING or _is_known(run, fact.command):
        return
    if run.ending is not None:
        # A run that has begun to end goes on ending as it began, compensations included.
        if any(one.status is not Status.PENDING for one in run.compensations):
            data = {"signal": "cancel", "reason": fact.reason, "ignored": True, **_asked(fact.command)}
            d.emit(Kind.SIGNAL_RECEIVED, None, data)
        return
    if run.status is Status.PAUSED:
        d.emit(Kind.RUN_RESUMED, None, {})
    error = make_error(ErrorKind.USER, "cancelled", f"cancelled: {fact.reason}")
    d.end(Status.CANCELLED, error, reason=fact.reason)
    d.emit(Kind.SIGNAL_RECEIVED, None, {"signal": "cancel", "reason": fact.reason, **_asked(fact.command)})


def pause(d: Decider, fact: Pause) -> None:
    run = d.run
    if run.status is not Status.RUNNING or run.ending is not None or _is_known(run, fact.command):
        return
    data: dict[str, Any] = {"reason": fact.reason, **_asked(fact.command)}
    if fact.until is not None:
        data["until"] = fact.until
    d.emit(Kind.RUN_PAUSED, None, data)


def resume(d: Decider, fact: Resume) -> None:
    run = d.run
    if run.over or run.status is Status.PENDING or _is_known(run, fact.command):
        return
    if run.status is not Status.PAUSED and not fact.recovered:
        return
    d.emit(Kind.RUN_RESUMED, None, {**({"recovered": True} if fact.recovered else {}), **_asked(fact.command)})
    for token in list(run.tokens.values()):
        wait = token.wait
        if isinstance(wait, ActionWait) and wait.lost > fact.max_lost and not wait.cancelling and not _calls(wait):
            _give_up(d, token, wait)


def _give_up(d: Decider, token: Token, wait: ActionWait) -> None:
    """An action that every engine was lost with: the next one would be lost, too."""
    work = wait.frame.work
    message = f"{work.title} of step '{token.step.name}' was lost {wait.lost} times with the engine that carried it out"
    action = work.action if isinstance(work, ActionCall) else None
    error = make_error(ErrorKind.PERMANENT, "lost", message, step=token.step.name, action=action, attempt=wait.attempt)
    duration_s = (d.run.at - wait.started_at) / 1e6
    data = {"place": work.place, "attempt": wait.attempt, "duration": duration_s, "error": error}
    d.emit(Kind.ACTION_FAILED, token, data)


def _calls(wait: ActionWait) -> bool:
    """Whether it only waits for a called run, which has its own actions to lose."""
    work = wait.frame.work
    return isinstance(work, ActionCall) and work.action == "playbook"


def _asked(command: int) -> dict[str, Any]:
    return {"command": command} if command else {}


def _is_known(run: Run, command: int) -> bool:
    """Whether a command has come before: it is delivered again where nobody noted that it had been carried out."""
    return 0 < command <= run.last_command
