"""Changes: the smallest things that happen to a token inside a step. Events carry them; `evolve` and `decide` apply
them.

A change evaluates nothing: what had to be evaluated is among its arguments, which are JSON data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from noetl.machine.branches import child_path, remove_token
from noetl.machine.held import Held
from noetl.machine.merging import merge_views
from noetl.machine.result import COMMON, Error, completed, failed, make_error, of_several, skipped
from noetl.machine.scope import work_path
from noetl.machine.state import (
    ActionWait,
    Ending,
    Frame,
    Phase,
    Run,
    SignalWait,
    Stage,
    StrandsWait,
    Timer,
    TimerWait,
    Token,
)
from noetl.machine.view import View
from noetl.model.playbook import ActionCall, Block, OnError, TaskCall, Work


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
        visible = outer.local if outer.stage is Stage.FALLBACK else outer.body
    frame = Frame(work, run.at, visible)
    if work.when is None and work.loop is None:
        frame.stage = Stage.READY
    token.frames.append(frame)


def loop(run: Run, token: Token) -> None:
    """A loop with a condition begins."""
    token.frames[-1].stage = Stage.LOOPING


def items(run: Run, token: Token, values: list[Any]) -> None:
    """What a loop goes through."""
    frame = token.frames[-1]
    frame.items = values
    frame.stage = Stage.LOOPING


def iterate(run: Run, token: Token) -> None:
    """The next iteration, or the only one, begins."""
    frame = token.frames[-1]
    frame.index += 1
    _begin_iteration(frame, frame.index)


def _begin_iteration(frame: Frame, index: int) -> None:
    frame.attempt = 0
    frame.options = None
    frame.stage = Stage.READY
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
    frame.attempts = max(frame.attempts, frame.attempt)
    frame.stage = Stage.BODY
    frame.next = 0
    frame.results = []
    frame.tolerated = False
    if isinstance(work, TaskCall) and args is not None:
        kept = {name: msgspec.convert(value, Held) for name, value in (held or {}).items()}
        outer = frame.visible or {}
        falls_back = len(token.frames) > 1 and token.frames[-2].stage is Stage.FALLBACK
        own_loop = {name: frame.local[name] for name in (work.loop.name, "loop")} if work.loop and frame.local else {}
        frame.body = {**(outer if falls_back else own_loop), **args, **kept}
    if work.retry is not None and not isinstance(work, ActionCall):
        frame.base = token.view
        token.view = View(token.view)
    if due is not None:
        frame.deadline = set_timer(run, due, token, "deadline", len(token.frames) - 1)


def undo(run: Run, token: Token) -> None:
    """A failed attempt is over and another follows: what it set, in a task or step, is forgotten."""
    frame = token.frames[-1]
    _clear_deadline(run, frame)
    if frame.base is not None:
        token.view = frame.base
        frame.base = None
    token.outcome = None
    frame.stage = Stage.DELAYED


def fall_back(run: Run, token: Token) -> None:
    """The attempts are used up, and the fallback takes their place."""
    frame = token.frames[-1]
    _clear_deadline(run, frame)
    token.outcome = None
    frame.stage = Stage.FALLBACK


def _keep(token: Token, frame: Frame) -> None:
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
    token.outcome = completed(data, attempts=frame.attempt, duration=(run.at - frame.started_at) / 1e6)
    frame.stage = Stage.TRIED


def skip(run: Run, token: Token) -> None:
    """The `when` of the work is false."""
    token.outcome = skipped()
    token.frames[-1].stage = Stage.ENDING


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
    frame.next += 1
    frame.tolerated = frame.tolerated or (token.outcome["failed"] and token.tolerated)
    if token.outcome["failed"] and not token.tolerated:
        frame.next = len(calls_of(run, frame.work))
        frame.tolerated = False
    token.outcome = None


def tried(run: Run, token: Token) -> None:
    """All calls of an attempt have ended, or one failed: the attempt has an outcome."""
    frame = token.frames[-1]
    duration = (run.at - frame.started_at) / 1e6
    parallel = bound_of(run, frame.work) != 1
    token.outcome = of_several(frame.results, parallel=parallel, duration=duration)
    token.results = frame.results
    token.result = token.outcome
    token.tolerated = frame.tolerated
    frame.stage = Stage.TRIED


def collect(run: Run, token: Token) -> None:
    """A loop takes the outcome of an iteration."""
    frame = token.frames[-1]
    outcome = token.outcome
    loop = frame.work.loop
    assert outcome is not None
    assert loop is not None
    _keep(token, frame)
    _clear_deadline(run, frame)
    if outcome["failed"] and not token.tolerated:
        frame.data.append(None)
        frame.errors.append(outcome["error"])
        if loop.on_error is OnError.CONTINUE:
            token.outcome = None
            frame.stage = Stage.LOOPING
        else:
            frame.stage = Stage.ENDING
    else:
        frame.data.append(outcome["data"])
        token.outcome = None
        frame.stage = Stage.LOOPING


def looped(run: Run, token: Token) -> None:
    """A loop is over: its result has the data of all iterations, and the failures that it went on after."""
    frame = token.frames[-1]
    fields = {"errors": frame.errors} if frame.errors else None
    token.outcome = completed(frame.data, fields, max(1, frame.attempts), (run.at - frame.started_at) / 1e6)
    token.tolerated = False
    frame.stage = Stage.ENDING


def leave(run: Run, token: Token) -> None:
    """A piece of work has ended, with all its policies; what stands around it takes the outcome."""
    frame = token.frames.pop()
    outcome = token.outcome
    assert outcome is not None
    _keep(token, frame)
    _clear_deadline(run, frame)
    if outcome["failed"]:
        if frame.work.on_error is OnError.CONTINUE and not frame.iteration:
            token.tolerated = True
        if frame.errors and frame.work.loop is not None:
            outcome = failed(outcome["error"], {**_own(outcome), "errors": frame.errors}, data=frame.data)
    attempts = max(1, frame.attempts)
    if not outcome["skipped"] and outcome["attempts"] < attempts:
        outcome = {**outcome, "attempts": attempts}
    token.outcome = token.result = outcome


def _own(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in COMMON}


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


def _clear_deadline(run: Run, frame: Frame) -> None:
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


def hear(run: Run, token: Token, data: Any, index: int | None = None) -> None:
    """The token takes a signal: the one that has just come, or a kept one."""
    if index is not None:
        del run.signals[index]
    token.wait = None
    did(run, token, data)
    run.wake(token)


def spawn(run: Run, token: Token, slots: list[int]) -> None:
    """Parallel items of a block, or iterations of a loop, begin as tokens of their own."""
    frame = token.frames[-1]
    token.wait = StrandsWait()
    run.ready.pop(token.id, None)
    path = work_path(token)
    for slot in slots:
        view = View(token.view)
        strand_id = child_path(token.id, f"{token.step.name}#{token.visit}:{path}.{slot}")
        strand = Token(strand_id, token.step, view, token.known)
        strand.parent = token
        strand.slot = slot
        strand.phase = Phase.WORKING
        strand.visit = token.visit
        strand.row = token.row
        strand.result, strand.results = token.result, token.results
        strand.error, strand.last_error = token.error, token.last_error
        if frame.stage is Stage.LOOPING:
            inner = Frame(frame.work, run.at, frame.visible)
            inner.items = frame.items
            inner.index = slot
            inner.iteration = True
            _begin_iteration(inner, slot)
        else:
            inner = Frame(calls_of(run, frame.work)[slot], run.at, frame.body)
        strand.frames.append(inner)
        frame.strands[slot] = strand
        frame.next = slot + 1
        run.tokens[strand_id] = strand
        run.wake(strand)


def gather(run: Run, token: Token) -> None:
    """All parallel items have ended: their results, and, unless one failed, what they set, in item order."""
    frame = token.frames[-1]
    token.wait = None
    ended = [frame.ended[slot] for slot in sorted(frame.ended)]
    frame.ended = {}
    if frame.stage is Stage.LOOPING:
        _gather_iterations(run, token, frame, ended)
        return
    results = [result for result, _ in ended]
    frame.results = results
    wrong = next((r for r, strand in ended if r["failed"] and not strand.tolerated and r["status"] == "failed"), None)
    if wrong is not None:
        frame.tolerated = False
        tried(run, token)
        assert token.outcome is not None
        token.outcome = token.result = {**token.outcome, "error": wrong["error"], "status": "failed"}
        note_error(token, wrong["error"])
        return
    frame.tolerated = any(result["failed"] for result in results)
    mode = token.step.merge
    merged, conflict = merge_views([strand.view for _, strand in ended], token.view, mode)
    token.view.own.update(merged.own)
    token.view.places.update(merged.places)
    for _, strand in ended:
        if strand.last_error is not None and strand.last_error is not token.last_error:
            token.last_error = strand.last_error
            token.error = strand.error
    tried(run, token)
    if conflict is not None:
        fail(run, token, make_error("permanent", "merge_conflict", conflict.message, step=token.step.name))
        token.tolerated = False


def _gather_iterations(run: Run, token: Token, frame: Frame, ended: list[tuple[dict[str, Any], Token]]) -> None:
    loop = frame.work.loop
    assert loop is not None
    wrong: Error | None = None
    for result, strand in ended:
        frame.attempts = max(frame.attempts, result["attempts"])
        if result["failed"] and not strand.tolerated:
            frame.data.append(None)
            if result["status"] == "failed":
                frame.errors.append(result["error"])
                wrong = wrong or result["error"]
                note_error(token, result["error"])
        else:
            frame.data.append(result["data"])
    if wrong is not None and loop.on_error is OnError.FAIL:
        token.outcome = failed(wrong, data=frame.data, duration=(run.at - frame.started_at) / 1e6)
        token.tolerated = False
        note_error(token, wrong)
        frame.stage = Stage.ENDING
    else:
        looped(run, token)


def interrupt(run: Run, token: Token, depth: int, error: Error | None) -> None:
    """Work down to the frame at `depth` (-1: all) is to end; an action in flight is asked to stop.

    With `error` that frame fails of it; None cancels.
    """
    if token.interrupt is not None and token.interrupt[0] <= depth:
        return
    token.interrupt = (depth, error)
    wait = token.wait
    if isinstance(wait, ActionWait):
        wait.cancelling = True
        run.changed[token.id] = None
    elif isinstance(wait, StrandsWait):
        for strand in list(token.frames[-1].strands.values()):
            interrupt(run, strand, -1, None)
        _check_strands(run, token)
    else:
        if isinstance(wait, TimerWait):
            drop_timer(run, wait.timer)
        if wait is not None:
            token.wait = None
            run.wake(token)


def _check_strands(run: Run, token: Token) -> None:
    if not token.frames[-1].strands:
        token.wait = None
        run.wake(token)


def unwind(run: Run, token: Token) -> None:
    """What was interrupted falls away, down to the frame that ends with the error."""
    assert token.interrupt is not None
    depth, error = token.interrupt
    token.interrupt = None
    token.wait = None
    for frame in reversed(token.frames[depth + 1 :]):
        _clear_deadline(run, frame)
        if frame.base is not None:
            token.view = frame.base
    del token.frames[depth + 1 :]
    token.outcome = None
    if error is not None:
        frame = token.frames[depth]
        _clear_deadline(run, frame)
        frame.strands, frame.ended = {}, {}
        token.outcome = failed(error, attempts=max(1, frame.attempt))
        token.tolerated = False
        note_error(token, error)
        frame.stage = Stage.TRIED


def end_strand(run: Run, token: Token, *, cancelled: bool) -> None:
    """A parallel item has ended; with the last of them its parent goes on."""
    parent = token.parent
    assert parent is not None
    frame = parent.frames[-1]
    remove_token(run, token)
    del frame.strands[token.slot]
    if cancelled:
        error = make_error("user", "cancelled", "cancelled", step=token.step.name)
        result = failed(error, status="cancelled")
    else:
        assert token.outcome is not None
        result = token.outcome
    frame.ended[token.slot] = (result, token)
    if not frame.strands:
        parent.wait = None
        run.wake(parent)


def stop_spawning(run: Run, token: Token, total: int) -> None:
    """A parallel item has failed: those not started yet never are."""
    token.frames[-1].next = total


def misjudge(run: Run, token: Token, error: Error) -> None:
    """The condition of a case raised: the step fails of it."""
    note_error(token, error)
    token.failure = error
    token.result = failed(error)


def fire(run: Run, token: Token, number: int) -> None:
    """A case whose run is work has fired."""
    token.case = number


def worked(run: Run, token: Token) -> None:
    """The work of the step, or of a fired case, is over."""
    outcome = token.outcome
    assert outcome is not None
    token.outcome = None
    token.result = outcome
    work = token.step.work if token.case is None else token.step.cases[token.case - 1].work
    if work is not None and len(work.run) == 1:
        token.results = [outcome]
    if outcome["failed"] and not token.tolerated:
        token.failure = outcome["error"]
    token.known.own[token.step.name].result = outcome


def quick(run: Run, token: Token, values: dict[str, Any]) -> None:
    """The whole work of a step was one `set` without policies: what `set` and `worked` do, at once."""
    assign(run, token, values)
    result = completed(values)
    token.result = result
    token.results = [result]
    token.known.own[token.step.name].result = result


def end(run: Run, token: Token | None, status: str, error: Error | None, reason: str | None, by: str | None) -> None:
    """The run begins to end; `by` is the path of the token that a `stop` ended."""
    run.ending = Ending(status, error, reason, by)


def cancel_token(run: Run, token: Token) -> None:
    """A token that is in no visit is no more."""
    remove_token(run, token)


Change = Callable[..., None]

#: The word in the log, and what it does to a run and a token.
CHANGES: dict[str, Change] = {
    "assign": assign,
    "begin": begin,
    "cancel": cancel_token,
    "collect": collect,
    "did": did,
    "end": end,
    "fall_back": fall_back,
    "enter": enter,
    "fail": fail,
    "fire": fire,
    "gather": gather,
    "hear": hear,
    "interrupt": interrupt,
    "items": items,
    "iterate": iterate,
    "leave": leave,
    "listen": listen,
    "log": log,
    "loop": loop,
    "looped": looped,
    "misjudge": misjudge,
    "quick": quick,
    "set": set_values,
    "skip": skip,
    "sleep": sleep,
    "spawn": spawn,
    "stop_spawning": stop_spawning,
    "take": take,
    "tried": tried,
    "undo": undo,
    "unwind": unwind,
    "worked": worked,
}
