"""The shell around one run: carries out what is outstanding, and feeds back what came of it. It decides nothing."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from noetl.actions.base import Handler, Outcome, Resource
from noetl.errors import StoreError
from noetl.machine import (
    ActionEnded,
    Advance,
    Fact,
    Outstanding,
    Run,
    RunAction,
    StopAction,
    TimerDue,
    changed,
    decide,
    evolve,
    outstanding,
)
from noetl.machine.decide import BATCH
from noetl.machine.state import ActionWait
from noetl.model.event import Event
from noetl.runtime.carrying import carry_out
from noetl.runtime.report import Report, report
from noetl.runtime.surroundings import Surroundings
from noetl.store.base import EventStore
from noetl.values import Masker

#: So many batches may wait to be written before a long chain waits for the store.
BATCHES_AHEAD = 4

#: A timer far away is looked at again after this many seconds: the wall clock may be set meanwhile.
LONGEST_SLEEP_S = 3600.0


def microseconds() -> int:
    """The time, UTC, in microseconds since the epoch."""
    return time.time_ns() // 1000


class Host(Protocol):
    """What a runner needs of the engine it lives in."""

    rebuilds: bool

    @property
    def store(self) -> EventStore: ...

    def handler(self, name: str) -> Handler: ...

    def spawned(self, pid: int) -> None: ...

    def publish(self, events: list[Event]) -> None: ...

    async def resource(self, kind: type[Resource], key: str) -> Resource: ...

    async def run_child(self, parent: Runner, command: RunAction, options: Any) -> Outcome: ...


class Runner:
    """Drives one run from fact to fact.

    Progress inside a call of `decide` waits for nothing; an action goes out only when the events before it are durable.
    """

    def __init__(
        self,
        host: Host,
        run: Run,
        *,
        folder: Path,
        working_folder: Path,
        secrets: Mapping[str, str],
        depth: int,
    ) -> None:
        self.host = host
        self.run = run
        self.folder = folder
        self.working_folder = working_folder
        self.secrets = secrets
        self.masker = Masker(secrets.values())
        #: How many runs called this one, one through the other.
        self.depth = depth
        self.over: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Fact] = deque()
        self._running: dict[str, tuple[int, asyncio.Task[None]]] = {}
        self._stopping: set[int] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._unwritten: list[asyncio.Future[None]] = []
        self._rebuilding: asyncio.Task[None] | None = None
        self._busy = False
        self._closed = False

    def now(self) -> int:
        return max(self.run.at, microseconds())

    def handler(self, name: str) -> Handler:
        return self.host.handler(name)

    def spawned(self, pid: int) -> None:
        self.host.spawned(pid)

    async def resource(self, kind: type[Resource], key: str) -> Resource:
        return await self.host.resource(kind, key)

    async def run_child(self, command: RunAction, options: Any) -> Outcome:
        return await self.host.run_child(self, command, options)

    def feed(self, fact: Fact) -> None:
        """Tell the machine something; what follows from it is under way when this returns."""
        self._inbox.append(fact)
        self._pump()

    def _pump(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox and not self._closed:
                if self._advance_by(self._inbox.popleft()) and self.host.rebuilds:
                    # The pump goes on when the run stands again.
                    return
        except Exception as error:
            self._break(error)
        self._busy = False

    def _advance_by(self, fact: Fact) -> bool:
        """Whether anything followed from the fact."""
        if isinstance(fact, ActionEnded) and self._running.get(fact.token, (0, None))[0] == fact.wait:
            # Until now it was in hand: an action whose end is still in the inbox must not be started again.
            del self._running[fact.token]
        batch = 1 if self.host.rebuilds else BATCH
        events = decide(self.run, fact, batch=batch)
        if events:
            self._commit(events, more=len(events) >= batch or bool(self.run.ready))
        return bool(events)

    def _commit(self, events: list[Event], *, more: bool) -> None:
        over = self.run.over
        commands = [] if self.host.rebuilds else self._reconcile(changed(self.run))
        append = self.host.store.append(self.run.id, events[0].seq - 1, events, awaited=bool(commands))
        written = asyncio.ensure_future(append)
        self.host.publish(events)
        if self.host.rebuilds:
            self._rebuilding = self._loop.create_task(self._rebuild(written, more and not over))
        elif written.done():
            self._written(commands, over, written)
        else:
            self._unwritten.append(written)
            written.add_done_callback(partial(self._written, commands, over))
        if more and not over and not self.host.rebuilds:
            self._advance_soon()

    def _advance_soon(self) -> None:
        """Go on with a long chain when others had their turn, and the store is not far behind."""
        if len(self._unwritten) > BATCHES_AHEAD:
            self._unwritten[0].add_done_callback(lambda _: self._advance())
        else:
            self._loop.call_soon(self._advance)

    def _advance(self) -> None:
        if not self._closed:
            self.feed(Advance(at=microseconds()))

    def _written(self, commands: list[RunAction], over: bool, written: asyncio.Future[None]) -> None:
        if written in self._unwritten:
            self._unwritten.remove(written)
        error = None if written.cancelled() else written.exception()
        if error is not None:
            self._break(error)
            return
        for command in commands:
            self._launch(command)
        if over:
            self._finish()

    async def _rebuild(self, written: asyncio.Future[None], more: bool) -> None:
        """Throw the run away and fold it again from the store: nothing may live only in memory."""
        try:
            await written
            run = Run(self.run.playbook, self.run.id)
            for event in await self.host.store.read(run.id):
                evolve(run, event)
        except Exception as error:
            self._break(error)
            return
        self.run = run
        changed(run)
        for command in self._reconcile(outstanding(run), complete=True):
            self._launch(command)
        self._busy = False
        if run.over:
            self._finish()
        elif more:
            self._advance()

    def resume(self) -> None:
        """Go on with a run that was folded from its events: nothing is in hand, so everything outstanding begins."""
        changed(self.run)
        for command in self._reconcile(outstanding(self.run), complete=True):
            self._launch(command)
        self._advance()

    def _reconcile(self, todo: Outstanding, *, complete: bool = False) -> list[RunAction]:
        """Set and drop timers, stop what is to stop; the actions to start are for the caller, when it may."""
        commands: list[RunAction] = []
        for token_id, command in todo.actions.items():
            running = self._running.get(token_id)
            if isinstance(command, StopAction):
                self._stop(command)
            elif command is not None and (running is None or running[0] != command.wait):
                commands.append(command)
        if complete:
            for number in set(self._timers) - set(todo.timers):
                self._timers.pop(number).cancel()
        for number, due in todo.timers.items():
            if due is None:
                handle = self._timers.pop(number, None)
                if handle is not None:
                    handle.cancel()
            elif number not in self._timers:
                self._set_timer(number, due)
        return commands

    def _set_timer(self, number: int, due: int) -> None:
        delay = min(max(0.0, (due - microseconds()) / 1e6), LONGEST_SLEEP_S)
        self._timers[number] = self._loop.call_later(delay, self._timer_fires, number, due)

    def _timer_fires(self, number: int, due: int) -> None:
        if microseconds() < due:
            self._set_timer(number, due)
            return
        del self._timers[number]
        self.feed(TimerDue(at=microseconds(), timer=number))

    def _launch(self, command: RunAction) -> None:
        token = self.run.tokens.get(command.token)
        wait = None if token is None else token.wait
        # Since it was decided, the action may have been cancelled.
        if self._closed or not isinstance(wait, ActionWait) or wait.number != command.wait or wait.cancelling:
            return
        if command.token in self._running and self._running[command.token][0] == command.wait:
            return
        task = self._loop.create_task(self._carry(command))
        self._running[command.token] = (command.wait, task)
        task.add_done_callback(partial(self._carried, command))

    async def _carry(self, command: RunAction) -> None:
        around = Surroundings(self, command)
        try:
            ended = await carry_out(command, around)
        finally:
            around.flush()
        self.feed(
            ActionEnded(
                at=microseconds(),
                token=command.token,
                wait=command.wait,
                data=ended.data,
                fields=ended.fields,
                error=ended.error,
            )
        )

    def _carried(self, command: RunAction, task: asyncio.Task[None]) -> None:
        """An action that was cancelled may not even have begun, so that only its task can tell."""
        if task.cancelled():
            self._feed_cancelled(command.token, command.wait)

    def _feed_cancelled(self, token: str, wait: int) -> None:
        if not self._closed:
            self.feed(ActionEnded(at=microseconds(), token=token, wait=wait, cancelled=True))

    def _stop(self, command: StopAction) -> None:
        running = self._running.get(command.token)
        if running is not None and running[0] == command.wait:
            # Cancelling twice would break into the handler's own cleaning up.
            if command.wait not in self._stopping:
                self._stopping.add(command.wait)
                running[1].cancel()
            return
        self._loop.call_soon(self._feed_cancelled, command.token, command.wait)

    def _finish(self) -> None:
        self._closed = True
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        if not self.over.done():
            self.over.set_result(report(self.run))

    def _break(self, error: BaseException) -> None:
        """The log cannot be written: the run cannot go on here, and nothing of it is kept going."""
        self._closed = True
        for _, task in self._running.values():
            task.cancel()
        for handle in self._timers.values():
            handle.cancel()
        if not self.over.done():
            self.over.set_exception(error if isinstance(error, Exception) else StoreError(str(error)))

    async def close(self) -> None:
        """Stop driving the run, wherever it is; its log tells how to go on."""
        self._closed = True
        for handle in self._timers.values():
            handle.cancel()
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self.over.done():
            self.over.cancel()
