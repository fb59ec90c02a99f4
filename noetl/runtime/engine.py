"""The engine: runs of playbooks over one event store, with the resources that their actions share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from noetl.actions.base import Handler, Outcome, Resource
from noetl.actions.registry import Registry, Shapes
from noetl.errors import ActionError, ErrorKind, KeyTaken, NoetlError, OwnedElsewhere, StoreError
from noetl.language import coerce_inputs, load
from noetl.machine import Cancel, Run, RunAction, StopAction
from noetl.model.playbook import Playbook
from noetl.runtime.admission import Admission
from noetl.runtime.adopting import Adopting
from noetl.runtime.beginning import begin_run
from noetl.runtime.calls import LOOK_S, Calls
from noetl.runtime.clock import microseconds
from noetl.runtime.handle import RunHandle
from noetl.runtime.ids import new_id
from noetl.runtime.memo import Memo
from noetl.runtime.obeying import Obeying
from noetl.runtime.ownership import LEASE_S, Ownership
from noetl.runtime.publishing import Publisher, Subscriber
from noetl.runtime.recorded import Playbooks, folder_of, playbook_of, state_of
from noetl.runtime.recovery import Recovery
from noetl.runtime.report import Report, report
from noetl.runtime.resources import Resources
from noetl.runtime.retention import keep_pruned, wanted_retention
from noetl.runtime.runner import Runner
from noetl.runtime.snapshots import EVERY
from noetl.store import refusals
from noetl.store.artifacts import LIMIT
from noetl.store.base import Durability, EventStore, RunRecord
from noetl.store.opening import open_store
from noetl.values import to_json

if TYPE_CHECKING:
    from noetl.runtime.planning import Plan

#: An action is carried out again after its engine was lost so many times; then it fails.
MAX_LOST = 5


class Engine:
    """Runs playbooks. Use it as an asynchronous context manager:

        async with Engine() as engine:
            report = await engine.run(noetl.load("playbook.yaml"), {"threshold": 50})

    `store` is the URL of the event log, `memory:` by default. `handlers` are further actions. `working_folder` is what
    `cwd` and written files are relative to. `durability` says when an event counts as written, `concurrency` how many
    actions run at once. What is larger than `artifact_limit` bytes in an event is kept beside the event log.

    An engine of which nothing is heard for `lease_s` seconds may lose its runs to another one, and an action that is
    lost with its engine more than `max_lost` times fails. The state of a run is saved every `snapshot_every` events,
    less often as the run grows (0: never), so that not all of them are needed to go on with it.

    Runs that ended more than `retention` ago (`30d`, or seconds; by default what NOETL_RETENTION says, else none) are
    removed, in the background and at most once a day; with `keep_failed` those that failed are not.

    With `rebuilds` (by default what NOETL_REBUILD=1 says), every run is thrown away after each append and folded again
    from the store: slow, and the way to show that nothing lives only in memory.
    """

    def __init__(
        self,
        store: str = "memory:",
        *,
        handlers: Iterable[Handler] = (),
        working_folder: Path | None = None,
        durability: Durability | str = Durability.RELAXED,
        lease_s: float = LEASE_S,
        max_lost: int = MAX_LOST,
        concurrency: int | None = None,
        artifact_limit: int = LIMIT,
        snapshot_every: int = EVERY,
        retention: str | float | None = None,
        keep_failed: bool | None = None,
        rebuilds: bool | None = None,
    ) -> None:
        self._url = store
        self._durability = Durability(durability)
        self._lease_s = lease_s
        if concurrency is not None and concurrency < 1:
            raise ValueError(f"concurrency has to be at least 1, got {concurrency}")
        self._concurrency = concurrency
        self._artifact_limit = artifact_limit
        self.bounded = concurrency is not None
        self.snapshot_every = snapshot_every
        self._retention = wanted_retention(retention, keep_failed)
        self._pruning: asyncio.Task[None] | None = None
        self.registry = Registry(handlers)
        self.shapes = Shapes(self.registry)
        self.working_folder = Path.cwd() if working_folder is None else working_folder
        self.rebuilds = os.environ.get("NOETL_REBUILD") == "1" if rebuilds is None else rebuilds
        self._store: EventStore | None = None
        self._ownership: Ownership | None = None
        self._admission: Admission | None = None
        self._resources = Resources()
        self._runners: dict[str, Runner] = {}
        self._publisher = Publisher()
        self.publish = self._publisher.publish
        self.deliver = self._publisher.deliver
        self._obeying = Obeying(self._runners)
        self._adopting = Adopting(self, max_lost)
        self._recovery = Recovery(self)
        self._calls = Calls(self)
        self._groups: set[int] = set()

    async def __aenter__(self) -> Self:
        self._store = await open_store(self._url, durability=self._durability, artifact_limit=self._artifact_limit)
        self._ownership = Ownership(self._store, self._lease_s, self._find_lost)
        self._admission = Admission(self._concurrency)
        if self._retention is not None:
            self._pruning = asyncio.get_running_loop().create_task(keep_pruned(self._store, self._retention))
        return self

    @property
    def store(self) -> EventStore:
        """The event log. Raises NoetlError where the engine is not open."""
        if self._store is None:
            raise _not_open()
        return self._store

    @property
    def ownership(self) -> Ownership:
        """What this engine may drive. Raises NoetlError where the engine is not open."""
        if self._ownership is None:
            raise _not_open()
        return self._ownership

    @property
    def admission(self) -> Admission:
        """When actions may start. Raises NoetlError where the engine is not open."""
        if self._admission is None:
            raise _not_open()
        return self._admission

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop driving all runs, close what they share, and write what waits.

        A run that has not ended can be resumed.
        """
        self._obeying.close()
        if self._pruning is not None:
            self._pruning.cancel()
        self._recovery.close()
        self._adopting.close()
        await asyncio.gather(*(runner.close() for runner in list(self._runners.values())))
        self.deliver()
        await self._resources.close()
        await self.ownership.close()
        await self.store.close()

    def subscribe(self, subscriber: Subscriber, *, within_s: float = 0.0) -> Callable[[], None]:
        """Call `subscriber` with every event of every run, in order; what is returned ends that. It must not block.

        A run may be ahead of the event that is told. Who need not know at once says `within_s` how many seconds it may
        take, so that telling does not get in the way of a run of many short steps.
        """
        return self._publisher.subscribe(subscriber, within_s)

    def load(self, playbook: str | Path) -> Playbook:
        """Load and check a playbook, with the actions that this engine knows. Raises PlaybookError."""
        return load(playbook, self.shapes)

    def plan(
        self, playbook: Playbook, inputs: Mapping[str, Any] | None = None, *, text: Mapping[str, str] | None = None
    ) -> Plan:
        """What `start` would do with the same arguments, as far as that is known before; nothing is touched.

        The engine need not be open. Raises PlaybookError where the inputs are wrong.
        """
        from noetl.runtime.planning import make_plan

        values = coerce_inputs(playbook, inputs or {}, text)
        return make_plan(playbook, values, os.environ, self.registry, self._folder_of(playbook))

    async def run(
        self, playbook: Playbook, inputs: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> Report:
        """Run a playbook to its end; when the caller is cancelled, so is the run.

        With a `key` that a run in the store has no second one starts: that one is gone on with, or its report given.
        """
        try:
            handle = await self.start(playbook, inputs, key=key)
        except KeyTaken as taken:
            return await self.join(taken.execution_id)
        try:
            return await handle.result_or_cancel()
        except OwnedElsewhere:
            # It failed, and another engine was faster to try it again.
            return await self.join(handle.execution_id)

    async def start(
        self,
        playbook: Playbook,
        inputs: Mapping[str, Any] | None = None,
        *,
        text: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> RunHandle:
        """Start a run. An input in `text` is read as its declared type, as on the command line, and comes first.

        Raises PlaybookError where the inputs or secrets are wrong, and KeyTaken where there is a run with the key.
        """
        values = coerce_inputs(playbook, inputs or {}, text)
        return RunHandle(await begin_run(self, playbook, values, new_id(), key=key))

    async def rerun(
        self,
        execution_id: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        text: Mapping[str, str] | None = None,
        from_step: str | None = None,
        playbook: Playbook | None = None,
    ) -> RunHandle:
        """Run an ended run again, as a new run that takes over what the old one has completed.

        With `from_step` nothing is taken over that began after the first visit of that step. Inputs that are not given
        are those of the old run, and so is the playbook. Raises NoetlError where the run has not ended.
        """
        from noetl.runtime.rerun import begin_rerun

        return await begin_rerun(self, execution_id, inputs or {}, text=text, from_step=from_step, playbook=playbook)

    async def resume(self, execution_id: str) -> RunHandle:
        """Go on with a run that was interrupted or is paused, or, where it is to be tried again, with that.

        Raises OwnedElsewhere while another engine drives it, ReplayError where its events do not fit its playbook, and
        PlaybookError where its secrets or actions are not to be had here.
        """
        found = await self.go_on_with(await self._record(execution_id))
        if isinstance(found, Report):
            raise refusals.ended(execution_id, found.status)
        self._obeying.end_pause(found)
        return RunHandle(found)

    async def recover(self) -> list[RunHandle]:
        """Go on with every run that has lost its engine. Paused ones stay so; children are left to their parents.

        A run that cannot be gone on with here is left as it is, and a warning says why.
        """
        return [RunHandle(runner) for runner in await self._recovery.recover()]

    async def join(self, execution_id: str) -> Report:
        """Wait for the end of a run, wherever it goes on; where nobody drives it, go on with it here."""
        while True:
            try:
                found = await self.go_on_with(await self._record(execution_id))
                if isinstance(found, Report):
                    return found
                self._obeying.end_pause(found)
                return await RunHandle(found).result_or_cancel()
            except OwnedElsewhere:
                await asyncio.sleep(LOOK_S)

    async def signal(self, execution_id: str, event: str, data: Any = None) -> None:
        """Send an event to a run, whoever drives it, now or later.

        Raises RunEnded where nobody will, and TypeError where the data has no JSON.
        """
        sent = {"event": event, "data": to_json(data)}
        await self.store.post(execution_id, "signal", sent, microseconds())

    async def retry_dead(self, letter: int, *, to: str | None = None) -> RunHandle | None:
        """Try again what a dead letter is about, and remove it.

        A run begins anew with the same playbook and inputs; for a lost action it is run again from there, or gone on
        with where it has not ended. A signal is sent `to` another run; then there is no handle.
        """
        from noetl.runtime.reviving import retry_letter

        return await retry_letter(self, letter, to)

    async def report(self, execution_id: str) -> Report:
        """What the event log tells of a run."""
        record = await self._record(execution_id)
        return report(await state_of(self.store, record, await playbook_of(self.store, record, self.shapes)))

    def runs(self) -> list[Run]:
        """The states of the runs that go on, by start: to look at, and only now, for they go on changing."""
        return [runner.run for runner in self._runners.values()]

    def playbook_of(self, execution_id: str) -> Playbook | None:
        """The playbook of a run that goes on."""
        runner = self._runners.get(execution_id)
        return None if runner is None else runner.run.playbook

    async def idle(self) -> None:
        """Wait until no run is going on, detached ones included."""
        while self._runners or self._recovery.following:
            ends: list[asyncio.Future[Any]] = [runner.over for runner in self._runners.values()]
            await asyncio.wait([*ends, *self._recovery.following.values()])
            await asyncio.sleep(0)

    def cancel(self, reason: str) -> None:
        """Ask every run that goes on to end, detached ones included."""
        for runner in list(self._runners.values()):
            runner.feed(Cancel(at=microseconds(), reason=reason))

    def kill(self) -> None:
        """End every process that an action has started, at once."""
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)

    def follow(self, failed: Runner) -> asyncio.Task[Runner]:
        """Begin the run that tries a failed one again; it waits by itself until its time has come."""
        return self._recovery.follow(failed.run, failed.secrets, self._runners.get(failed.parent or ""))

    async def go_on_with(
        self,
        record: RunRecord,
        *,
        secrets: Mapping[str, str] | None = None,
        parent: Runner | None = None,
    ) -> Runner | Report:
        """Drive a run, or the last of those that try it again; where that has ended, its report."""
        return await self._recovery.go_on_with(record, secrets=secrets, parent=parent)

    def driven(self, execution_id: str) -> Runner | None:
        """The runner of a run that this engine drives, and that is not about to end."""
        runner = self._runners.get(execution_id)
        return None if runner is None or runner.closed or runner.run.over else runner

    async def adopt(self, record: RunRecord, playbooks: Playbooks, parent: Runner | None = None) -> Runner:
        """Drive a run that the store knows and nobody drives."""
        return await self._adopting.adopt(record, playbooks, parent)

    async def let_go(self, runner: Runner) -> None:
        """Stop driving one run, wherever it is, so that another engine may."""
        await runner.close()
        await self.release(runner.run.id)

    async def release(self, execution_id: str) -> None:
        """Let another engine have the run, which nobody drives here."""
        try:
            await self.store.release(execution_id, self.ownership.engine)
        except StoreError as error:
            # It is free with the lease of this engine.
            logging.getLogger("noetl").warning("run %s could not be released: %s", execution_id, error)

    def drive(
        self, run: Run, record: RunRecord, secrets: Mapping[str, str], parent: Runner | None, memo: Memo | None
    ) -> Runner:
        """A runner for a run that is this engine's, by this record; it has to be told how to begin."""
        self._obeying.listen(self.store, self.ownership.engine)
        runner = Runner(
            self,
            run,
            folder=folder_of(record),
            working_folder=Path(record.folder),
            secrets=secrets,
            depth=0 if parent is None else parent.depth + 1,
            fence=record.fence,
            parent=record.parent,
            memo=memo,
        )
        self._runners[run.id] = runner
        runner.over.add_done_callback(lambda _: self._forget(runner))
        return runner

    def _forget(self, runner: Runner) -> None:
        # The run may be driven again already.
        if self._runners.get(runner.run.id) is runner:
            del self._runners[runner.run.id]

    async def _record(self, execution_id: str) -> RunRecord:
        record = await self.store.record(execution_id)
        if record is None:
            raise NoetlError(f"the event log has no run '{execution_id}'")
        return record

    async def _find_lost(self) -> None:
        """The lease had ended: another engine may have taken over runs that have nothing to write and do not notice."""
        for runner in list(self._runners.values()):
            record = await self.store.record(runner.run.id)
            if record is None or record.fence != runner.fence:
                runner.lose()

    def _folder_of(self, playbook: Playbook) -> Path:
        """The folder of a playbook's file; of a text, the one where runs are started."""
        path = Path(playbook.source.name)
        return path.parent.absolute() if path.is_file() else self.working_folder

    def handler(self, name: str) -> Handler:
        found = self.registry.get(name)
        if found is None:
            raise ActionError(ErrorKind.SYSTEM, "unknown_action", f"there is no handler for action '{name}'")
        return found

    def spawned(self, pid: int) -> None:
        self._groups.add(pid)

    def ended(self, pids: Collection[int]) -> None:
        # A number that is free again may come to be another program's.
        self._groups.difference_update(pids)

    async def resource(self, kind: type[Resource], key: str) -> Resource:
        return await self._resources.get(kind, key)

    async def run_child(self, parent: Runner, command: RunAction, options: Any) -> Outcome:
        """Run the playbook that a `playbook` action names; its outputs are the data."""
        return await self._calls.carry_out(parent, command, options)

    async def stop_child(self, parent: Runner, command: StopAction) -> None:
        """End the run that an action of a lost engine has called."""
        await self._calls.stop(parent, command)


def _not_open() -> NoetlError:
    return NoetlError("an engine has to be opened: 'async with noetl.Engine() as engine'")
