"""`outstanding`: what has to be going on now. The runtime compares it with what it has in hand."""

from __future__ import annotations

from typing import Any

import msgspec

from noetl.machine.held import Held
from noetl.machine.state import Run, Status
from noetl.machine.waits import ActionWait
from noetl.model.playbook import ActionCall

# As globals: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for these.
_RUNNING = Status.RUNNING


class RunAction(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Carry out an action: `options` are rendered, `held` are those to be rendered just before (language.md 5).

    `wait` is the number to answer with; `timeout` is in seconds; `lost` counts the engines that were lost with it.
    """

    token: str
    step: str
    work: ActionCall
    wait: int
    attempt: int
    timeout: float | None
    options: dict[str, Any]
    held: dict[str, Held]
    key: str
    lost: int


class StopAction(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Stop an action that is carried out, and answer when it has ended."""

    token: str
    wait: int
    key: str
    lost: int


Command = RunAction | StopAction


class Outstanding(msgspec.Struct, frozen=True, eq=False, gc=False):
    """All actions that have to be running or stopping, by token, and all timers, by number with their due time."""

    actions: dict[str, Command | None]
    timers: dict[int, int | None]


def command_of(run: Run, token_id: str) -> Command | None:
    """What is to go on for a token. In a paused run nothing starts; what goes on may come to its end."""
    token = run.tokens.get(token_id)
    if token is None or run.status is not _RUNNING or not isinstance(token.wait, ActionWait):
        return None
    wait, frame = token.wait, token.wait.frame
    if wait.cancelling:
        return StopAction(token_id, wait.number, frame.key, wait.lost)
    work = frame.work
    assert isinstance(work, ActionCall)
    return RunAction(
        token_id,
        token.step.name,
        work,
        wait.number,
        wait.attempt,
        wait.timeout,
        frame.options or {},
        frame.held,
        frame.key,
        wait.lost,
    )


def outstanding(run: Run) -> Outstanding:
    """Everything that has to be going on; after a restart, all there is to resume. Of a paused run, its timers."""
    actions = {token_id: command for token_id in run.tokens if (command := command_of(run, token_id)) is not None}
    return Outstanding({**actions}, {number: timer.due for number, timer in run.timers.items()})


def changed(run: Run) -> Outstanding:
    """Only what changed since the last call; None stands for what need not go on any more."""
    actions = {token_id: command_of(run, token_id) for token_id in run.changed}
    run.changed.clear()
    timers: dict[int, int | None] = {}
    if run.timers_changed:
        timers = {number: run.timers[number].due if number in run.timers else None for number in run.timers_changed}
        run.timers_changed.clear()
    return Outstanding(actions, timers)
