"""What goes on in runs at one moment, read from their states: visits of steps, and the parallel items in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from noetl.cli.live.spoken import Spoken
from noetl.cli.live.waiting import attempt_of, standing_of, waiting_of
from noetl.cli.text import one_line, shown
from noetl.machine import Run
from noetl.machine.frames import calls_of
from noetl.machine.state import Frame, Phase, Stage, Token
from noetl.machine.undoing import undoes
from noetl.machine.waits import ActionWait, StrandsWait
from noetl.model.playbook import ActionCall, TaskCall

#: Of the parallel items of one visit so many are shown, the others counted.
MOST_ITEMS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A visit of a step that goes on, or a parallel `item` of the one before.

    `since` is in microseconds, None where it does not matter. `done` of `total` iterations or items have ended; `share`
    is how far its action says that it has come. `text` is what it waits for, has last printed, or does.
    """

    name: str
    item: bool = False
    since: int | None = None
    done: int | None = None
    total: int | None = None
    share: float | None = None
    remarks: tuple[str, ...] = ()
    text: str = ""


def activities(runs: Iterable[tuple[str, Run]], spoken: Spoken, now: int, room: int) -> tuple[list[Activity], int]:
    """What fits `room` lines, and how many visits go on besides: one line is left to say so.

    Each run comes with what stands before the names of its steps. Parallel items are shown where there is room left.
    """
    visits: list[tuple[_Look, Token]] = []
    standing: list[Activity] = []
    hidden = 0
    for label, run in runs:
        look = _Look(run, label, spoken, now)
        text = standing_of(run, now)
        if text and room > 1:
            standing.append(Activity(name=one_line(label.rstrip("/") or run.playbook.name), text=text))
            room -= 1
        for token in run.tokens.values():
            if not _is_shown(token):
                continue
            if len(visits) < room:
                visits.append((look, token))
            else:
                hidden += 1
    if hidden and room > 1:
        visits.pop()
        hidden += 1
    spare = 0 if hidden else room - len(visits)
    found = standing
    for look, token in visits:
        items = list(look.items(token, min(spare, MOST_ITEMS)))
        spare -= len(items)
        found += [look.visit(token), *items]
    return found, hidden


def _is_shown(token: Token) -> bool:
    """Whether a token is in a visit of its own, or undoes one."""
    if token.parent is not None or token.phase is not Phase.WORKING:
        return False
    return token.row is not None or token.compensates is not None


class _Look:
    """One look at a run."""

    def __init__(self, run: Run, label: str, spoken: Spoken, now: int) -> None:
        self._run = run
        self._label = label
        self._spoken = spoken
        self._now = now

    def visit(self, token: Token) -> Activity:
        row = token.row
        if row is None:
            since = token.frames[0].started_at if token.frames else None
            return self._activity(token, f"{self._label}{token.step.name}, undone", since, item=False)
        number = f" (visit {row.visit})" if row.visit > 1 else ""
        return self._activity(token, f"{self._label}{row.name}{number}", row.started_at, item=False)

    def items(self, token: Token, most: int) -> Iterator[Activity]:
        """The parallel items that the visit waits for; where they are more than fit, the last line counts the rest."""
        if most < 1 or not isinstance(token.wait, StrandsWait):
            return
        frame = token.frames[-1]
        strands = frame.strands
        fit = most if len(strands) <= most else most - 1
        for slot, strand in islice(strands.items(), fit):
            since = strand.frames[0].started_at if strand.frames else None
            yield self._activity(strand, f"{slot + 1} {self._called(frame, slot)}".rstrip(), since, item=True)
        if len(strands) > fit:
            yield Activity(name=f"and {len(strands) - fit} more", item=True)

    def _activity(self, token: Token, name: str, since: int | None, *, item: bool) -> Activity:
        saying = self._spoken.by(self._run.id, token.id)
        done, total = self._counts(token)
        undoing = undoes(token.id)
        ending = (self._run.ending is not None and not undoing) or token.interrupt is not None
        remarks = ("cancelling" if ending else "", attempt_of(token), "" if item else _iteration(token))
        return Activity(
            name=one_line(name),
            item=item,
            since=since,
            done=done,
            total=total,
            share=saying.share if isinstance(token.wait, ActionWait) else None,
            remarks=tuple(remark for remark in remarks if remark),
            text=waiting_of(self._run, token, self._now) or one_line(saying.text) or self._doing(token),
        )

    def _counts(self, token: Token) -> tuple[int | None, int | None]:
        """How far the outermost loop has come, else the innermost calls of which there are several."""
        counts: tuple[int | None, int | None] = (None, None)
        for frame in token.frames:
            if frame.items is not None and not frame.iteration:
                return frame.done, len(frame.items)
            if frame.stage is Stage.BODY and not isinstance(frame.work, ActionCall):
                total = len(calls_of(self._run, frame.work))
                if total > 1:
                    counts = len(frame.ended) if frame.strands or frame.ended else len(frame.results), total
        return counts

    def _doing(self, token: Token) -> str:
        """The action that the token is at."""
        work = token.frames[-1].work if token.frames else None
        return work.action if isinstance(work, ActionCall) else ""

    def _called(self, frame: Frame, slot: int) -> str:
        """What a parallel item is called besides its number."""
        if frame.stage is Stage.LOOPING:
            return _named(frame, slot)
        call = calls_of(self._run, frame.work)[slot]
        return call.task if isinstance(call, TaskCall) else call.action


def _iteration(token: Token) -> str:
    """Which iteration the outermost loop is in: its item where that is a name, its number where the end is open."""
    for frame in token.frames:
        if frame.work.loop is not None and not frame.iteration and frame.index >= 0:
            return _named(frame, frame.index) if frame.items is not None else f"iteration {frame.index + 1}"
    return ""


def _named(frame: Frame, index: int) -> str:
    """An item of a loop, where it says more than its number."""
    item = frame.items[index] if frame.items is not None and index < len(frame.items) else None
    return one_line(shown(item)) if isinstance(item, str | int | float) and item != index else ""
