"""What all parts of `decide` share: applying changes, making events of them, and evaluating for a token."""

from __future__ import annotations

from typing import Any

import msgspec

from noetl.errors import ErrorKind, ExpressionError
from noetl.machine.changes import CHANGES
from noetl.machine.evolve import APPLY
from noetl.machine.result import Error, make_error
from noetl.machine.scope import Scope
from noetl.machine.state import Phase, Run, Token
from noetl.model.event import Event, Kind
from noetl.model.playbook import ActionCall, Block


class Decider(msgspec.Struct, eq=False):
    """Collects the events of one call of `decide`.

    A change is applied at once and goes into the log with the next event: `change` and `emit` together do what `evolve`
    does with the event later.
    """

    run: Run
    scope: Scope
    #: How many events are to be made before others get their turn.
    batch: int
    events: list[Event] = []
    #: The changes that the next event carries: `[token, word, *arguments]`.
    pending: list[list[Any]] = []
    paused: bool = False

    def change(self, token: Token | None, word: str, *arguments: Any) -> None:
        self.pending.append([token, word, *arguments])
        CHANGES[word](self.run, token, *arguments)

    def emit(self, kind: str, token: Token | None, data: dict[str, Any], *, into: str | None = None) -> None:
        """An event about a token, or the whole run; `into` is the path of the token that a join makes of it."""
        run = self.run
        if self.pending:
            for change in self.pending:
                changed = change[0]
                change[0] = None if changed is token or changed is None else changed.id
            data["changes"], self.pending = self.pending, []
        if token is None:
            event = Event(run.id, run.seq + 1, run.at, kind, "", "", data)
        else:
            event = Event(run.id, run.seq + 1, run.at, kind, token.step.name, into or token.id, data)
        if kind in APPLY:
            APPLY[kind](run, event, data)
        run.seq += 1
        self.events.append(event)

    def pause(self, token: Token) -> None:
        """The token has had a long turn, and goes on in a later call of `decide`."""
        self.paused = True
        self.emit(Kind.ACTION_PROGRESS, token, {"place": token.frames[-1].work.place, "paused": True})

    def end(self, status: str, error: Error | None, *, reason: str | None = None, by: Token | None = None) -> None:
        """The run begins to end: what is alive is asked to stop. `by` is the token that is about to end by itself."""
        run = self.run
        self.change(None, "end", status, error, reason, None if by is None else by.id)
        for token in list(run.tokens.values()):
            if token.parent is not None or token is by or token.compensates is not None:
                # What is being undone is undone to its end.
                continue
            if token.phase is Phase.WORKING:
                self.change(token, "interrupt", -1, None)
            else:
                self.change(token, "cancel")


def begin_block(d: Decider, token: Token, block: Block) -> None:
    """Enter the work of a step or case; a single call without policies around the list needs no frame of its own."""
    call = block.run[0]
    if not block.alone:
        d.change(token, "enter", block.id)
    elif isinstance(call, ActionCall) and call.bare:
        d.change(token, "attempt", call.id)
    else:
        d.change(token, "enter", call.id)


def error_of(problem: ExpressionError, *, step: str | None = None, action: str | None = None) -> Error:
    """The error that a playbook sees when a template or condition could not be evaluated."""
    details: dict[str, Any] = {}
    if problem.span is not None:
        span = problem.span
        details = {"file": span.source.name, "line": span.line, "column": span.column}
    return make_error(ErrorKind.PERMANENT, problem.code, problem.message, step=step, action=action, details=details)
