"""Steps and their rules: how a visit starts, which case fires, and where the token goes (language.md 3)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from noetl.errors import ErrorKind, ExpressionError
from noetl.machine.branches import order
from noetl.machine.decider import Decider, begin_block, error_of
from noetl.machine.joins import joined_path, rest_of_fork, same_fork
from noetl.machine.result import Error, make_error
from noetl.machine.state import Fork, Phase, Status, Token
from noetl.model.event import Kind
from noetl.model.playbook import ActionCall, Case, Join, OnError, Step

# As globals: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for these.
_EACH, _STARTED, _COMPLETED = Join.EACH, Kind.STEP_STARTED, Kind.STEP_COMPLETED


def arrive(d: Decider, token: Token) -> Token | None:
    """A token has come to a step: its visit starts, or it waits for others. The token whose visit goes on."""
    step = token.step
    if step.join is _EACH:
        return start(d, token)
    if step.join is Join.ALL:
        d.emit(Kind.TOKEN_JOINED, token, {})
        return None
    return _arrive_at_counted(d, token, step)


def _arrive_at_counted(d: Decider, token: Token, step: Step) -> Token | None:
    """`any`, `first` and N: the Nth arrival of a fork runs the step, later ones end there."""
    needed = step.join if type(step.join) is int else 1
    fork = token.fork
    if fork is None:
        # Outside of all forks there is nobody to wait for but those who came before.
        arrivals = sorted([*same_fork(d.run, token), token], key=order)
        if len(arrivals) >= needed:
            return start(d, token, arrivals if len(arrivals) > 1 else None)
        d.emit(Kind.TOKEN_JOINED, token, {})
        return None
    arrival = fork.arrivals.get(step.index, 0) + 1
    if arrival > needed:
        d.emit(Kind.TOKEN_JOINED, token, {"arrival": arrival, "dropped": True})
        return None
    if arrival < needed:
        d.emit(Kind.TOKEN_JOINED, token, {"arrival": arrival})
        return None
    arrivals = sorted([*same_fork(d.run, token), token], key=order)
    if step.join is Join.FIRST:
        _cancel_rest(d, token, fork)
    return start(d, token, arrivals, fork)


def _cancel_rest(d: Decider, winner: Token, fork: Fork) -> None:
    """The race is won: what is left of the fork's other branches stops."""
    for token in rest_of_fork(d.run, fork):
        if token is winner or token.parent is not None:
            continue
        d.change(token, "lose")
        if token.undoing:
            # It ends when its branch is undone: half of that would be worse than none.
            continue
        if token.phase is Phase.WORKING:
            d.change(token, "interrupt", -1, None)
        else:
            d.change(token, "cancel")


def start_joined(d: Decider, arrivals: list[Token]) -> Token | None:
    """An `all` join fires for those that have arrived."""
    return start(d, arrivals[0], arrivals)


def fail_unmet(d: Decider, step: Step, waiting: list[Token]) -> None:
    """Fewer tokens can come to a join than it waits for: the run fails, of what ended a branch if that had failed."""
    most = max(Counter(token.fork for token in waiting).values())
    message = f"step '{step.name}' waits for {step.join} arrivals of one fork, and no more than {most} can come"
    error = make_error(ErrorKind.PERMANENT, "join_unmet", message, step=step.name)
    _end_before(d, waiting[0], error, d.run.error or error)


def _end_before(d: Decider, token: Token, error: Error, cause: Error | None = None) -> None:
    """The run fails before the token can start a visit."""
    d.end(Status.FAILED, cause or error, by=token)
    d.emit(Kind.STEP_CANCELLED, token, {"error": error})


def start(d: Decider, token: Token, arrivals: list[Token] | None = None, leaves: Fork | None = None) -> Token | None:
    """The visit of a step starts, of a token or of several that are joined. The token whose visit goes on."""
    run, step = d.run, token.step
    visit = run.visits.get(step.name, 0) + 1
    if visit > step.max_visits:
        message = f"step '{step.name}' was to be visited more than {step.max_visits} times, which is its 'max_visits'"
        _end_before(d, token, make_error(ErrorKind.PERMANENT, "max_visits", message, step=step.name))
        return None
    data: dict[str, Any] = {"visit": visit}
    if step.sla is not None:
        data["late"] = run.at + round(step.sla * 1e6)
    if arrivals is None:
        d.emit(_STARTED, token, data)
    else:
        data["joined"] = [arrival.id for arrival in arrivals]
        if leaves is not None:
            data["leaves"] = True
        path = joined_path(arrivals, leave_fork=leaves is not None)
        d.emit(Kind.STEP_STARTED, token, data, into=path)
        token = run.tokens[path]
    quick = step.quick
    if quick is None or token.outcome is not None or not _set_at_once(d, token, quick):
        return token
    return token if try_cases(d, token) else None


def _set_at_once(d: Decider, token: Token, action: ActionCall) -> bool:
    """The whole work of the step is one `set`: no frame has to remember anything."""
    template = action.options["values"]
    try:
        values = template.value if template.constant else template.render(d.scope.at(token, action.place))
    except ExpressionError:
        # The long way says where and why, and what the rule makes of it.
        return False
    d.change(token, "quick", values)
    return True


def settle(d: Decider, token: Token) -> bool:
    """The work of the step, or of a fired case, is over, or there was none. Whether the token goes on in this visit."""
    outcome = token.outcome
    if outcome is None:
        return try_cases(d, token)
    failed = outcome["failed"] and not token.tolerated
    d.change(token, "worked")
    return conclude(d, token, failed=failed)


def conclude(d: Decider, token: Token, *, failed: bool) -> bool:
    """The work was done, or has failed: after that of a case the visit ends, unless a later case takes the failure."""
    if token.case is not None and not failed:
        _finish(d, token, token.case, ())
        return False
    return try_cases(d, token, token.case or 0, failed=failed)


def try_cases(d: Decider, token: Token, below: int = 0, *, failed: bool = False) -> bool:
    """Try the cases below a number, after a failure those that read the outcome. Whether one fired that is work."""
    cases = token.step.cases
    scope = d.scope
    for case in cases[below:] if below else cases:
        if failed and not case.reads_outcome:
            continue
        if case.condition is not None:
            try:
                if not case.condition.evaluate(scope.at(token, case.place)):
                    continue
            except ExpressionError as problem:
                d.change(token, "misjudge", error_of(problem, step=token.step.name))
                failed = True
                continue
        return _fire(d, token, case)
    if failed:
        _unhandled(d, token)
    else:
        _finish(d, token, None, ())
    return False


def _fire(d: Decider, token: Token, case: Case) -> bool:
    if case.work is None:
        _finish(d, token, case.number, case.moves)
        return False
    d.change(token, "fire", case.number)
    begin_block(d, token, case.work)
    return True


def _finish(d: Decider, token: Token, case: int | None, moves: tuple[str, ...]) -> None:
    data: dict[str, Any] = {} if case is None else {"case": case}
    if moves:
        data["next"] = list(moves)
    if token.failure is None:
        d.emit(_COMPLETED, token, data)
    else:
        data["error"] = token.failure
        d.emit(Kind.STEP_FAILED, token, data)


def _unhandled(d: Decider, token: Token) -> None:
    """No case took the failure: the playbook's `on_error` judges it."""
    error = token.failure
    data: dict[str, Any] = {"error": error}
    if token.case is not None:
        data["case"] = token.case
    if d.run.playbook.on_error is OnError.CONTINUE:
        data["kept"] = True
    elif d.run.ending is None:
        d.end(Status.FAILED, error, by=token)
    d.emit(Kind.STEP_FAILED, token, data)
