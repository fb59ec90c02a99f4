"""The work of a step: a stack of frames, the innermost of which goes on until something has to come from outside.

Each frame is a call, or a list of them, with its policies around it. Their order is that of language.md 6: `when` once;
then for each iteration timeout, retry and fallback; then `on_error` and `as` once, over the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from noetl.errors import ErrorKind, ExpressionError
from noetl.expressions import as_text
from noetl.machine import compensation, inline, rules
from noetl.machine.decider import Decider, begin_block, error_of
from noetl.machine.evaluation import count, duration
from noetl.machine.frames import bound_of, calls_of
from noetl.machine.held import as_data, hold, is_held
from noetl.machine.lineage import undoable
from noetl.machine.result import make_error
from noetl.machine.retry import next_delay
from noetl.machine.state import Frame, Run, Stage, Token
from noetl.model.event import Kind
from noetl.model.expression import Template
from noetl.model.playbook import ActionCall, OnError, TaskCall, Work

# As globals: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for these.
_ACTION_STARTED, _COMPENSATE, _LOOPING = Kind.ACTION_STARTED, OnError.COMPENSATE, Stage.LOOPING

#: After so many changes a loop that waits for nothing lets the others go on, and time pass.
LONGEST_TURN = 2000

#: Whether the token can go on at once; if not, it waits for something from outside.
GoesOn = bool


def go_on(d: Decider, token: Token) -> None:
    """Go on with a visit until it waits, moves or ends, or has had its turn."""
    while True:
        if token.interrupt is not None:
            to_the_end = token.interrupt[0] < 0
            d.change(token, "unwind")
            if to_the_end:
                _cancelled(d, token)
                return
        elif token.frames:
            frame = token.frames[-1]
            if not _STAGES[frame.stage](d, token, frame):
                return
        elif token.parent is not None:
            _end_strand(d, token)
            return
        elif token.compensates is not None:
            compensation.end(d, token)
            return
        elif token.outcome is None and token.step.work is not None:
            begin_block(d, token, token.step.work)
        elif not rules.settle(d, token):
            return


def _fail(d: Decider, token: Token, work: Work, problem: ExpressionError, stage: Stage = Stage.TRIED) -> GoesOn:
    action = work.action if isinstance(work, ActionCall) else None
    d.change(token, "fail", error_of(problem, step=token.step.name, action=action), stage)
    return True


def _entered(d: Decider, token: Token, frame: Frame) -> GoesOn:
    work = frame.work
    try:
        if work.when is not None and not work.when.evaluate(d.scope.at(token, f"{work.place}.when")):
            d.change(token, "skip")
        elif work.loop is None:
            d.change(token, "iterate")
        elif work.loop.items is None:
            d.change(token, "loop")
        else:
            values = work.loop.items.render(d.scope.at(token, f"{work.place}.loop"))
            d.change(token, "items", _items(values, work))
    except ExpressionError as problem:
        return _fail(d, token, work, problem, Stage.ENDING)
    return True


def _items(value: Any, work: Work) -> list[Any] | int:
    """A list or number as it is; a mapping as `{key, value}`."""
    assert work.loop is not None
    if isinstance(value, Mapping):
        return [{"key": key, "value": item} for key, item in value.items()]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if value > inline.MOST_ITEMS:
            raise ExpressionError(f"a loop over {value} items is too long", span=work.loop.span)
        return max(0, value)
    if isinstance(value, list):
        return value
    wrong = "a text" if isinstance(value, str) else "nothing" if value is None else as_text(value)
    raise ExpressionError(f"a loop needs a list, a mapping or a whole number, got {wrong}", span=work.loop.span)


def _looping(d: Decider, token: Token, frame: Frame) -> GoesOn:
    if len(d.pending) > LONGEST_TURN:
        d.pause(token)
        return False
    work = frame.work
    loop = work.loop
    assert loop is not None
    try:
        if frame.items is not None:
            return _next_item(d, token, frame)
        if (
            frame.index >= 0
            and loop.until is not None
            and loop.until.evaluate(d.scope.at(token, f"{work.place}.until"))
        ):
            d.change(token, "looped")
            return True
        d.change(token, "iterate")
        if loop.while_ is not None and not loop.while_.evaluate(d.scope.at(token, f"{work.place}.while")):
            d.change(token, "looped")
            return True
        most = count(loop.max, d.scope.at(token, f"{work.place}.max"))
        if frame.index >= most:
            message = f"{work.title} of step '{token.step.name}' has looped {most} times, which is its 'max'"
            d.change(token, "fail", make_error(ErrorKind.PERMANENT, "max_iterations", message), Stage.ENDING)
    except ExpressionError as problem:
        return _fail(d, token, work, problem, Stage.ENDING)
    return True


def _next_item(d: Decider, token: Token, frame: Frame) -> GoesOn:
    assert frame.items is not None
    loop = frame.work.loop
    assert loop is not None
    length = len(frame.items)
    at_once = count(loop.parallel, d.scope.at(token, f"{frame.work.place}.parallel"))
    if at_once == 1:
        d.change(token, "iterate" if frame.index + 1 < length else "looped")
        return True
    if length == 0:
        d.change(token, "looped")
    elif frame.next:
        d.change(token, "gather")
    else:
        d.change(token, "spawn", list(range(min(at_once or length, length))))
        return False
    return True


def _ready(d: Decider, token: Token, frame: Frame) -> GoesOn:
    """The first attempt of an iteration."""
    work = frame.work
    try:
        arguments, held = _arguments(d, token, work) if isinstance(work, TaskCall) else (None, None)
        d.change(token, "begin", _due(d, token, work), arguments, held)
    except ExpressionError as problem:
        return _fail(d, token, work, problem)
    return True


def _arguments(d: Decider, token: Token, call: TaskCall) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The arguments of a task call, and those that stay expressions."""
    values: dict[str, Any] = {}
    held: dict[str, Any] = {}
    templates = {**d.run.playbook.tasks[call.task].args, **call.args}
    for name, template in templates.items():
        value, stays = render(d, token, template, f"{call.place}.with.{name}")
        (held if stays else values)[name] = value
    return values, as_data(held) if held else None


def render(d: Decider, token: Token, template: Template, place: str) -> tuple[Any, bool]:
    """The JSON value of a template, or the template itself, held, where it reads secrets or the environment."""
    if template.constant:
        return template.value, False
    names = d.scope.at(token, place)
    environment = d.run.environment
    if is_held(template, names, environment):
        return hold(template, names, environment), True
    return template.render(names), False


def _due(d: Decider, token: Token, work: Work) -> int | None:
    """When an attempt must have ended; the runtime itself bounds an action that it carries out."""
    if work.timeout is None or (isinstance(work, ActionCall) and work.action not in inline.ACTIONS):
        return None
    return d.run.at + round(duration(work.timeout, d.scope.at(token, f"{work.place}.timeout")) * 1e6)


def _body(d: Decider, token: Token, frame: Frame) -> GoesOn:
    work = frame.work
    if isinstance(work, ActionCall):
        carry_out = inline.ACTIONS.get(work.action, _ask)
        try:
            return carry_out(d, token, work)
        except ExpressionError as problem:
            return _fail(d, token, work, problem)
    if token.outcome is not None:
        d.change(token, "take")
    calls = calls_of(d.run, work)
    bound = bound_of(d.run, work)
    if bound != 1 and len(calls) > 1:
        if frame.ended:
            d.change(token, "gather")
            return True
        d.change(token, "spawn", list(range(min(bound or len(calls), len(calls)))))
        return False
    if frame.next < len(calls):
        d.change(token, "enter", calls[frame.next].id)
    else:
        d.change(token, "tried")
    return True


def _ask(d: Decider, token: Token, work: ActionCall) -> GoesOn:
    """An action of a handler: the runtime carries it out."""
    frame = token.frames[-1]
    data: dict[str, Any] = {"place": work.place, "action": work.action, "attempt": frame.attempt}
    if frame.options is None:
        held: dict[str, Any] = {}
        options: dict[str, Any] = {}
        for name, template in work.options.items():
            if template.constant and name not in work.later:
                options[name] = template.value
                continue
            place = f"{work.place}.{name}"
            if name in work.later:
                held[name] = hold(template, d.scope.at(token, place), d.run.environment, work.later[name])
                continue
            value, stays = render(d, token, template, place)
            (held if stays else options)[name] = value
        data["options"] = options
        if held:
            data["held"] = as_data(held)
        data["key"] = key_of(d.run.id, d.scope.at(token, work.place).position())
    if work.timeout is not None:
        data["timeout"] = duration(work.timeout, d.scope.at(token, f"{work.place}.timeout"))
    d.emit(_ACTION_STARTED, token, data)
    return False


def key_of(execution_id: str, position: str) -> str:
    """The idempotency key of an action."""
    return hashlib.sha256(f"{execution_id}/{position}".encode()).hexdigest()[:32]


def _tried(d: Decider, token: Token, frame: Frame) -> GoesOn:
    """An attempt has ended: another one, the fallback, or on."""
    work = frame.work
    outcome = token.outcome
    assert outcome is not None
    if isinstance(work, ActionCall) and work.bare:
        if len(token.frames) == 1 and token.parent is None and token.compensates is None:
            d.change(token, "ended")
            return rules.conclude(d, token, failed=outcome["failed"])
        d.change(token, "leave")
        return True
    if work.compensate is not None and outcome["status"] == "completed" and token.outermost.compensates is None:
        d.change(token, "remember")
    if outcome["failed"] and not token.tolerated and outcome["status"] == "failed":
        if work.retry is not None and frame.attempt > 0 and _may_retry(d.run):
            scope = d.scope.at(token, f"{work.place}.retry.{frame.attempt}")
            try:
                delay = next_delay(work.retry, outcome["error"], frame.attempt, scope)
            except ExpressionError as problem:
                return _fail(d, token, work, problem, Stage.EXHAUSTED)
            if delay is not None:
                return _retry(d, token, frame, outcome["error"], delay)
        return _exhausted(d, token, frame)
    return _iterated(d, token, frame)


def _may_retry(run: Run) -> bool:
    """All retries of a run together are bounded."""
    budget = run.playbook.retry_budget
    return budget is None or run.retries < budget


def _exhausted(d: Decider, token: Token, frame: Frame) -> GoesOn:
    """No further attempt: the fallback, if there is one."""
    fallback = frame.work.fallback
    if fallback is None:
        return _iterated(d, token, frame)
    d.change(token, "fall_back")
    d.change(token, "enter", fallback.id)
    return True


def _retry(d: Decider, token: Token, frame: Frame, error: dict[str, Any], delay: float) -> GoesOn:
    d.change(token, "undo")
    if delay > 0:
        d.change(token, "sleep", d.run.at + round(delay * 1e6), "delay")
    d.emit(
        Kind.ACTION_RETRYING,
        token,
        {"place": frame.work.place, "attempt": frame.attempt + 1, "delay": delay, "error": error},
    )
    return delay <= 0


def _delayed(d: Decider, token: Token, frame: Frame) -> GoesOn:
    try:
        d.change(token, "begin", _due(d, token, frame.work), None, None)
    except ExpressionError as problem:
        return _fail(d, token, frame.work, problem, Stage.EXHAUSTED)
    return True


def _iterated(d: Decider, token: Token, frame: Frame) -> GoesOn:
    """An iteration has its outcome, from an attempt or from the fallback."""
    if frame.iteration:
        d.change(token, "leave")
    elif frame.work.loop is not None:
        d.change(token, "collect")
    else:
        return _ending(d, token, frame)
    return True


def _ending(d: Decider, token: Token, frame: Frame) -> GoesOn:
    """All iterations are over: `as` keeps the data, and the work is left."""
    outcome = token.outcome
    store = frame.work.store
    assert outcome is not None
    if frame.work.on_error is _COMPENSATE and outcome["failed"] and not token.tolerated:
        d.emit(Kind.STEP_UNDOING, token, {"error": outcome["error"], "compensations": undoable(d.run, token)})
        return True
    if store is not None and (outcome["status"] == "completed" or (outcome["failed"] and token.tolerated)):
        data = outcome["data"]
        if store.name is not None:
            d.change(token, "assign", {store.name: data})
        else:
            scope = d.scope.at(token, f"{frame.work.place}.as", {"data": data, "result": outcome})
            try:
                values = {name: template.render(scope) for name, template in store.unpack}
            except ExpressionError as problem:
                d.change(token, "fail", error_of(problem, step=token.step.name), Stage.ENDING)
            else:
                d.change(token, "assign", values)
    d.change(token, "leave")
    return True


def _undoing(d: Decider, token: Token, frame: Frame) -> GoesOn:
    """The step has failed: the next piece of what its branch has completed is undone, until all of it is."""
    if frame.undoes:
        compensation.begin(d, d.run.compensations[frame.undoes[-1] - 1], token)
        return False
    if token.lost:
        d.change(token, "interrupt", -1, None)
    else:
        d.change(token, "leave")
    return True


def _end_strand(d: Decider, token: Token) -> None:
    """A parallel item has ended: the next one starts, or after a failure the others stop."""
    parent, outcome = token.parent, token.outcome
    assert parent is not None
    assert outcome is not None
    frame = parent.frames[-1]
    broke = outcome["failed"] and not token.tolerated
    looping = frame.stage is _LOOPING
    total = len(frame.items or ()) if looping else len(calls_of(d.run, frame.work))
    stops = broke and not (looping and frame.work.loop is not None and frame.work.loop.on_error == "continue")
    if stops:
        d.change(parent, "stop_spawning", total)
        if not looping:
            for strand in frame.strands.values():
                if strand is not token:
                    d.change(strand, "interrupt", -1, None)
    elif frame.next < total and parent.interrupt is None:
        d.change(parent, "spawn", [frame.next])
    d.emit(Kind.TOKEN_JOINED, token, {"item": token.slot, "result": True})


def _cancelled(d: Decider, token: Token) -> None:
    """Everything that the token was in has fallen away."""
    ending = d.run.ending
    if token.parent is not None:
        d.emit(Kind.TOKEN_JOINED, token, {"item": token.slot, "result": False})
    elif token.compensates is not None:
        compensation.end(d, token)
    elif ending is not None and ending.by == token.id:
        d.emit(Kind.STEP_COMPLETED, token, {})
    else:
        d.emit(Kind.STEP_CANCELLED, token, {})


_STAGES: dict[Stage, Callable[[Decider, Token, Frame], GoesOn]] = {
    Stage.ENTERED: _entered,
    Stage.LOOPING: _looping,
    Stage.READY: _ready,
    Stage.BODY: _body,
    Stage.TRIED: _tried,
    Stage.EXHAUSTED: _exhausted,
    Stage.DELAYED: _delayed,
    Stage.FALLBACK: _iterated,
    Stage.UNDOING: _undoing,
    Stage.ENDING: _ending,
}
