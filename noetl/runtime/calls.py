"""Playbooks that call playbooks: begins a called run or finds it again, waits for its end, and ends it with its caller.

Knows not how a run is driven: that is the engine's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noetl.actions.base import Outcome
from noetl.errors import (
    ActionError,
    ErrorKind,
    LostOwnership,
    NoetlError,
    OwnedElsewhere,
    PlaybookError,
    ReplayError,
    RunEnded,
)
from noetl.language import coerce_inputs
from noetl.machine import Resume, Run, RunAction, Status, StopAction
from noetl.machine.waits import ActionWait
from noetl.model.playbook import ActionCall, Playbook
from noetl.runtime.beginning import begin_run
from noetl.runtime.clock import microseconds
from noetl.runtime.handle import RunHandle
from noetl.runtime.ids import child_id
from noetl.runtime.report import Report
from noetl.runtime.runner import Runner

if TYPE_CHECKING:
    from noetl.runtime.engine import Engine

#: A playbook that calls itself, through others or not, ends here.
DEEPEST = 50

#: How long to wait before looking again whether a run that another engine drives has ended, in seconds.
LOOK_S = 0.5

_CANCELLED = "its parent was cancelled"


class Calls:
    """The calls of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def carry_out(self, parent: Runner, command: RunAction, options: Any) -> Outcome:
        """Run the playbook that a `playbook` action names; its outputs are the data."""
        if parent.depth >= DEEPEST:
            message = f"playbooks call each other {DEEPEST} deep, which is as deep as they may"
            raise ActionError(ErrorKind.USER, "too_deep", message)
        try:
            playbook = self._engine.load(child_path(parent.folder, options))
            inputs = coerce_inputs(playbook, options.inputs)
            return await self._carry_out(parent, command, options, playbook, inputs)
        except ReplayError as error:
            raise ActionError(ErrorKind.SYSTEM, "not_recovered", str(error)) from error
        except PlaybookError as error:
            problems = [problem.as_data() for problem in error.problems]
            first = next(problem for problem in error.problems)
            message = f"the playbook '{options.path or options.name}' cannot be run: {first.message}"
            raise ActionError(ErrorKind.USER, "invalid_playbook", message, {"problems": problems}) from error

    async def _carry_out(
        self, parent: Runner, command: RunAction, options: Any, playbook: Playbook, inputs: Mapping[str, Any]
    ) -> Outcome:
        execution_id = called_id(parent.run.id, command.key, command.wait)
        again = parent.inherited(command.wait)
        while True:
            calling = asyncio.ensure_future(
                self._call(playbook, inputs, execution_id, options.secrets, parent, again=again)
            )
            try:
                child = await asyncio.shield(calling)
                if isinstance(child, Report):
                    return outcome_of(child)
                if options.detach:
                    return Outcome(data={"execution_id": execution_id})
                return outcome_of(await RunHandle(child).result())
            except asyncio.CancelledError:
                # Begun or not: the called run must not be left in between.
                with contextlib.suppress(NoetlError):
                    await self._end(parent, await calling)
                raise
            except (OwnedElsewhere, LostOwnership):
                # Somebody goes on with it there, and so its end comes from there.
                again = True
                await self._look_later(parent, execution_id)

    async def _call(
        self,
        playbook: Playbook,
        inputs: Mapping[str, Any],
        execution_id: str,
        secrets: Mapping[str, str],
        parent: Runner,
        *,
        again: bool,
    ) -> Runner | Report:
        """The called run: a new one, or, where a recovered parent calls again, the one that there is."""
        record = await self._engine.store.record(execution_id) if again else None
        if record is None:
            return await begin_run(self._engine, playbook, inputs, execution_id, secrets=secrets, parent=parent)
        child = await self._engine.go_on_with(record, secrets=secrets, parent=parent)
        if isinstance(child, Runner) and _stands_with(child.run, parent.run):
            child.feed(Resume(at=microseconds()))
        return child

    async def _end(self, parent: Runner, child: Runner | Report) -> None:
        """The call is over before its run: that ends too, unless the parent only ends here."""
        if isinstance(child, Report):
            return
        handle = RunHandle(child)
        if parent.closed:
            await self._engine.let_go(handle.runner)
        else:
            handle.cancel(_CANCELLED)
            await handle.result()

    async def _look_later(self, parent: Runner, execution_id: str) -> None:
        try:
            await asyncio.sleep(LOOK_S)
        except asyncio.CancelledError:
            if not parent.closed:
                await self._ask_to_end(execution_id)
            raise

    async def _ask_to_end(self, execution_id: str) -> None:
        with contextlib.suppress(RunEnded):
            await self._engine.store.post(execution_id, "cancel", {"reason": _CANCELLED}, microseconds())

    async def stop(self, parent: Runner, command: StopAction) -> None:
        """End the run that a lost engine has called, now that its caller does not want it any more."""
        execution_id = called_id(parent.run.id, command.key, command.wait)
        while (record := await self._engine.store.record(execution_id)) is not None:
            try:
                await self._end(parent, await self._engine.go_on_with(record, parent=parent))
                return
            except OwnedElsewhere:
                await self._ask_to_end(execution_id)
                await asyncio.sleep(LOOK_S)
            except LostOwnership:
                await asyncio.sleep(LOOK_S)
            except (ReplayError, PlaybookError):
                # It cannot go on here.
                return


def called_id(parent: str, key: str, wait: int) -> str:
    """The id of the run that an action calls.

    Every attempt needs a run of its own, and keeps its key; the number of the event that began it tells them apart, and
    is the same when a recovered parent looks for the child again.
    """
    return child_id(parent, f"{key}#{wait}")


def called_by(run: Run) -> Iterator[str]:
    """The runs that a run waits for, and will ask for again when it is recovered."""
    for token in run.tokens.values():
        wait = token.wait
        work = wait.frame.work if isinstance(wait, ActionWait) else None
        if isinstance(wait, ActionWait) and isinstance(work, ActionCall) and work.action == "playbook":
            yield called_id(run.id, wait.frame.key, wait.number)


def _stands_with(child: Run, parent: Run) -> bool:
    """Whether a called run stands still because its caller did, and nobody has paused it by itself since."""
    return child.status is Status.PAUSED and child.last_command <= parent.last_command


def child_path(folder: Path, options: Any) -> Path:
    if options.path is not None:
        return folder / str(options.path)
    candidates = [folder / f"{options.name}{ending}" for ending in (".yaml", ".yml", ".json")]
    return next((path for path in candidates if path.is_file()), candidates[0])


def outcome_of(result: Report) -> Outcome:
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
