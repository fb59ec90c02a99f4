"""The shell around one run: carries out what is outstanding, and feeds back what came of it. It decides nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from noetl.actions.base import Outcome
from noetl.actions.leftovers import end_leftovers
from noetl.errors import RETRYABLE_KINDS, StoreError
from noetl.machine import (
    ActionEnded,
    Advance,
    Fact,
    Outstanding,
    Pause,
    Resume,
    Run,
    RunAction,
    Status,
    StopAction,
    TimerDue,
    changed,
    decide,
    evolve,
    outstanding,
)
from noetl.machine.decide import BATCH
from noetl.machine.outstanding import command_of
from noetl.machine.waits import ActionWait
from noetl.model.event import Event
from noetl.model.playbook import ActionCall
from noetl.runtime.carrier import Carrier
from noetl.runtime.carrying import carry_out
from noetl.runtime.clock import microseconds
from noetl.runtime.dead_letters import given_up, left_over, unread_by
from noetl.runtime.host import Host
from noetl.runtime.limits import Demand
from noetl.runtime.memo import Memo
from noetl.runtime.queueing import Queueing
from noetl.runtime.report import Report, report
from noetl.runtime.snapshots import SnapshotKeeper
from noetl.runtime.timers import Timers
from noetl.store.base import DeadLetter
from noetl.store.refusals import lost
from noetl.values import Masker

#: So many batches may wait to be written before a long chain waits for the store. With few, it waits for a thread that
#: waits for the interpreter, which the chain holds.
BATCHES_AHEAD = 16


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
        fence: int,
        parent: str | None = None,
        memo: Memo | None = None,
    ) -> None:
        self.host = host
        self.run = run
        self.folder = folder
        self.working_folder = working_folder
        self.secrets = secrets
        self.masker = Masker(secrets.values())
        self.settled: dict[int, Any] = {}
        #: How many runs called this one, one through the other.
        self.depth = depth
        self.parent = parent
        #: What this run takes over of another one.
        self.memo = memo
        #: What an append of this run has to name.
        self.fence = fence
        self.over: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        #: The run that tries this one again, once it has failed and its playbook says so.
        self.following: asyncio.Task[Runner] | None = None
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[Fact] = deque()
        #: By the number of the action: its token, and the task that carries it out.
        self._running: dict[int, tuple[str, asyncio.Task[None]]] = {}
        #: While the end of an action is told: the task that told it, which may go on with what follows.
        self._free: Carrier | None = None
        self._queueing = Queueing(host.admission, bounded=host.bounded, start=self._start, feed=self.feed)
        #: The actions that stop; and whether they do so because of a pause, and are to be carried out again.
        self._stopping: dict[int, bool] = {}
        self._pauses_now = False
        self._timers = Timers(self._timer_fires)
        self._unwritten: list[asyncio.Future[None]] = []
        self._rebuilding: asyncio.Task[None] | None = None
        self._snapshots = SnapshotKeeper(host.store, run, host.snapshot_every)
        self._busy = False
        self._closed = False
        self._broken: Exception | None = None
        #: The last event that another engine wrote: what began before it was begun there.
        self._inherited = 0

    @property
    def closed(self) -> bool:
        """Whether the run is not driven here any more."""
        return self._closed

    def inherited(self, wait: int) -> bool:
        """Whether another engine began the action with this number, and may have left something of it behind."""
        return wait <= self._inherited

    def now(self) -> int:
        return max(self.run.at, microseconds())

    async def run_child(self, command: RunAction, options: Any) -> Outcome:
        return await self.host.run_child(self, command, options)

    def begin(self, events: list[Event], *, more: bool) -> None:
        """Go on from the first events of a new run, which the store has; with `more`, they are not all that follows."""
        written: asyncio.Future[None] = self._loop.create_future()
        written.set_result(None)
        self._busy = True
        try:
            self._commit(events, [], more=more, written=written)
        except Exception as error:
            self._break(error)
        if not self.host.rebuilds:
            self._busy = False
            self._pump()

    def feed(self, fact: Fact) -> None:
        """Tell the machine something; what follows from it is under way when this returns."""
        self._inbox.append(fact)
        self._pump()

    async def written(self) -> None:
        """Wait until all that the machine was told is durable. Raises StoreError where it never will be."""
        while not self._broken and (self._busy or self._unwritten):
            last = self._rebuilding if self._busy else self._unwritten[-1]
            if last is None:
                await asyncio.sleep(0)
            else:
                await asyncio.wait([last])
        if self._broken is not None:
            raise StoreError(str(self._broken))

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
        if isinstance(fact, ActionEnded):
            # Until now it was in hand: an action whose end is still in the inbox must not be started again.
            self._running.pop(fact.wait, None)
        batch = 1 if self.host.rebuilds else BATCH
        events = decide(self.run, fact, batch=batch)
        if not events:
            return False
        letters = given_up(self.run, events) if isinstance(fact, Resume) else []
        self._commit(events, letters, more=len(events) >= batch or bool(self.run.ready))
        return True

    def _commit(
        self,
        events: list[Event],
        letters: list[DeadLetter],
        *,
        more: bool,
        written: asyncio.Future[None] | None = None,
    ) -> None:
        over, rebuilds = self.run.over, self.host.rebuilds
        if self.run.status is Status.PAUSED:
            self._stand_still()
        commands = [] if rebuilds else self._reconcile(changed(self.run))
        if written is None:
            if over:
                letters += left_over(self.run)
            written = self._append(events, letters, awaited=bool(commands))
        self._snapshots.look(self.run, written)
        self.host.publish(events)
        if rebuilds:
            self._rebuilding = self._loop.create_task(self._rebuild(written, more and not over))
        elif written.done():
            self._written(commands, over, written)
        else:
            self._unwritten.append(written)
            written.add_done_callback(partial(self._written, commands, over))
        if more and not over and not rebuilds:
            self._advance_soon()

    def _append(self, events: list[Event], letters: list[DeadLetter], *, awaited: bool) -> asyncio.Future[None]:
        return self.host.store.append(
            self.run.id,
            events[0].seq - 1,
            events,
            fence=self.fence,
            awaited=awaited,
            letters=letters,
            unread=unread_by(self.run),
        )

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

    def adopt(self, *, max_lost: int) -> None:
        """Go on with a run that was folded from its events: nothing is in hand, so everything outstanding begins.

        A paused run stays so, until its time comes or somebody resumes it.
        """
        self._inherited = self.run.seq
        if self.run.status is Status.PAUSED:
            changed(self.run)
            self._reconcile(outstanding(self.run), complete=True)
        else:
            self.feed(Resume(at=microseconds(), recovered=True, max_lost=max_lost))

    def pause(self, reason: str, *, until: int | None = None, command: int = 0, now: bool = False) -> None:
        """Stand still. What runs may end; or, with `now`, it is stopped, and begins anew when the run goes on."""
        self._pauses_now = now
        self.feed(Pause(at=microseconds(), reason=reason, until=until, command=command))

    def _stand_still(self) -> None:
        """The run is paused: what waits for a limit asks again when it goes on."""
        self._queueing.withdraw_all()
        if not self._pauses_now:
            return
        for wait, (token_id, task) in self._running.items():
            # A called run stands still by itself.
            if wait not in self._stopping and not self._calls(token_id):
                self._stopping[wait] = True
                task.cancel()

    def _reconcile(self, todo: Outstanding, *, complete: bool = False) -> list[RunAction]:
        """Set and drop timers, stop what is to stop; the actions to start are for the caller, when it may."""
        commands: list[RunAction] = []
        for command in todo.actions.values():
            if isinstance(command, StopAction):
                self._stop(command)
            elif command is not None and command.wait not in self._running:
                commands.append(command)
        if todo.timers or complete:
            self._timers.update(todo.timers, complete=complete)
        return commands

    def _timer_fires(self, number: int) -> None:
        self.feed(TimerDue(at=microseconds(), timer=number))

    def _launch(self, command: RunAction) -> None:
        token = self.run.tokens.get(command.token)
        wait = None if token is None else token.wait
        # Since it was decided, the action may have been cancelled.
        if self._closed or not isinstance(wait, ActionWait) or wait.number != command.wait or wait.cancelling:
            return
        if command.wait in self._running or self._queueing.holds(command.wait):
            return
        if self.memo is None or not self._take_over(self.memo, command):
            self._queueing.admit(self.run, command)

    def _take_over(self, memo: Memo, command: RunAction) -> bool:
        """Whether what comes of the action is known from the run that this one repeats."""
        known = memo.answer(self.run, command)
        if known is None:
            return False
        ended = ActionEnded(
            at=microseconds(),
            token=command.token,
            wait=command.wait,
            data=known.data,
            fields=known.fields,
            reused=memo.of,
        )
        # Soon, not now: a long run that is all taken over must leave room for others.
        self._loop.call_soon(self.feed, ended)
        return True

    def _start(self, command: RunAction, demand: Demand | None) -> None:
        carrier, self._free = self._free, None
        if carrier is None:
            carrier = Carrier(self, command, demand)
        else:
            carrier.take(command, demand)
        self._running[command.wait] = command.token, carrier.task

    async def carry(self, command: RunAction, demand: Demand | None) -> ActionEnded:
        if self.inherited(command.wait):
            await _to_the_end(end_leftovers(command.key))
        ended = await carry_out(command, self)
        if demand is not None:
            failed = ended.error is not None and ended.error["kind"] in RETRYABLE_KINDS
            self._queueing.leave(demand, failed=failed)
        return ended

    def carried(self, carrier: Carrier, ended: ActionEnded) -> None:
        self._stopping.pop(ended.wait, None)
        self._free = carrier if carrier.free else None
        self.feed(ended)
        self._free = None

    def dropped(self, command: RunAction, demand: Demand | None, task: asyncio.Task[None]) -> None:
        deferred = self._stopping.pop(command.wait, False)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._break(error)
            return
        if demand is not None:
            self._queueing.leave(demand, failed=None)
        if deferred:
            self._begin_again(command)
        else:
            self._feed_cancelled(command.token, command.wait)

    def _calls(self, token_id: str) -> bool:
        token = self.run.tokens.get(token_id)
        if token is None or not isinstance(token.wait, ActionWait):
            return False
        work = token.wait.frame.work
        return isinstance(work, ActionCall) and work.action == "playbook"

    def _begin_again(self, command: RunAction) -> None:
        """An action that a pause has stopped is outstanding still; the run may have gone on, or ended, meanwhile."""
        self._running.pop(command.wait, None)
        again = None if self._closed else command_of(self.run, command.token)
        if isinstance(again, StopAction):
            self._stop(again)
        elif again is not None:
            self._launch(again)

    def _feed_cancelled(self, token: str, wait: int) -> None:
        if not self._closed:
            self.feed(ActionEnded(at=microseconds(), token=token, wait=wait, cancelled=True))

    def _stop(self, command: StopAction) -> None:
        if self._queueing.holds(command.wait):
            self._queueing.withdraw(command.wait)
        if command.wait in self._running:
            # Cancelling twice would break into the handler's own cleaning up.
            if command.wait not in self._stopping:
                self._stopping[command.wait] = False
                self._running[command.wait][1].cancel()
            return
        if self.inherited(command.wait):
            task = self._loop.create_task(self._end_lost(command))
            self._running[command.wait] = command.token, task
            self._stopping[command.wait] = False
            return
        self._loop.call_soon(self._feed_cancelled, command.token, command.wait)

    async def _end_lost(self, command: StopAction) -> None:
        """The engine that carried it out is gone, but what it started may live."""
        try:
            await end_leftovers(command.key)
            if self._calls(command.token):
                await self.host.stop_child(self, command)
        finally:
            self._stopping.pop(command.wait, None)
            self._feed_cancelled(command.token, command.wait)

    def _let_go(self) -> None:
        """Nothing more is to happen to the run here."""
        self._closed = True
        self._snapshots.close()
        self._queueing.close(self.run)
        self._timers.close()

    def _finish(self) -> None:
        self._let_go()
        if self.run.again is not None:
            self.following = self.host.follow(self)
        # Whoever waits for the end has been told of all that led to it.
        self.host.deliver()
        if not self.over.done():
            self.over.set_result(report(self.run))

    def _break(self, error: BaseException) -> None:
        """The log cannot be written: the run cannot go on here, and nothing of it is kept going."""
        if self._closed:
            return
        self._let_go()
        self._broken = error if isinstance(error, Exception) else StoreError(str(error))
        for _, task in self._running.values():
            task.cancel()
        self.host.deliver()
        if not self.over.done():
            self.over.set_exception(self._broken)

    def lose(self) -> None:
        """Another engine has taken the run over."""
        self._break(lost(self.run.id))

    async def close(self) -> None:
        """Stop driving the run, wherever it is; its log tells how to go on."""
        self._let_go()
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self.over.done():
            self.over.cancel()


async def _to_the_end(work: Coroutine[Any, Any, object]) -> None:
    """Do all of it, and only then be cancelled."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
