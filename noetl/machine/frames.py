"""Changes to the work that a token is in: frames are entered, go through iterations and attempts, and are left."""

from __future__ import annotations

from typing import Any

import msgspec

from noetl.machine.held import Held
from noetl.machine.result import Error, completed, failed, of_several, own_fields, skipped
from noetl.machine.state import Frame, Run, Stage, Token
from noetl.machine.timers import clear_deadline, set_timer
from noetl.machine.view import View
from noetl.model.playbook import ActionCall, Block, OnError, TaskCall, Work

# As globals: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for these.
_LOOPING, _READY, _BODY, _TRIED = Stage.LOOPING, Stage.READY, Stage.BODY, Stage.TRIED
_DELAYED, _FALLBACK, _ENDING = Stage.DELAYED, Stage.FALLBACK, Stage.ENDING
_CONTINUE = OnError.CONTINUE


def calls_of(run: Run, work: Work) -> tuple[ActionCall | TaskCall, ...]:
    """The calls that a block or task call consists of."""
    if isinstance(work, Block):
        return work.run
    assert isinstance(work, TaskCall)
    return run.playbook.tasks[work.task].run


def bound_of(run: Run, work: Work) -> int:
    """How many of its calls run at once (0: all)."""
    if isinstance(work, Block):
        return work.parallel
    assert isinstance(work, TaskCall)
    return run.playbook.tasks[work.task].parallel


def enter(run: Run, token: Token, work_id: int) -> None:
    """A piece of work begins."""
    work = run.playbook.works[work_id]
    if not token.frames:
        visible = None
    else:
        outer = token.frames[-1]
        visible = outer.local if outer.stage is _FALLBACK else outer.body
    frame = Frame.of(work, run.at, visible)
    if work.when is None and work.loop is None:
        frame.stage = _READY
    token.frames.append(frame)


def attempt(run: Run, token: Token, work_id: int) -> None:
    """A bare action of a step or case begins, and with it its only attempt: what `enter` and `begin` do, at once."""
    frame = Frame.of(run.playbook.works[work_id], run.at, None)
    frame.attempt = frame.attempts = 1
    frame.stage = _BODY
    token.frames.append(frame)


def loop(run: Run, token: Token) -> None:
    """A loop with a condition begins."""
    token.frames[-1].stage = _LOOPING


def items(run: Run, token: Token, values: list[Any] | int) -> None:
    """What a loop goes through; a number counts from 0."""
    frame = token.frames[-1]
    frame.items = range(values) if isinstance(values, int) else values
    frame.stage = _LOOPING


def iterate(run: Run, token: Token) -> None:
    """The next iteration, or the only one, begins."""
    frame = token.frames[-1]
    frame.index += 1
    begin_iteration(frame, frame.index)


def begin_iteration(frame: Frame, index: int) -> None:
    frame.attempt = 0
    frame.options = None
    frame.stage = _READY
    loop = frame.work.loop
    if loop is None:
        return
    length = None if frame.items is None else len(frame.items)
    item = index if frame.items is None else frame.items[index]
    last = None if length is None else index == length - 1
    about = {"item": item, "index": index, "first": index == 0, "last": last, "length": length}
    frame.local = {**(frame.visible or {}), loop.name: item, "loop": about}
    frame.body = frame.local


def begin(run: Run, token: Token, due: int | None, args: dict[str, Any] | None, held: dict[str, Any] | None) -> None:
    """An attempt begins.

    `args` are a task call's, rendered once for all attempts, and `held` those that stay expressions.
    """
    frame = token.frames[-1]
    work = frame.work
    frame.attempt += 1
    frame.began_at = run.at
    frame.attempts = max(frame.attempts, frame.attempt)
    frame.stage = _BODY
    frame.next = 0
    frame.results = []
    frame.excused = []
    frame.tolerated = False
    if isinstance(work, TaskCall) and args is not None:
        kept = {name: msgspec.convert(value, Held) for name, value in (held or {}).items()}
        outer = frame.visible or {}
        # A task that serves another work's purpose sees what that work sees.
        serves = token.compensates is not None if len(token.frames) == 1 else token.frames[-2].stage is _FALLBACK
        own_loop = {name: frame.local[name] for name in (work.loop.name, "loop")} if work.loop and frame.local else {}
        frame.body = {**(outer if serves else own_loop), **args, **kept}
    if work.retry is not None and not isinstance(work, ActionCall):
        frame.base = token.view
        token.view = View(token.view)
    if due is not None:
        frame.deadline = set_timer(run, due, token, "deadline", len(token.frames) - 1)


def undo(run: Run, token: Token) -> None:
    """A failed attempt is over and another follows: what it set, in a task or step, is forgotten."""
    frame = token.frames[-1]
    clear_deadline(run, frame)
    if frame.base is not None:
        token.view = frame.base
        frame.base = None
    token.outcome = None
    frame.stage = _DELAYED


def fall_back(run: Run, token: Token) -> None:
    """The attempts are used up, and the fallback takes their place."""
    frame = token.frames[-1]
    clear_deadline(run, frame)
    token.outcome = None
    frame.stage = _FALLBACK


def keep(token: Token, frame: Frame) -> None:
    """What the last attempt set stays."""
    base = frame.base
    if base is not None:
        layer = token.view
        base.own.update(layer.own)
        base.places.update(layer.places)
        token.view = base
        frame.base = None


def did(run: Run, token: Token, data: Any) -> None:
    """An action that needs nothing from outside was done."""
    frame = token.frames[-1]
    token.outcome = completed(data, attempts=frame.attempt, duration=(run.at - frame.began_at) / 1e6)
    frame.stage = _TRIED


def hear(run: Run, token: Token, data: Any, index: int | None = None) -> None:
    """The token takes a signal: the one that has just come, or a kept one."""
    if index is not None:
        del run.signals[index]
    token.wait = None
    did(run, token, data)
    run.wake(token)


def skip(run: Run, token: Token) -> None:
    """The `when` of the work is false."""
    token.outcome = skipped()
    token.frames[-1].stage = _ENDING


def fail(run: Run, token: Token, error: Error, next_stage: str = Stage.TRIED) -> None:
    """The work fails without having asked anything from outside; `next_stage` says which policies may still help."""
    attempts = 1
    if token.frames:
        frame = token.frames[-1]
        frame.stage = Stage(next_stage)
        attempts = max(1, frame.attempt)
    token.outcome = failed(error, attempts=attempts)
    token.tolerated = False
    note_error(token, error)


def note_error(token: Token, error: Error) -> None:
    token.error = token.last_error = error


def assign(run: Run, token: Token, values: dict[str, Any]) -> None:
    """Variables of the run get values."""
    token.view.own.update(values)
    if token.fork is not None or token.parent is not None:
        place = _place(token)
        for name in values:
            token.view.places[name] = place


def _place(token: Token) -> str:
    if token.frames:
        return token.frames[-1].work.place
    work = token.step.work
    return token.step.name if work is None else work.run[0].place


def set_values(run: Run, token: Token, values: dict[str, Any]) -> None:
    """The `set` action: variables get values, which are its data too."""
    assign(run, token, values)
    did(run, token, values)


def log(run: Run, token: Token, level: str, message: str, fields: dict[str, Any]) -> None:
    """The `log` action: it is for those who read events, and changes nothing."""


def take(run: Run, token: Token) -> None:
    """A block takes the outcome of the call that ended."""
    frame = token.frames[-1]
    assert token.outcome is not None
    frame.results.append(token.outcome)
    frame.excused.append(token.tolerated)
    frame.next += 1
    frame.tolerated = frame.tolerated or (token.outcome["failed"] and token.tolerated)
    if token.outcome["failed"] and not token.tolerated:
        frame.next = len(calls_of(run, frame.work))
        frame.tolerated = False
    token.outcome = None


def tried(run: Run, token: Token) -> None:
    """All calls of an attempt have ended, or one failed: the attempt has an outcome."""
    frame = token.frames[-1]
    duration = (run.at - frame.began_at) / 1e6
    parallel = bound_of(run, frame.work) != 1 and len(calls_of(run, frame.work)) > 1
    token.outcome = of_several(frame.results, frame.excused, parallel=parallel, duration=duration)
    token.results = frame.results
    token.result = token.outcome
    token.tolerated = frame.tolerated
    frame.stage = _TRIED


def collect(run: Run, token: Token) -> None:
    """A loop takes the outcome of an iteration."""
    frame = token.frames[-1]
    outcome = token.outcome
    loop = frame.work.loop
    assert outcome is not None
    assert loop is not None
    token.result = outcome
    frame.spent += outcome["duration"]
    keep(token, frame)
    clear_deadline(run, frame)
    if outcome["failed"] and not token.tolerated:
        frame.data.append(None)
        frame.errors[frame.index] = outcome["error"]
        if loop.on_error is _CONTINUE:
            token.outcome = None
            frame.stage = _LOOPING
        else:
            frame.stage = _ENDING
    else:
        frame.data.append(outcome["data"])
        token.outcome = None
        frame.stage = _LOOPING


def looped(run: Run, token: Token) -> None:
    """A loop is over: its result has the data of all iterations, and the failures that it went on after."""
    frame = token.frames[-1]
    fields = {"errors": failures(frame)} if frame.errors else None
    token.outcome = completed(frame.data, fields, max(1, frame.attempts), (run.at - frame.started_at) / 1e6)
    token.tolerated = False
    frame.stage = _ENDING


def failures(frame: Frame) -> list[Error]:
    """The failures of a loop's iterations, in item order."""
    return [frame.errors[index] for index in sorted(frame.errors)]


def leave(run: Run, token: Token) -> None:
    """A piece of work has ended, with all its policies; what stands around it takes the outcome."""
    frame = token.frames.pop()
    outcome = token.outcome
    assert outcome is not None
    keep(token, frame)
    clear_deadline(run, frame)
    if outcome["failed"]:
        if frame.work.on_error is _CONTINUE and not frame.iteration:
            token.tolerated = True
        if frame.errors and frame.work.loop is not None:
            outcome = failed(outcome["error"], {**own_fields(outcome), "errors": failures(frame)}, data=frame.data)
    attempts = max(1, frame.attempts)
    if not outcome["skipped"] and outcome["attempts"] < attempts:
        outcome = {**outcome, "attempts": attempts}
    token.outcome = token.result = outcome
