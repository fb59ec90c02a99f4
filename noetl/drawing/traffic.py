"""What happened in a run, counted by step and by way: its events are folded, and the tokens followed as they move."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from noetl.drawing.graph import Route
from noetl.machine import Run, Status, evolve
from noetl.machine.state import Phase, Row
from noetl.model.event import Event, Kind


@dataclass(slots=True)
class Passage:
    """How often a way was taken, when (in seconds since the start), and how long tokens waited at its end."""

    count: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    waited_s: float = 0.0


@dataclass(slots=True)
class Stay:
    """The visits of a step, or the times that a case's work was done. `latest` is the status of the last started."""

    visits: int = 0
    failed: int = 0
    running: int = 0
    latest: str = Status.RUNNING
    busy_s: float = 0.0


@dataclass(slots=True)
class Traffic:
    """`stays` by step, and by step and case; `passages` by way.

    `unfinished` are ways on which work began that has not ended, or whose failure nobody took.
    """

    run: Run
    stays: dict[tuple[str, int | None], Stay] = field(default_factory=dict)
    passages: dict[Route, Passage] = field(default_factory=dict)
    unfinished: dict[Route, Passage] = field(default_factory=dict)


def traffic_of(run: Run, events: Iterable[Event]) -> Traffic:
    """Folds the events into the run, which has had none, and tells what moved."""
    traffic = Traffic(run)
    follower = _Follower(traffic)
    for event in events:
        evolve(run, event)
        follower.note(event)
    follower.finish()
    for row in run.rows:
        _count(traffic, row, None, run.at)
        if row.case is not None:
            _count(traffic, row, row.case, run.at)
    for token in run.tokens.values():
        if token.row is not None and token.case is not None:
            _count(traffic, token.row, token.case, run.at)
            follower.begin(Route(token.step.name, token.case))
    return traffic


def _count(traffic: Traffic, row: Row, case: int | None, now: int) -> None:
    stay = traffic.stays.setdefault((row.name, case), Stay())
    stay.visits += 1
    stay.failed += row.status == Status.FAILED
    stay.running += row.status == Status.RUNNING
    stay.latest = row.status
    stay.busy_s += ((now if row.ended_at is None else row.ended_at) - row.started_at) / 1e6


class _Follower:
    """Knows of each token that is on its way which way that is, and when it set out."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._run = traffic.run
        self._moving: dict[str, tuple[Route, int]] = {}

    def note(self, event: Event) -> None:
        if event.kind == Kind.STEP_STARTED:
            for token in event.data.get("joined") or (event.token,):
                self._arrive(token, event.at)
        elif event.kind in (Kind.STEP_COMPLETED, Kind.STEP_FAILED):
            self._leave(event)
        elif event.kind == Kind.TOKEN_JOINED and event.data.get("dropped"):
            self._arrive(event.token, event.at)
        elif event.kind == Kind.RUN_STARTED:
            for branch, token in enumerate(self._run.tokens):
                self._moving[token] = (Route("", None, branch), event.at)

    def finish(self) -> None:
        """Tokens that still wait at a join have taken their way, too."""
        for token in self._run.tokens.values():
            if token.phase is Phase.PARKED:
                self._arrive(token.id, self._run.at)

    def begin(self, route: Route) -> None:
        """The work of a case goes on."""
        self._pass(self._traffic.unfinished, route, self._run.at, self._run.at)

    def _leave(self, event: Event) -> None:
        route = Route(event.step, event.data.get("case"))
        targets = event.data.get("next") or ()
        if not targets:
            unhandled = event.kind == Kind.STEP_FAILED and ("kept" in event.data or self._run.ending is not None)
            ways = self._traffic.unfinished if unhandled else self._traffic.passages
            self._pass(ways, route, event.at, event.at)
        elif len(targets) == 1:
            self._moving[event.token] = (route, event.at)
        else:
            # The fork has just put its branches behind all other tokens.
            branches = list(islice(reversed(self._run.tokens), len(targets)))
            for branch, token in enumerate(reversed(branches)):
                self._moving[token] = (route._replace(branch=branch), event.at)

    def _arrive(self, token: str, at: int) -> None:
        found = self._moving.pop(token, None)
        if found is not None:
            route, left_at = found
            self._pass(self._traffic.passages, route, left_at, at)

    def _pass(self, ways: dict[Route, Passage], route: Route, left_at: int, arrived_at: int) -> None:
        when = (left_at - self._run.started_at) / 1e6
        passage = ways.setdefault(route, Passage(first_s=when, last_s=when))
        passage.count += 1
        passage.first_s = min(passage.first_s, when)
        passage.last_s = max(passage.last_s, when)
        passage.waited_s += (arrived_at - left_at) / 1e6
