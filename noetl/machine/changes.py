"""Changes: the smallest things that happen to a token inside a step.

Events carry them; `evolve` and `decide` apply them. A change evaluates nothing: what had to be evaluated is among its
arguments, which are JSON data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from noetl.machine import frames, strands, timers, undoing
from noetl.machine.result import Error, completed, failed
from noetl.machine.state import Ending, Run, Token


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


def ended(run: Run, token: Token) -> None:
    """A bare action that was the whole work of a step or case is over: what `leave` and `worked` do, at once."""
    outcome = token.outcome
    assert outcome is not None
    token.frames.pop()
    token.outcome = None
    token.result = token.known.own[token.step.name].result = outcome
    token.results = [outcome]
    if outcome["failed"]:
        token.failure = outcome["error"]


def quick(run: Run, token: Token, values: dict[str, Any]) -> None:
    """The whole work of a step was one `set` without policies: what `set` and `worked` do, at once."""
    frames.assign(run, token, values)
    result = completed(values)
    token.result = result
    token.results = [result]
    token.known.own[token.step.name].result = result


def misjudge(run: Run, token: Token, error: Error) -> None:
    """The condition of a case raised: the step fails of it."""
    frames.note_error(token, error)
    token.failure = error
    token.result = token.known.own[token.step.name].result = failed(error)


def end(run: Run, token: Token | None, status: str, error: Error | None, reason: str | None, by: str | None) -> None:
    """The run begins to end; `by` is the path of the token that a `stop` ended."""
    run.ending = Ending(status, error, reason, by)


def cancel_token(run: Run, token: Token) -> None:
    """A token that is in no visit is no more."""
    strands.end_cancelled(run, token)


def lose(run: Run, token: Token) -> None:
    """Another branch has won a race: nothing that this one set is kept."""
    token.lost = True


#: The word in the log, and what it does to a run and a token.
CHANGES: dict[str, Callable[..., None]] = {
    "assign": frames.assign,
    "attempt": frames.attempt,
    "begin": frames.begin,
    "cancel": cancel_token,
    "collect": frames.collect,
    "did": frames.did,
    "end": end,
    "ended": ended,
    "enter": frames.enter,
    "fail": frames.fail,
    "fall_back": frames.fall_back,
    "fire": fire,
    "gather": strands.gather,
    "hear": frames.hear,
    "interrupt": strands.interrupt,
    "items": frames.items,
    "iterate": frames.iterate,
    "leave": frames.leave,
    "lose": lose,
    "listen": timers.listen,
    "log": frames.log,
    "loop": frames.loop,
    "looped": frames.looped,
    "misjudge": misjudge,
    "quick": quick,
    "remember": undoing.remember,
    "set": frames.set_values,
    "skip": frames.skip,
    "sleep": timers.sleep,
    "spawn": strands.spawn,
    "stop_spawning": strands.stop_spawning,
    "take": frames.take,
    "tried": frames.tried,
    "undo": frames.undo,
    "unwind": strands.unwind,
    "worked": worked,
}
