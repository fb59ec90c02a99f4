"""What waits to be written, by runs: a run is in one writer's hands at a time, so that its appends keep their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from noetl.store.jobs import Append, Job
from noetl.store.postgres.turns import Turn

#: In one round trip; more waits for the next one, so that neither side holds too much in memory.
_RUNS = 1000
_CHARACTERS = 8_000_000
_JOBS = 1000


class Queue:
    """Runs with jobs, in the order in which they came; those that somebody works at are held back."""

    def __init__(self) -> None:
        self._ready: dict[str, deque[Job]] = {}
        self._held: dict[str, deque[Job]] = {}

    def put(self, execution_id: str, job: Job) -> None:
        held = self._held.get(execution_id)
        if held is None:
            held = self._ready.setdefault(execution_id, deque())
        held.append(job)

    def is_busy(self, execution_id: str) -> bool:
        """Whether a job of the run waits or is being done."""
        return execution_id in self._ready or execution_id in self._held

    def busy(self) -> list[str]:
        return [*self._ready, *self._held]

    def take(self) -> list[Turn]:
        """A turn for each run that nobody works at, as many as go well together."""
        turns: list[Turn] = []
        characters = 0
        while self._ready and len(turns) < _RUNS and characters < _CHARACTERS:
            execution_id = next(iter(self._ready))
            jobs = self._ready.pop(execution_id)
            self._held[execution_id] = jobs
            turn = _next_turn(execution_id, jobs)
            turns.append(turn)
            characters += turn.size
        return turns

    def give_back(self, turns: Iterable[Turn]) -> None:
        """These turns are over, and their runs have the next."""
        for turn in turns:
            jobs = self._held.pop(turn.execution_id)
            if jobs:
                self._ready[turn.execution_id] = jobs


def _next_turn(execution_id: str, jobs: deque[Job]) -> Turn:
    turn = Turn(execution_id)
    characters = 0
    while jobs and len(turn.appends) < _JOBS and characters < _CHARACTERS:
        job = jobs[0]
        if not turn.take(job):
            break
        jobs.popleft()
        characters += len(job.batch.text) if isinstance(job, Append) else 0
    return turn
