"""How far a run has come: what goes on in it, what is done of what is known to come, and how long that may take.

Pure: the state of a run in, data out. What something will take is told by how long the same has taken in this run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

import msgspec

from noetl.machine import Run, Status
from noetl.machine.state import ENDED, Frame, Phase, Row, Stage, Token
from noetl.machine.waits import ActionWait, StrandsWait, UndoingWait
from noetl.model.playbook import Join, Step, Take

#: What a visit is in that has not ended: the first that holds for one of its tokens.
_LIVELIEST = (Status.RUNNING, Status.QUEUED, Status.WAITING, Status.PAUSED)


class LoopProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A loop that goes on in `step`; `place` says where it stands.

    `total` is None where only its condition tells when it ends, `left_s` where that cannot be told.
    """

    step: str
    place: str
    done: int
    failed: int
    total: int | None
    left_s: float | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`visits` counts the visits of steps by their state, `waits_for` what is queued by the reason.

    `completed` counts the visits that have ended, `total` them and those to come, None where conditions decide about
    that; `left_s` is None where nothing like what is left has been measured.
    """

    status: Status
    elapsed_s: float
    visits: dict[str, int]
    completed: int
    total: int | None
    waits_for: dict[str, int]
    loops: list[LoopProgress]
    left_s: float | None

    def as_data(self) -> dict[str, Any]:
        """The same as JSON data."""
        return {
            "status": str(self.status),
            "elapsed": self.elapsed_s,
            "visits": self.visits,
            "completed": self.completed,
            "total": self.total,
            "waits_for": self.waits_for,
            "loops": [
                {
                    "step": loop.step,
                    "place": loop.place,
                    "done": loop.done,
                    "failed": loop.failed,
                    "total": loop.total,
                    "left": loop.left_s,
                }
                for loop in self.loops
            ],
            "left": self.left_s,
        }


def progress(run: Run, now: int) -> Progress:
    """How far a run has come at a time, in microseconds since the epoch."""
    working: defaultdict[Row, list[Token]] = defaultdict(list)
    for token in run.tokens.values():
        if token.row is not None:
            working[token.row].append(token)
    visits = Counter(str(row.status) for row in run.rows if row.status in ENDED)
    completed = visits.total()
    visits.update(str(_state(run, tokens)) for tokens in working.values())
    ahead = _ahead(run)
    ended_at = now if run.ended_at is None else run.ended_at
    waits = (token.wait for token in run.tokens.values())
    return Progress(
        status=run.status,
        elapsed_s=(ended_at - run.started_at) / 1e6,
        visits=dict(visits),
        completed=completed,
        total=None if ahead is None else completed + len(working) + len(ahead),
        waits_for=dict(Counter(wait.queued for wait in waits if isinstance(wait, ActionWait) and wait.queued)),
        loops=_loops(run),
        left_s=_left_s(run, working, ahead, now),
    )


def _state(run: Run, tokens: Iterable[Token]) -> Status:
    """What a visit is in that has not ended, by the liveliest of its tokens."""
    # Who waits for parallel items is what they are.
    states = {_state_of(run, token) for token in tokens if not isinstance(token.wait, StrandsWait)}
    return next((state for state in _LIVELIEST if state in states), Status.RUNNING)


def _state_of(run: Run, token: Token) -> Status:
    wait = token.wait
    if isinstance(wait, ActionWait):
        return Status.RUNNING if wait.queued is None else Status.QUEUED
    if run.status is Status.PAUSED:
        return Status.PAUSED
    return Status.RUNNING if wait is None or isinstance(wait, UndoingWait) else Status.WAITING


def _ahead(run: Run) -> list[Step] | None:
    """The steps that are still to be visited, if all goes well; None where conditions or cycles decide about that."""
    if run.status in ENDED:
        return []
    if run.ending is not None or not run.tokens:
        return None
    found: dict[str, Step] = {}
    to_come: list[str] = []
    for token in run.tokens.values():
        if token.parent is None and token.compensates is None:
            moves = _moves(token.step) if token.phase is Phase.WORKING else [token.step.name]
            if moves is None:
                return None
            to_come += moves
    while to_come:
        step = run.playbook.steps[to_come.pop()]
        moves = _moves(step)
        if moves is None:
            return None
        if step.name not in found:
            found[step.name] = step
            to_come += moves
        elif step.join is Join.EACH:
            # Two branches that each make a visit of their own, or a cycle.
            return None
    return list(found.values())


def _moves(step: Step) -> list[str] | None:
    """Where a step leads, if that is settled before it is visited."""
    if not step.cases:
        return []
    first = step.cases[0]
    settled = first.condition is None and first.work is None and step.take is Take.FIRST
    return list(first.moves) if settled else None


def _loops(run: Run) -> list[LoopProgress]:
    """The loops that go on; those of one place, in parallel items or branches, together."""
    found: dict[tuple[str, str], list[Frame]] = {}
    for token in run.tokens.values():
        for frame in token.frames:
            if _goes_through_a_loop(frame):
                found.setdefault((token.step.name, frame.work.place), []).append(frame)
    return [_loop(step, place, frames) for (step, place), frames in found.items()]


def _goes_through_a_loop(frame: Frame) -> bool:
    if frame.work.loop is None or frame.iteration or frame.stage in (Stage.ENTERED, Stage.UNDOING, Stage.ENDING):
        return False
    return frame.index >= 0 or frame.next > 0


def _loop(step: str, place: str, frames: list[Frame]) -> LoopProgress:
    totals = [len(frame.items) for frame in frames if frame.items is not None]
    return LoopProgress(
        step=step,
        place=place,
        done=sum(frame.done for frame in frames),
        failed=sum(len(frame.errors) for frame in frames),
        total=sum(totals) if len(totals) == len(frames) else None,
        left_s=_most(_loop_left_s(frame) for frame in frames),
    )


def _loop_left_s(frame: Frame) -> float | None:
    """By the mean of the iterations that have ended, and by how many of them go on at once."""
    if frame.items is None or not frame.done:
        return None
    at_once = len(frame.strands) if frame.stage is Stage.LOOPING else 1
    return frame.spent / frame.done * (len(frame.items) - frame.done) / max(1, at_once)


def _left_s(run: Run, working: Mapping[Row, list[Token]], ahead: list[Step] | None, now: int) -> float | None:
    """The longest of what goes on, and then what is ahead, one after the other."""
    if run.status in ENDED:
        return 0.0
    if ahead is None:
        return None
    took: defaultdict[str, list[float]] = defaultdict(list)
    for row in run.rows:
        if row.status == Status.COMPLETED and row.ended_at is not None:
            took[row.name].append((row.ended_at - row.started_at) / 1e6)
    if any(step.name not in took for step in ahead):
        return None
    means = {name: fmean(each) for name, each in took.items()}
    longest = _most(_visit_left_s(row, tokens, means, now) for row, tokens in working.items())
    return None if longest is None else longest + sum(means[step.name] for step in ahead)


def _visit_left_s(row: Row, tokens: list[Token], means: Mapping[str, float], now: int) -> float | None:
    outermost = next((token.frames[0] for token in tokens if token.parent is None and token.frames), None)
    if outermost is not None and _goes_through_a_loop(outermost):
        return _loop_left_s(outermost)
    mean = means.get(row.name)
    return None if mean is None else max(0.0, mean - (now - row.started_at) / 1e6)


def _most(times: Iterable[float | None]) -> float | None:
    """The longest; None where one of them is not known."""
    known: list[float] = []
    for time in times:
        if time is None:
            return None
        known.append(time)
    return max(known, default=0.0)
