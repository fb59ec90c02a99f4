"""Changes to what a token waits for: a time, or a signal."""

from __future__ import annotations

from noetl.machine.state import Frame, Run, Timer, Token
from noetl.machine.waits import SignalWait, TimerWait


def set_timer(run: Run, due: int, token: Token | None, purpose: str, depth: int) -> int:
    """A new timer, and its number."""
    number = run.next_timer
    run.next_timer += 1
    run.timers[number] = Timer(due, None if token is None else token.id, purpose, depth)
    run.timers_changed[number] = None
    return number


def drop_timer(run: Run, number: int) -> None:
    if run.timers.pop(number, None) is not None:
        run.timers_changed[number] = None


def clear_deadline(run: Run, frame: Frame) -> None:
    if frame.deadline is not None:
        drop_timer(run, frame.deadline)
        frame.deadline = None


def sleep(run: Run, token: Token, due: int, purpose: str) -> None:
    """The token goes on when the time has come."""
    number = set_timer(run, due, token, purpose, len(token.frames) - 1)
    token.wait = TimerWait(number)


def listen(run: Run, token: Token, event: str) -> None:
    """The token goes on when somebody sends this event."""
    token.wait = SignalWait(run.seq + 1, event)
