"""`decide`: turns a fact from outside into events, and folds them.

Here, and in the modules it calls, conditions and templates are evaluated; nowhere else. A run goes on like this:

* A token that has *arrived* at a step starts a visit (`step.started`), unless the step is a join: there it parks, and
  the step starts once for those that came together (`joins`).
* A visit does its work (`working`), a stack of frames of which the innermost moves. It stops where something has to
  come from outside (an action's end, a timer, a signal, the parallel items it waits for); the event that says so
  carries all changes made since the last event.
* With the work done, the cases are tried in order (`rules`). The one that fires moves the token, forks it, or is work
  itself.
* When nothing is ready any more, a join that nobody can reach any longer fires, or the next branch of a sequential fork
  starts; when there is no token left, the run is over.

Every event leaves the state so that this can go on from there: that is all there is to resume.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from noetl.errors import ErrorKind, ExpressionError
from noetl.machine import compensation, control, instant, rules, working
from noetl.machine.branches import next_branch
from noetl.machine.decider import Decider, error_of
from noetl.machine.evaluation import duration
from noetl.machine.facts import ActionEnded, Advance, Cancel, Fact, Pause, Resume, Said, Signal, Start, TimerDue
from noetl.machine.held import as_data, hold, is_held
from noetl.machine.joins import ready_join, unmet_join
from noetl.machine.merging import final_token
from noetl.machine.result import make_error
from noetl.machine.retry import next_delay
from noetl.machine.scope import Scope
from noetl.machine.state import Phase, Run, Status, Token
from noetl.machine.waits import ActionWait
from noetl.model.event import Event, Kind
from noetl.model.playbook import Retry

#: How many events one call of `decide` makes before it returns, so that a long chain leaves room for other runs.
BATCH = 512

# As globals: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for these.
_WORKING, _PARKED = Phase.WORKING, Phase.PARKED
_PAUSED, _RUNNING, _ACTION_COMPLETED = Status.PAUSED, Status.RUNNING, Kind.ACTION_COMPLETED


def decide(run: Run, fact: Fact, *, batch: int = BATCH) -> list[Event]:
    """The events that follow from a fact, already folded into `run`; none where the fact is out of date.

    Where it returns `batch` events or more, or somebody is still ready, there is more to do: go on with `Advance`.
    """
    # Clocks go back now and then; a run does not.
    run.at = max(run.at, fact.at)
    decider = Decider(run, Scope(run), batch)
    _ON[type(fact)](decider, fact)
    _drain(decider)
    assert not decider.pending, "a change without an event to carry it"
    return decider.events


def _drain(d: Decider) -> None:
    events, ready, batch = d.events, d.run.ready, d.batch
    if d.run.status is _PAUSED:
        return
    # Parallel items that begin change their parent; the first of them that says something carries that.
    while (len(events) < batch and not d.paused) or d.pending:
        if ready:
            _, token = ready.popitem(last=False)
            _advance(d, token)
        elif d.run.status is not _RUNNING or not _go_on(d):
            return


def _advance(d: Decider, token: Token) -> None:
    if token.wait is not None or d.run.tokens.get(token.id) is not token:
        return
    if token.phase is _WORKING:
        working.go_on(d, token)
    elif token.phase is not _PARKED:
        arrive = instant.pass_through if token.step.instant else rules.arrive
        going = arrive(d, token)
        if going is not None:
            working.go_on(d, going)


def _go_on(d: Decider) -> bool:
    """Nothing is ready: fire a join, start a branch, or end. Whether anything happened."""
    run = d.run
    if run.ending is None:
        arrivals = ready_join(run) if run.parked else None
        if arrivals:
            joined = rules.start_joined(d, arrivals)
            if joined is not None:
                working.go_on(d, joined)
            return True
        if run.parked and (unmet := unmet_join(run)):
            rules.fail_unmet(d, *unmet)
            return True
        if (branch := next_branch(run)) is not None:
            _advance(d, branch)
            return True
    if run.tokens or (run.starts_at is not None and run.ending is None):
        return False
    if compensation.begin_next(d):
        return True
    _finish(d)
    return False


def _finish(d: Decider) -> None:
    """No token is left: the run is over."""
    run = d.run
    ending = run.ending
    status = Status.COMPLETED if ending is None else Status(ending.status)
    error = None if ending is None else ending.error
    if ending is None and run.error is not None:
        status, error = Status.FAILED, run.error
    outputs: dict[str, Any] = {}
    try:
        outputs = _outputs(d, status)
    except ExpressionError as problem:
        status, error = Status.FAILED, error_of(problem)
    data: dict[str, Any] = {"outputs": outputs}
    if status is not Status.COMPLETED:
        data["error"] = error
    if ending is not None and ending.reason is not None:
        data["reason"] = ending.reason
    if status is Status.FAILED and run.playbook.retry is not None:
        data.update(_again(d, run.playbook.retry, error))
    kind = {Status.COMPLETED: Kind.RUN_COMPLETED, Status.CANCELLED: Kind.RUN_CANCELLED}.get(status, Kind.RUN_FAILED)
    d.emit(kind, None, data)


def _again(d: Decider, retry: Retry, error: Any) -> dict[str, Any]:
    """When the whole run is tried again, and as which attempt."""
    final = final_token(d.run)
    final.error = final.last_error = error
    try:
        delay = next_delay(retry, error, d.run.attempt, d.scope.at(final, "on_error.retry"))
    except ExpressionError as problem:
        return {"error": error_of(problem)}
    if delay is None:
        return {}
    return {"again": {"attempt": d.run.attempt + 1, "due": d.run.at + round(delay * 1e6)}}


def _outputs(d: Decider, status: Status) -> dict[str, Any]:
    declared = d.run.playbook.outputs
    final = final_token(d.run)
    if declared is None:
        return dict(final.view.own)
    if status is not Status.COMPLETED:
        return {}
    scope = d.scope.at(final, "outputs")
    return {name: template.render(scope) for name, template in declared.items()}


def _start(d: Decider, fact: Start) -> None:
    run, playbook = d.run, d.run.playbook
    if run.status is not Status.PENDING:
        return
    data: dict[str, Any] = {
        "playbook": playbook.name,
        "version": playbook.version,
        "labels": dict(playbook.labels),
        "attempt": fact.attempt,
        "inputs": dict(fact.inputs),
        "environment": {},
        "context": {},
    }
    if fact.starts_at is not None:
        data["starts_at"] = fact.starts_at
    if fact.rerun is not None:
        data["rerun"] = dict(fact.rerun)
    try:
        data.update(_first_values(d, fact))
    except ExpressionError as problem:
        data["error"] = error_of(problem)
    d.emit(Kind.RUN_STARTED, None, data)


def _first_values(d: Decider, fact: Start) -> dict[str, Any]:
    """The environment and the variables, entry by entry; each may read those before it."""
    # A run of its own to evaluate in: the real one has no names before its first event is folded.
    draft = Run(d.run.playbook, d.run.id)
    draft.at = draft.started_at = fact.at
    draft.attempt = fact.attempt
    draft.inputs = fact.inputs
    draft.names.update(fact.inputs)
    draft.rerun = fact.rerun
    scope = Scope(draft)
    if fact.rerun is not None:
        # What the first run called now is not to change what is done.
        draft.at = fact.rerun["at"]
    environment: dict[str, Any] = {}
    held: dict[str, Any] = {}
    for name, template in draft.playbook.environment.items():
        here = scope.at(None, f"environment.{name}")
        if is_held(template, here, draft.environment):
            value = held[name] = hold(template, here, draft.environment)
        else:
            value = environment[name] = template.render(here)
        draft.environment[name] = value
        draft.names.setdefault(name, value)
    scope.env = fact.env
    for name, template in draft.playbook.context.items():
        draft.base.own[name] = template.render(scope.at(None, f"context.{name}"))
    values: dict[str, Any] = {"environment": environment, "context": draft.base.own}
    if held:
        values["held"] = as_data(held)
    begins = fact.at if fact.starts_at is None else fact.starts_at
    timeout = draft.playbook.timeout
    if timeout is not None:
        values["due"] = begins + round(duration(timeout, scope.at(None, "timeout")) * 1e6)
    if draft.playbook.sla is not None:
        values["late"] = begins + round(draft.playbook.sla * 1e6)
    return values


def _action_ended(d: Decider, fact: ActionEnded) -> None:
    token = d.run.tokens.get(fact.token)
    if token is None or not isinstance(token.wait, ActionWait) or token.wait.number != fact.wait:
        return
    wait = token.wait
    work = wait.frame.work
    data: dict[str, Any] = {"place": work.place, "attempt": wait.attempt}
    data["duration"] = (d.run.at - wait.started_at) / 1e6
    if fact.cancelled:
        d.emit(Kind.ACTION_CANCELLED, token, data)
        return
    if fact.fields:
        data["fields"] = dict(fact.fields)
    if fact.reused is not None:
        data["reused"] = fact.reused
    if fact.error is not None:
        data["error"] = {**fact.error, "step": token.step.name, "attempt": wait.attempt}
        d.emit(Kind.ACTION_FAILED, token, data)
    else:
        data["data"] = fact.data
        d.emit(_ACTION_COMPLETED, token, data)


def _timer_due(d: Decider, fact: TimerDue) -> None:
    timer = d.run.timers.get(fact.timer)
    if timer is None or timer.due > d.run.at:
        return
    if timer.purpose == "pause":
        d.emit(Kind.RUN_RESUMED, None, {})
        return
    if d.run.status is _PAUSED:
        return
    data: dict[str, Any] = {"timer": fact.timer, "purpose": timer.purpose}
    if timer.purpose == "sla":
        d.emit(Kind.RUN_LATE, None if timer.token is None else d.run.tokens[timer.token], {"timer": fact.timer})
    elif timer.purpose == "start":
        d.emit(Kind.TIMER_FIRED, None, data)
    elif timer.purpose != "deadline":
        assert timer.token is not None
        d.emit(Kind.TIMER_FIRED, d.run.tokens[timer.token], data)
    elif timer.token is None:
        # A run that has begun to end goes on ending as it began.
        if d.run.ending is None:
            d.end(Status.FAILED, make_error(ErrorKind.TRANSIENT, "timeout", "the run did not end within its timeout"))
        d.emit(Kind.TIMER_FIRED, None, data)
    else:
        token = d.run.tokens[timer.token]
        title = token.frames[timer.depth].work.title
        message = f"{title} of step '{token.step.name}' did not end within its timeout"
        error = make_error(ErrorKind.TRANSIENT, "timeout", message, step=token.step.name)
        d.change(token, "interrupt", timer.depth, error)
        d.emit(Kind.TIMER_FIRED, token, data)


def _said(d: Decider, fact: Said) -> None:
    """Something about a token that is still alive, or, without one, about the run."""
    token = d.run.tokens.get(fact.token)
    if token is not None or (not fact.token and not d.run.over):
        d.emit(fact.kind, token, fact.data)


def _nothing(d: Decider, fact: Advance) -> None:
    """The time has moved on, that is all."""


_ON: dict[type, Callable[[Decider, Any], None]] = {
    Start: _start,
    Advance: _nothing,
    ActionEnded: _action_ended,
    TimerDue: _timer_due,
    Signal: control.signal,
    Cancel: control.cancel,
    Pause: control.pause,
    Resume: control.resume,
    Said: _said,
}
