"""`evolve`: folds one event into the state of a run. It evaluates nothing; replay uses it alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from noetl.errors import ReplayError
from noetl.machine import frames, strands, timers, undoing, visits
from noetl.machine.branches import activate, add_token, enter_step, move, order, park, remove_token, split
from noetl.machine.changes import CHANGES
from noetl.machine.held import Held
from noetl.machine.joins import join
from noetl.machine.result import completed, failed, make_error
from noetl.machine.state import MOVING, ROOT, Ending, Phase, Row, Run, Stage, Status, Token
from noetl.machine.view import View
from noetl.machine.waits import ActionWait, SignalWait
from noetl.model.event import Event, Kind

Data = dict[str, Any]

# As globals: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for these.
_PENDING, _WORKING, _COMPLETED = Phase.PENDING, Phase.WORKING, Status.COMPLETED
_STEP_STARTED, _TRIED = Kind.STEP_STARTED, Stage.TRIED


def evolve(run: Run, event: Event) -> Run:
    """The state after one more event of the log.

    Raises ReplayError where the event does not follow from the ones before, or names what the playbook does not have.
    """
    if event.seq != run.seq + 1:
        raise ReplayError(f"event {event.seq} of run {run.id} follows event {run.seq}")
    run.at = event.at
    run.ready.pop(event.token, None)
    try:
        for change in event.data.get("changes", ()):
            token_id, word, *arguments = change
            CHANGES[word](run, run.tokens.get(event.token if token_id is None else token_id), *arguments)
        _refuse_other_step(run, event)
        if event.kind in APPLY:
            APPLY[event.kind](run, event, event.data)
        run.seq = event.seq
        if event.kind == _STEP_STARTED:
            _refuse_other_step(run, event)
    except (KeyError, IndexError, AttributeError, AssertionError) as error:
        raise ReplayError(
            f"event {event.seq} ({event.kind}) of run {run.id} does not fit the playbook: {error!r}"
        ) from error
    token = run.tokens.get(event.token)
    if token is not None and token.phase in MOVING and token.wait is None and token.id not in run.ready:
        # Where the log ends here, the token was in the middle of its turn.
        run.ready[token.id] = token
        run.ready.move_to_end(token.id, last=False)
    return run


def _refuse_other_step(run: Run, event: Event) -> None:
    """The log says where a token was, and the playbook must have led it there."""
    token = run.tokens.get(event.token)
    if token is not None and token.step.name != event.step:
        raise ReplayError(
            f"event {event.seq} ({event.kind}) of run {run.id} does not fit the playbook: it is about step "
            f"'{event.step}', and the playbook leads to step '{token.step.name}'"
        )


def _run_started(run: Run, event: Event, data: Data) -> None:
    run.status = Status.RUNNING
    run.started_at = event.at
    run.attempt = data["attempt"]
    run.inputs = data["inputs"]
    run.rerun = data.get("rerun")
    run.environment = {
        **data["environment"],
        **{name: msgspec.convert(held, Held) for name, held in data.get("held", {}).items()},
    }
    run.names = {**run.environment, **run.inputs}
    run.base = View(None, dict(data["context"]))
    if data.get("error") is not None:
        run.ending = Ending(Status.FAILED, data["error"], None, None)
        return
    if data.get("due") is not None:
        timers.set_timer(run, data["due"], None, "deadline", -1)
    if data.get("late") is not None:
        timers.set_timer(run, data["late"], None, "sla", -1)
    run.starts_at = data.get("starts_at")
    if run.starts_at is None:
        _begin(run)
    else:
        timers.set_timer(run, run.starts_at, None, "start", -1)


def _begin(run: Run) -> None:
    """The first token sets out."""
    steps = [run.playbook.steps[name] for name in run.playbook.start]
    token = Token(ROOT, steps[0], View(run.base), View())
    add_token(run, token)
    if len(steps) > 1:
        enter_step(run, token)
        split(run, token, steps, run.playbook.parallel)


def _step_started(run: Run, event: Event, data: Data) -> None:
    conflict = None
    if "joined" in data:
        arrivals = [run.tokens[token_id] for token_id in data["joined"]]
        token, conflict = join(run, arrivals, leave_fork=data.get("leaves", False))
    else:
        token = run.tokens[event.token]
        if token.phase is _PENDING:
            activate(run, token)
    run.ready.pop(token.id, None)
    visits.begin(run, token, data["visit"])
    if "late" in data:
        token.late = timers.set_timer(run, data["late"], token, "sla", -1)
    if conflict is not None:
        error = make_error("permanent", "merge_conflict", conflict.message, step=token.step.name)
        frames.fail(run, token, error)


def _step_completed(run: Run, event: Event, data: Data) -> None:
    token = run.tokens[event.token]
    row = visits.end(run, token, _COMPLETED, data)
    if token.step.work is not None and token.result is not None and token.result["success"]:
        token.error = None
    _go_on(run, token, row, data)


def _step_undoing(run: Run, event: Event, data: Data) -> None:
    undoing.undo_branch(run, run.tokens[event.token], data["compensations"])


def _step_failed(run: Run, event: Event, data: Data) -> None:
    token = run.tokens[event.token]
    row = visits.end(run, token, Status.FAILED, data)
    row.error = data["error"]
    if data.get("kept"):
        run.error = run.error or data["error"]
    _go_on(run, token, row, data)


def _go_on(run: Run, token: Token, row: Row, data: Data) -> None:
    """The visit has ended, and the token moves on, splits or ends."""
    if "next" not in data:
        run.ended.append((order(token), token))
        remove_token(run, token)
        return
    names = row.next = data["next"]
    steps = run.playbook.steps
    if len(names) == 1:
        move(run, token, steps[names[0]])
    else:
        split(run, token, [steps[name] for name in names], token.step.parallel)


def _step_cancelled(run: Run, event: Event, data: Data) -> None:
    token = run.tokens[event.token]
    if token.row is not None:
        visits.end(run, token, Status.CANCELLED, data)
    strands.end_cancelled(run, token)


def _action_started(run: Run, event: Event, data: Data) -> None:
    token = run.tokens[event.token]
    if isinstance(token.wait, SignalWait):
        return  # The change before it has said what the token waits for.
    frame = token.frames[-1]
    assert frame.work.place == data["place"], f"the playbook leads to {frame.work.place}, not to {data['place']}"
    if "options" in data:
        frame.options = data["options"]
        frame.key = data["key"]
        if "held" in data:
            frame.held = {name: msgspec.convert(held, Held) for name, held in data["held"].items()}
    token.wait = ActionWait(event.seq, event.at, frame, frame.attempt, data.get("timeout"))
    run.changed[token.id] = None
    if token.row is not None and token.row.attempts < frame.attempt:
        token.row.attempts = frame.attempt


def _action_ended(run: Run, event: Event) -> Token:
    token = run.tokens[event.token]
    token.wait = None
    run.changed[token.id] = None
    run.wake(token)
    token.tolerated = False
    token.frames[-1].stage = _TRIED
    return token


def _action_completed(run: Run, event: Event, data: Data) -> None:
    token = _action_ended(run, event)
    token.outcome = completed(data.get("data"), data.get("fields"), data["attempt"], data["duration"])


def _action_failed(run: Run, event: Event, data: Data) -> None:
    token = _action_ended(run, event)
    token.outcome = failed(data["error"], data.get("fields"), data["attempt"], data["duration"])
    frames.note_error(token, data["error"])


def _action_cancelled(run: Run, event: Event, data: Data) -> None:
    token = _action_ended(run, event)
    error = make_error("user", "cancelled", "cancelled", step=token.step.name, attempt=data["attempt"])
    token.outcome = failed(error, attempts=data["attempt"], status="cancelled")


def _action_queued(run: Run, event: Event, data: Data) -> None:
    wait = run.tokens[event.token].wait
    if isinstance(wait, ActionWait):
        wait.queued = data["reason"]


def _action_progress(run: Run, event: Event, data: Data) -> None:
    token = run.tokens[event.token]
    if data.get("paused"):
        run.wake(token)
    if "queued" in data and isinstance(token.wait, ActionWait):
        token.wait.queued = None


def _token_joined(run: Run, event: Event, data: Data) -> None:
    token = run.tokens[event.token]
    if "item" in data:
        strands.end_strand(run, token, cancelled=not data["result"])
        return
    if token.phase is Phase.PENDING:
        activate(run, token)
    if data.get("dropped"):
        remove_token(run, token)
    else:
        park(run, token)
    if token.fork is not None and "arrival" in data:
        token.fork.arrivals[token.step.index] = data["arrival"]


def _timer_fired(run: Run, event: Event, data: Data) -> None:
    timer = run.timers[data["timer"]]
    timers.drop_timer(run, data["timer"])
    if timer.purpose == "start":
        run.starts_at = None
        _begin(run)
    if timer.token is None or timer.purpose == "deadline":
        return
    token = run.tokens[timer.token]
    token.wait = None
    if timer.purpose == "wait":
        frames.did(run, token, None)
    run.wake(token)


def _run_late(run: Run, event: Event, data: Data) -> None:
    timers.drop_timer(run, data["timer"])


def _action_retrying(run: Run, event: Event, data: Data) -> None:
    run.retries += 1


def _compensation_started(run: Run, event: Event, data: Data) -> None:
    found = run.compensations[data["number"] - 1]
    found.status = Status.RUNNING
    found.begun = event.seq
    if "for" in data:
        undoing.wait_for(run, run.tokens[data["for"]], found)
    token = undoing.token_of(run, found)
    run.tokens[token.id] = token
    run.wake(token)


def _compensation_ended(run: Run, event: Event, data: Data) -> None:
    found = run.compensations[data["number"] - 1]
    found.error = data.get("error")
    found.status = Status.COMPLETED if found.error is None else Status.FAILED
    del run.tokens[event.token]
    run.ready.pop(event.token, None)
    undoer = run.tokens.get(found.undoer)
    if undoer is not None:
        undoing.go_on(run, undoer, found)


def _signal_received(run: Run, event: Event, data: Data) -> None:
    _note_command(run, data)
    if "event" in data:
        run.signals.append((data["event"], data.get("data")))


def _note_command(run: Run, data: Data) -> None:
    run.last_command = max(run.last_command, data.get("command", 0))


def _run_paused(run: Run, event: Event, data: Data) -> None:
    _note_command(run, data)
    run.status = Status.PAUSED
    if data.get("until") is not None:
        timers.set_timer(run, data["until"], None, "pause", -1)


def _run_resumed(run: Run, event: Event, data: Data) -> None:
    _note_command(run, data)
    run.status = Status.RUNNING
    for number in [number for number, timer in run.timers.items() if timer.purpose == "pause"]:
        timers.drop_timer(run, number)
    # Whatever fell due, or was to start, while the run stood still.
    run.timers_changed.update(dict.fromkeys(run.timers))
    run.changed.update(dict.fromkeys(run.tokens))
    for token in run.tokens.values():
        if isinstance(token.wait, ActionWait):
            # Whoever was queued asks again.
            token.wait.queued = None
            token.wait.lost += bool(data.get("recovered"))


def _run_completed(run: Run, event: Event, data: Data) -> None:
    _end_run(run, event, Status.COMPLETED)
    run.error = None


def _run_failed(run: Run, event: Event, data: Data) -> None:
    _end_run(run, event, Status.FAILED)
    run.error = data["error"]
    if "again" in data:
        run.again = (data["again"]["due"], data["again"]["attempt"])


def _run_cancelled(run: Run, event: Event, data: Data) -> None:
    _end_run(run, event, Status.CANCELLED)
    run.error = data["error"]


def _end_run(run: Run, event: Event, status: Status) -> None:
    run.status = status
    run.ended_at = event.at
    run.outputs = event.data["outputs"]
    for number in list(run.timers):
        timers.drop_timer(run, number)


#: What an event itself does, after its changes; of those that are not here, nothing.
APPLY: dict[str, Callable[[Run, Event, Data], None]] = {
    Kind.RUN_STARTED: _run_started,
    Kind.RUN_PAUSED: _run_paused,
    Kind.RUN_RESUMED: _run_resumed,
    Kind.RUN_COMPLETED: _run_completed,
    Kind.RUN_FAILED: _run_failed,
    Kind.RUN_CANCELLED: _run_cancelled,
    Kind.STEP_STARTED: _step_started,
    Kind.STEP_COMPLETED: _step_completed,
    Kind.STEP_UNDOING: _step_undoing,
    Kind.STEP_FAILED: _step_failed,
    Kind.STEP_CANCELLED: _step_cancelled,
    Kind.ACTION_STARTED: _action_started,
    Kind.ACTION_COMPLETED: _action_completed,
    Kind.ACTION_FAILED: _action_failed,
    Kind.ACTION_CANCELLED: _action_cancelled,
    Kind.ACTION_QUEUED: _action_queued,
    Kind.ACTION_PROGRESS: _action_progress,
    Kind.TOKEN_JOINED: _token_joined,
    Kind.TIMER_FIRED: _timer_fired,
    Kind.RUN_LATE: _run_late,
    Kind.ACTION_RETRYING: _action_retrying,
    Kind.COMPENSATION_STARTED: _compensation_started,
    Kind.COMPENSATION_COMPLETED: _compensation_ended,
    Kind.COMPENSATION_FAILED: _compensation_ended,
    Kind.SIGNAL_RECEIVED: _signal_received,
}
