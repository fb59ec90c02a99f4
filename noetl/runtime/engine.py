"""The engine: runs of playbooks over one event store, with the resources that their actions share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from noetl.actions.base import Handler, Outcome, Resource
from noetl.actions.registry import Registry, Shapes
from noetl.errors import ActionError, ErrorKind, NoetlError, PlaybookError
from noetl.language import coerce_inputs, load
from noetl.machine import Cancel, Run, RunAction, Signal, Start
from noetl.model.event import Event
from noetl.model.playbook import Playbook
from noetl.runtime.ids import child_id, new_id
from noetl.runtime.report import Report, report
from noetl.runtime.resources import Resources
from noetl.runtime.runner import Runner, microseconds
from noetl.runtime.secrets import read_secrets
from noetl.store.base import EventStore, RunRecord
from noetl.store.opening import open_store
from noetl.values import to_json

if TYPE_CHECKING:
    from noetl.runtime.planning import Plan

#: A playbook that calls itself, through others or not, ends here.
DEEPEST = 50

Subscriber = Callable[[Event], None]


class RunHandle:
    """A run that has been started."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @property
    def execution_id(self) -> str:
        return self._runner.run.id

    async def result(self) -> Report:
        """Wait for the end. Raises StoreError where the log could not be written."""
        return await asyncio.shield(self._runner.over)

    def report(self) -> Report:
        """How far the run has come."""
        return report(self._runner.run)

    def cancel(self, reason: str = "cancelled by its caller") -> None:
        """Ask the run to end; running actions are stopped, and it ends as cancelled."""
        self._runner.feed(Cancel(at=microseconds(), reason=reason))

    def signal(self, event: str, data: Any = None) -> None:
        """Send an event to a `wait`; it is kept until one takes it. Raises TypeError where the data has no JSON."""
        self._runner.feed(Signal(at=microseconds(), event=event, data=to_json(data)))


class Engine:
    """Runs playbooks. Use it as an asynchronous context manager:

        async with Engine() as engine:
            report = await engine.run(noetl.load("playbook.yaml"), {"threshold": 50})

    `store` is the URL of the event log, `memory:` by default. `handlers` are further actions. `working_folder` is what
    `cwd` and written files are relative to. With `rebuilds` (by default what NOETL_REBUILD=1 says), every run is thrown
    away after each append and folded again from the store: slow, and the way to show that nothing lives only in memory.
    """

    def __init__(
        self,
        store: str = "memory:",
        *,
        handlers: Iterable[Handler] = (),
        working_folder: Path | None = None,
        rebuilds: bool | None = None,
    ) -> None:
        self._url = store
        self.registry = Registry(handlers)
        self.shapes = Shapes(self.registry)
        self.working_folder = Path.cwd() if working_folder is None else working_folder
        self.rebuilds = os.environ.get("NOETL_REBUILD") == "1" if rebuilds is None else rebuilds
        self._store: EventStore | None = None
        self._resources = Resources()
        self._runners: dict[str, Runner] = {}
        self._subscribers: list[Subscriber] = []
        self._groups: set[int] = set()

    async def __aenter__(self) -> Self:
        self._store = await open_store(self._url)
        return self

    @property
    def store(self) -> EventStore:
        """The event log. Raises NoetlError where the engine is not open."""
        if self._store is None:
            raise NoetlError("an engine has to be opened: 'async with noetl.Engine() as engine'")
        return self._store

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop driving all runs, close what they share, and write what waits.

        A run that has not ended can be resumed.
        """
        await asyncio.gather(*(runner.close() for runner in list(self._runners.values())))
        await self._resources.close()
        await self.store.close()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every event of every run, in order; what is returned ends that. It must not block."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

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

    async def run(self, playbook: Playbook, inputs: Mapping[str, Any] | None = None) -> Report:
        """Run a playbook to its end; when the caller is cancelled, so is the run."""
        handle = await self.start(playbook, inputs)
        try:
            return await handle.result()
        except asyncio.CancelledError:
            handle.cancel()
            await handle.result()
            raise

    async def start(
        self, playbook: Playbook, inputs: Mapping[str, Any] | None = None, *, text: Mapping[str, str] | None = None
    ) -> RunHandle:
        """Start a run. An input in `text` is read as its declared type, as on the command line, and comes first.

        Raises PlaybookError where the inputs or secrets are wrong.
        """
        values = coerce_inputs(playbook, inputs or {}, text)
        return RunHandle(await self._begin(playbook, values, new_id()))

    def runs(self) -> list[Run]:
        """The states of the runs that go on, by start: to look at, and only now, for they go on changing."""
        return [runner.run for runner in self._runners.values()]

    def playbook_of(self, execution_id: str) -> Playbook | None:
        """The playbook of a run that goes on."""
        runner = self._runners.get(execution_id)
        return None if runner is None else runner.run.playbook

    async def idle(self) -> None:
        """Wait until no run is going on, detached ones included."""
        while self._runners:
            await asyncio.wait([runner.over for runner in self._runners.values()])
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

    async def _begin(
        self,
        playbook: Playbook,
        inputs: Mapping[str, Any],
        execution_id: str,
        *,
        secrets: Mapping[str, str] | None = None,
        parent: Runner | None = None,
    ) -> Runner:
        path = Path(playbook.source.name)
        folder = self._folder_of(playbook)
        known = read_secrets(playbook, secrets or {}, folder)
        at = microseconds()
        await self.store.create(
            RunRecord(
                execution_id=execution_id,
                playbook=playbook.name,
                status="running",
                started_at=at,
                parent=None if parent is None else parent.run.id,
                path=str(path.absolute()) if path.is_file() else None,
                digest=playbook.digest,
                folder=str(self.working_folder),
            ),
            playbook.source.text,
        )
        runner = Runner(
            self,
            Run(playbook, execution_id),
            folder=folder,
            working_folder=self.working_folder,
            secrets=known,
            depth=0 if parent is None else parent.depth + 1,
        )
        self._runners[execution_id] = runner
        runner.over.add_done_callback(lambda _: self._runners.pop(execution_id, None))
        runner.feed(Start(at=at, inputs=inputs, env=os.environ))
        return runner

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

    def publish(self, events: list[Event]) -> None:
        for subscriber in tuple(self._subscribers):
            for event in events:
                try:
                    subscriber(event)
                except Exception:
                    # Who listens must not decide what becomes of a run.
                    logging.getLogger("noetl").exception("a subscriber failed at event %d of %s", event.seq, event.kind)

    async def resource(self, kind: type[Resource], key: str) -> Resource:
        return await self._resources.get(kind, key)

    async def run_child(self, parent: Runner, command: RunAction, options: Any) -> Outcome:
        """Run the playbook that a `playbook` action names; its outputs are the data."""
        if parent.depth >= DEEPEST:
            message = f"playbooks call each other {DEEPEST} deep, which is as deep as they may"
            raise ActionError(ErrorKind.USER, "too_deep", message)
        try:
            playbook = self.load(_child_path(parent.folder, options))
            inputs = coerce_inputs(playbook, options.inputs)
            # Every attempt needs a run of its own, and keeps its key; the number of the event that began it tells them
            # apart, and is the same when a recovered parent looks for the child again.
            execution_id = child_id(parent.run.id, f"{command.key}#{command.wait}")
            child = await self._begin(playbook, inputs, execution_id, secrets=options.secrets, parent=parent)
        except PlaybookError as error:
            problems = [problem.as_data() for problem in error.problems]
            first = next(problem for problem in error.problems)
            message = f"the playbook '{options.path or options.name}' cannot be run: {first.message}"
            raise ActionError(ErrorKind.USER, "invalid_playbook", message, {"problems": problems}) from error
        if options.detach:
            return Outcome(data={"execution_id": execution_id})
        handle = RunHandle(child)
        try:
            result = await handle.result()
        except asyncio.CancelledError:
            handle.cancel("its parent was cancelled")
            await handle.result()
            raise
        return _outcome_of(result)


def _child_path(folder: Path, options: Any) -> Path:
    if options.path is not None:
        return folder / str(options.path)
    candidates = [folder / f"{options.name}{ending}" for ending in (".yaml", ".yml", ".json")]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _outcome_of(result: Report) -> Outcome:
    if result.succeeded:
        return Outcome(data=result.outputs, fields={"execution_id": result.execution_id})
    error = result.error or {}
    details = {"execution_id": result.execution_id, "step": error.get("step"), "error": error}
    raise ActionError(
        ErrorKind(error.get("kind", ErrorKind.PERMANENT)),
        error.get("code", "failed"),
        error.get("message", "the called playbook failed"),
        details,
        {"execution_id": result.execution_id},
    )


async def arun(
    playbook: Playbook | str | Path, inputs: Mapping[str, Any] | None = None, *, store: str = "memory:"
) -> Report:
    """Run a playbook, or the file or text of one, to its end."""
    async with Engine(store) as engine:
        loaded = playbook if isinstance(playbook, Playbook) else engine.load(playbook)
        return await engine.run(loaded, inputs)


def run(playbook: Playbook | str | Path, inputs: Mapping[str, Any] | None = None, *, store: str = "memory:") -> Report:
    """`arun` for a caller without an event loop. Raises NoetlError where one is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(arun(playbook, inputs, store=store))
    raise NoetlError("an event loop is running here: 'await noetl.arun(...)' instead of 'noetl.run(...)'")
