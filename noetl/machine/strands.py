"""Changes to parallel items, which are tokens of their own, and to work that is to end before its time."""

from __future__ import annotations

from noetl.machine.branches import child_path, order, remove_token
from noetl.machine.frames import begin_iteration, calls_of, fail, keep, looped, note_error, tried
from noetl.machine.merging import merge_views
from noetl.machine.result import Error, Result, failed, make_error, own_fields
from noetl.machine.scope import work_path
from noetl.machine.state import Frame, Phase, Run, Stage, Token
from noetl.machine.timers import clear_deadline, drop_timer
from noetl.machine.view import View
from noetl.machine.waits import ActionWait, StrandsWait, TimerWait
from noetl.model.playbook import OnError

# As globals: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for these.
_WORKING, _LOOPING = Phase.WORKING, Stage.LOOPING


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
        strand.phase = _WORKING
        strand.visit = token.visit
        strand.row = token.row
        strand.result, strand.results = token.result, token.results
        strand.error, strand.last_error = token.error, token.last_error
        if frame.stage is _LOOPING:
            frame.data.append(None)
            inner = Frame.of(frame.work, run.at, frame.visible)
            inner.items = frame.items
            inner.index = slot
            inner.iteration = True
            begin_iteration(inner, slot)
        else:
            inner = Frame.of(calls_of(run, frame.work)[slot], run.at, frame.body)
        strand.frames.append(inner)
        frame.strands[slot] = strand
        frame.next = slot + 1
        run.tokens[strand_id] = strand
        run.wake(strand)


def gather(run: Run, token: Token) -> None:
    """All parallel items have ended: their results, and, unless one failed, what they set, in item order."""
    frame = token.frames[-1]
    token.wait = None
    if frame.stage is _LOOPING:
        _gather_iterations(run, token, frame)
    else:
        _gather_calls(run, token, frame)


def _gather_calls(run: Run, token: Token, frame: Frame) -> None:
    ended = [frame.ended[slot] for slot in sorted(frame.ended)]
    frame.ended = {}
    results = [result for result, _ in ended]
    frame.results = results
    frame.excused = [result["failed"] and strand.tolerated for result, strand in ended]
    if any(result["failed"] and not strand.tolerated for result, strand in ended):
        frame.tolerated = False
        tried(run, token)
        assert token.outcome is not None
        note_error(token, token.outcome["error"])
        return
    frame.tolerated = any(frame.excused)
    merged, conflict = merge_views([strand.view for _, strand in ended], token.view, token.step.merge)
    token.view.own.update(merged.own)
    token.view.places.update(merged.places)
    for _, strand in ended:
        if strand.last_error is not None and strand.last_error is not token.last_error:
            token.last_error = strand.last_error
            token.error = strand.error
    tried(run, token)
    if conflict is not None:
        fail(run, token, make_error("permanent", "merge_conflict", conflict.message, step=token.step.name))


def _gather_iterations(run: Run, token: Token, frame: Frame) -> None:
    loop = frame.work.loop
    assert loop is not None
    if frame.errors:
        note_error(token, frame.errors[max(frame.errors)])
    if frame.first_failure is not None and loop.on_error is OnError.FAIL:
        _, wrong = frame.first_failure
        duration = (run.at - frame.started_at) / 1e6
        token.outcome = failed(wrong["error"], own_fields(wrong), data=frame.data, duration=duration)
        token.tolerated = False
        note_error(token, wrong["error"])
        frame.stage = Stage.ENDING
    else:
        looped(run, token)


def _end_iteration(frame: Frame, slot: int, result: Result, *, tolerated: bool) -> None:
    """What is kept of an iteration: neither its token nor its result, for there may be a million of them."""
    frame.attempts = max(frame.attempts, result["attempts"])
    frame.spent += result["duration"]
    if not result["failed"] or tolerated:
        frame.data[slot] = result["data"]
    elif result["status"] == "failed":
        frame.errors[slot] = result["error"]
        if frame.first_failure is None or slot < frame.first_failure[0]:
            frame.first_failure = (slot, result)


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
    if frame.stage is _LOOPING:
        _end_iteration(frame, token.slot, result, tolerated=token.tolerated)
    else:
        frame.ended[token.slot] = (result, token)
    if not frame.strands:
        parent.wait = None
        run.wake(parent)


def stop_spawning(run: Run, token: Token, total: int) -> None:
    """A parallel item has failed: those not started yet never are."""
    token.frames[-1].next = total


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
        if not token.frames[-1].strands:
            token.wait = None
            run.wake(token)
    else:
        if isinstance(wait, TimerWait):
            drop_timer(run, wait.timer)
        if wait is not None:
            token.wait = None
            run.wake(token)


def unwind(run: Run, token: Token) -> None:
    """What was interrupted falls away, down to the frame that ends with the error."""
    assert token.interrupt is not None
    depth, error = token.interrupt
    token.interrupt = None
    token.wait = None
    for frame in reversed(token.frames[depth + 1 :]):
        clear_deadline(run, frame)
        keep(token, frame)
    del token.frames[depth + 1 :]
    token.outcome = None
    if error is not None:
        frame = token.frames[depth]
        clear_deadline(run, frame)
        frame.strands, frame.ended = {}, {}
        token.outcome = failed(error, attempts=max(1, frame.attempt))
        token.tolerated = False
        note_error(token, error)
        frame.stage = Stage.TRIED


def end_cancelled(run: Run, token: Token) -> None:
    """A branch has stopped before its end; what it had set counts for the outputs, unless it lost a race."""
    if not token.lost:
        run.ended.append((order(token), token))
    remove_token(run, token)
