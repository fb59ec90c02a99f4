"""`noetl show --watch`: a run that goes on elsewhere, followed by its event log until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from noetl.cli.console import Console
from noetl.cli.event_log import opened
from noetl.cli.lines import Lines, PlainLines
from noetl.cli.live.view import LiveView
from noetl.cli.past_run import beginning
from noetl.cli.progress import Progress as Told
from noetl.cli.telling import WIDEST
from noetl.cli.text import duration, one_line
from noetl.cli.visits import Visit
from noetl.machine import Run, Status, changed, evolve
from noetl.model.event import Event
from noetl.runtime import identity
from noetl.runtime.clock import microseconds
from noetl.runtime.progress import LoopProgress, Progress, progress
from noetl.store import EventStore, RunRecord

#: So many events are in memory at once.
_PAGE = 1000

#: How long to wait before looking for new events again, in seconds.
_PAUSE_S = 0.2

#: A pipe gets no more than one line of progress in so many seconds.
_LINE_EVERY_S = 1.0


class Watcher(Protocol):
    """Is told every event, and after each look at the log how far the run has come."""

    def hear(self, event: Event) -> None: ...

    def look(self, found: Progress, *, driven: bool, last: bool) -> None: ...


async def watch(store_url: str | None, prefix: str, console: Console, *, json: bool) -> None:
    """Tell how the run whose id begins so comes on, from now until it ends. Raises as `past_run` does."""
    async with opened(store_url) as store:
        record = await store.find(prefix)
        run = await beginning(store, record)
        with _watcher(console, run, json=json) as watcher:
            while True:
                await _fold(store, run, watcher)
                # The record was read before the events: where it had ended by then, all of them have been folded.
                ended = record.ended_at is not None
                driven = ended or await _is_driven(store, record)
                watcher.look(progress(run, microseconds()), driven=driven, last=ended)
                if ended or not console.out.still_read():
                    return
                await asyncio.sleep(_PAUSE_S)
                record = await store.record(record.execution_id) or record


async def _fold(store: EventStore, run: Run, watcher: Watcher) -> None:
    while events := await store.read(run.id, run.seq, _PAGE):
        for event in events:
            evolve(run, event)
            watcher.hear(event)
        changed(run)


async def _is_driven(store: EventStore, record: RunRecord) -> bool:
    """Whether an engine goes on with the run, as far as can be told from here."""
    owner = next((one for one in await store.owners() if one.engine == record.engine), None)
    return owner is not None and owner.expires_at > microseconds() and not identity.is_dead(owner)


@contextmanager
def _watcher(console: Console, run: Run, *, json: bool) -> Iterator[Watcher]:
    if json:
        yield _Objects(console)
    elif console.out.drawable:
        yield from _drawn(console, run)
    else:
        lines = PlainLines(console.out, asyncio.get_running_loop().call_soon)
        yield _Lines(console, run, lines)
        lines.settle()


def _drawn(console: Console, run: Run) -> Iterator[Watcher]:
    watcher: _Drawn
    with LiveView(console, lambda: [run], lambda: watcher.summary()) as view:
        watcher = _Drawn(console, run, view)
        yield watcher


class _Objects:
    """A JSON object for each change."""

    def __init__(self, console: Console) -> None:
        self._output = console.out
        self._before: object = None

    def hear(self, event: Event) -> None:
        pass

    def look(self, found: Progress, *, driven: bool, last: bool) -> None:
        if (state := _without_times(found)) != self._before:
            self._before = state
            self._output.json({**found.as_data(), "driven": driven})
            self._output.flush()


class _FromNowOn:
    """Lets lines through once what had happened before has been read."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.open = False

    def said(self, visit: Visit | None, line: str) -> None:
        if self.open:
            self._lines.said(visit, line)

    def ended(self, visit: Visit, line: str) -> None:
        if self.open:
            self._lines.ended(visit, line)

    def settle(self) -> None:
        self._lines.settle()


class _Lines:
    """A line for each visit that ends, as `noetl run` has it, and one when the run has come on."""

    def __init__(self, console: Console, run: Run, lines: Lines) -> None:
        self._lines = _FromNowOn(lines)
        width = min(WIDEST, max(map(len, run.playbook.steps)))
        self._tell = Told(console.out, self._lines, width=width, scripts=False, debug=False)
        self._before: object = None
        self._told_at = 0.0

    def hear(self, event: Event) -> None:
        self._tell(event)

    def look(self, found: Progress, *, driven: bool, last: bool) -> None:
        self._lines.open = True
        now = asyncio.get_running_loop().time()
        state = (_without_times(found), driven)
        if state != self._before and not last and now >= self._told_at + _LINE_EVERY_S:
            self._before, self._told_at = state, now
            self._lines.said(None, f"{summary(found, driven=driven)}\n")


class _Drawn(_Lines):
    """What goes on at the bottom of the terminal, with how far the run has come below it."""

    def __init__(self, console: Console, run: Run, view: LiveView) -> None:
        super().__init__(console, run, view)
        self._run = run
        self._view = view
        self._driven = True

    def hear(self, event: Event) -> None:
        super().hear(event)
        self._view(event)

    def look(self, found: Progress, *, driven: bool, last: bool) -> None:
        self._lines.open = True
        self._driven = driven

    def summary(self) -> str:
        return summary(progress(self._run, microseconds()), driven=self._driven)


def _without_times(found: Progress) -> object:
    loops = [(loop.place, loop.done, loop.failed) for loop in found.loops]
    return found.status, found.visits, found.total, found.waits_for, loops


def summary(found: Progress, *, driven: bool) -> str:
    """How far a run has come, in one line."""
    total = f"{found.completed} visits" if found.total is None else f"{found.completed}/{found.total} visits"
    others = [str(state) for state in Status if state is not Status.COMPLETED and state in found.visits]
    counts = [f"{found.visits[state]} {state}" for state in others]
    reasons = [f"{number} for {one_line(reason)}" for reason, number in found.waits_for.items()]
    parts = [
        str(found.status),
        f"{total} done" + (f" ({', '.join(counts)})" if counts else ""),
        *(f"queued: {reason}" for reason in reasons),
        *map(_loop, found.loops),
        duration(found.elapsed_s),
    ]
    if found.left_s is not None and found.status is Status.RUNNING:
        parts.append(f"about {duration(found.left_s)} left")
    if not driven:
        parts.append("nobody goes on with it")
    return "; ".join(parts)


def _loop(loop: LoopProgress) -> str:
    done = str(loop.done) if loop.total is None else f"{loop.done}/{loop.total}"
    failed = f" ({loop.failed} failed)" if loop.failed else ""
    left = f", about {duration(loop.left_s)} left" if loop.left_s is not None else ""
    return f"loop in {one_line(loop.step)} {done}{failed}{left}"
