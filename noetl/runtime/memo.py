"""What a run takes over of the one that it repeats: the outcomes of actions, by where each stood and what it was given.

Knows the log of that run, and how to tell the same action again; decides nothing about how actions are carried out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from noetl.machine import Run, RunAction
from noetl.machine.held import as_data
from noetl.machine.scope import Scope, moment
from noetl.machine.state import Token
from noetl.machine.undoing import undoes
from noetl.machine.working import key_of
from noetl.model.event import Event, Kind
from noetl.store.base import EventStore

#: So many events are in memory at once while a log is read.
_PAGE = 5000


class Why(StrEnum):
    """Why something that the earlier run had completed is not taken over."""

    CHANGED = "changed"  # it is given something else now
    EXCLUDED = "excluded"  # it began after the step from which on all is to be done again
    UNDONE = "undone"  # its step was undone
    UNREACHED = "unreached"  # the new run has not come to it


class Known(msgspec.Struct, kw_only=True):
    """An action that the earlier run has completed. `why` says why it is not taken over; None while it may be."""

    step: str
    place: str
    action: str
    seq: int
    at: int
    options: Mapping[str, Any]
    held: Mapping[str, Any]
    data: Any = None
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict)
    why: Why | None = None
    reused: bool = False
    #: The options that the new run has rendered otherwise.
    differing: tuple[str, ...] = ()


class Memo:
    """The completed actions of one run, for one run that repeats it. `rerun` is what the new run keeps of it."""

    def __init__(self, rerun: Mapping[str, Any]) -> None:
        self.rerun = rerun
        self.of: str = rerun["of"]
        #: The steps that the earlier run has visited.
        self.steps: set[str] = set()
        self._known: dict[str, Known] = {}
        self._going_on: dict[str, tuple[str, Known]] = {}
        #: By step, the event with which its work was last begun to be undone.
        self._undone: dict[str, int] = {}
        self._end: int | None = None

    async def read(self, store: EventStore) -> None:
        """Take in the log of the earlier run; of one that is not there any more nothing is known."""
        after = 0
        while events := await store.read(self.of, after, _PAGE):
            for event in events:
                self._note(event)
            after = events[-1].seq
        for known in self._known.values():
            if known.seq < self._undone.get(known.step, 0):
                known.why = Why.UNDONE
            elif self._end is not None and known.seq > self._end:
                known.why = Why.EXCLUDED

    def _note(self, event: Event) -> None:
        data = event.data
        if event.kind == Kind.STEP_STARTED:
            self.steps.add(event.step)
            if event.step == self.rerun["from"] and self._end is None:
                self._end = event.seq
        elif event.kind == Kind.COMPENSATION_STARTED:
            self._undone[event.step] = event.seq
        elif undoes(event.token):
            return
        elif event.kind == Kind.ACTION_STARTED and "key" in data:
            known = Known(
                step=event.step,
                place=data["place"],
                action=data["action"],
                seq=event.seq,
                at=event.at,
                options=data["options"],
                held=data.get("held", {}),
            )
            self._going_on[event.token] = (data["key"], known)
        elif event.kind == Kind.ACTION_COMPLETED and event.token in self._going_on:
            key, known = self._going_on.pop(event.token)
            known.data, known.fields = data.get("data"), data.get("fields", {})
            self._known[key] = known

    def answer(self, run: Run, command: RunAction) -> Known | None:
        """What came of the same action, given the same, in the earlier run."""
        token = run.tokens[command.token]
        if undoes(command.token):
            return None
        position = Scope(run).at(token, command.work.place).position()
        known = self._known.get(key_of(self.of, position))
        if known is None or known.why not in (None, Why.CHANGED):
            return None
        known.differing = tuple(_differing(known, run, token, command))
        known.why = Why.CHANGED if known.differing else None
        known.reused = known.why is None
        return known if known.reused else None

    def reused(self) -> list[Known]:
        """What was taken over, in the order of the earlier run."""
        return [known for known in self._known.values() if known.reused]

    def rest(self) -> list[tuple[Known, Why]]:
        """What else the earlier run has completed, and why it was not taken over."""
        return [(known, known.why or Why.UNREACHED) for known in self._known.values() if not known.reused]


async def memo_of(store: EventStore, rerun: Mapping[str, Any] | None) -> Memo | None:
    """What a run takes over that keeps this of the one that it repeats."""
    if rerun is None:
        return None
    memo = Memo(rerun)
    await memo.read(store)
    return memo


def _differing(known: Known, run: Run, token: Token, command: RunAction) -> Iterator[str]:
    """The options that are not what they were; the action itself is called `action`."""
    if known.action != command.work.action:
        yield "action"
    held = as_data(command.held)
    for name in dict.fromkeys((*known.options, *known.held, *command.options, *command.held)):
        was = (known.options.get(name), known.held.get(name))
        if was != (command.options.get(name), held.get(name)) and not _only_later(name, known, run, token, command):
            yield name


def _only_later(name: str, known: Known, run: Run, token: Token, command: RunAction) -> bool:
    """Whether an option differs only because it reads the time."""
    template = command.work.options.get(name)
    if template is None or name not in known.options or name not in command.options:
        return False
    if not any("now" in expression.names for expression in template.expressions):
        return False
    then = _Then(run, then=known.at).at(token, f"{command.work.place}.{name}")
    return bool(template.render(then) == known.options[name])


class _Then(Scope):
    """What a token sees, at another time."""

    then: int = 0

    def now(self) -> datetime:
        return moment(self.then)
