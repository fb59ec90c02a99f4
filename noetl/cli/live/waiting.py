"""What a token waits for, and which of its attempts it is in, as people read it."""

from __future__ import annotations

import time

from noetl.cli.text import count, elapsed, one_line
from noetl.machine import Run, Status
from noetl.machine.state import Stage, Timer, Token
from noetl.machine.waits import ActionWait, SignalWait, TimerWait, UndoingWait

_DAY_S = 24 * 3600


def waiting_of(run: Run, token: Token, now: int) -> str:
    """What the token waits for and until when; empty where something of its own goes on."""
    wait = token.wait
    if isinstance(wait, ActionWait) and wait.queued is not None:
        return f"queued: {one_line(wait.queued)}"
    if isinstance(wait, SignalWait):
        deadline = _deadline(run, token)
        until = "" if deadline is None else f" {_until(deadline.due, now)}"
        return f"waits for the event '{one_line(wait.event)}'{until}"
    if isinstance(wait, TimerWait):
        timer = run.timers[wait.timer]
        if timer.purpose == "wait":
            return f"waits {_until(timer.due, now)}"
        return f"is tried again in {elapsed((timer.due - now) / 1e6)}"
    if isinstance(wait, UndoingWait):
        return f"failed; {count(len(token.frames[0].undoes) + 1, 'piece')} of its branch to be undone"
    return ""


def standing_of(run: Run, now: int) -> str:
    """Why a run as a whole stands still, if it does."""
    if run.starts_at is not None:
        return f"is tried again in {elapsed((run.starts_at - now) / 1e6)} (attempt {run.attempt})"
    if run.status is not Status.PAUSED:
        return ""
    end = next((timer.due for timer in run.timers.values() if timer.purpose == "pause"), None)
    return "paused" if end is None else f"paused {_until(end, now)}"


def attempt_of(token: Token) -> str:
    """`attempt 2/3`, from the second attempt of the innermost work that may have several."""
    for frame in reversed(token.frames):
        retry = frame.work.retry
        if retry is not None:
            number = frame.attempt + (frame.stage is Stage.DELAYED)
            of = f"/{retry.attempts}" if isinstance(retry.attempts, int) else ""
            return f"attempt {number}{of}" if number > 1 else ""
    return ""


def _deadline(run: Run, token: Token) -> Timer | None:
    """The first of the times that end the waiting."""
    timers = [run.timers[frame.deadline] for frame in token.frames if frame.deadline in run.timers]
    return min(timers, key=lambda timer: timer.due, default=None)


def _until(due: int, now: int) -> str:
    """`until 14:05:00 (3m12s left)`, with the date where it is far away."""
    left = (due - now) / 1e6
    form = "%H:%M:%S" if left < _DAY_S else "%Y-%m-%d %H:%M"
    return f"until {time.strftime(form, time.localtime(due // 1_000_000))} ({elapsed(left)} left)"
