"""Begins runs: makes their records, reads their secrets, and gives them an engine's runner. Drives none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noetl.errors import OwnedElsewhere
from noetl.machine import Run
from noetl.model.playbook import Playbook
from noetl.runtime.clock import microseconds
from noetl.runtime.memo import Memo
from noetl.runtime.recorded import folder_of, playbook_of
from noetl.runtime.runner import Runner
from noetl.runtime.secrets import read_secrets
from noetl.store.base import RunRecord

if TYPE_CHECKING:
    from noetl.runtime.engine import Engine


async def begin_run(
    engine: Engine,
    playbook: Playbook,
    inputs: Mapping[str, Any],
    execution_id: str,
    *,
    secrets: Mapping[str, str] | None = None,
    parent: Runner | None = None,
    key: str | None = None,
    attempt: int = 1,
    starts_at: int | None = None,
    folder: str | None = None,
    memo: Memo | None = None,
) -> Runner:
    """`folder` is the working folder, where it is not the engine's own; `memo`, what another run has done."""
    path = Path(playbook.source.name)
    is_file = path.is_file()
    record = RunRecord(
        execution_id=execution_id,
        playbook=playbook.name,
        status="running",
        started_at=microseconds(),
        key=key,
        parent=None if parent is None else parent.run.id,
        path=str(path.absolute()) if is_file else None,
        digest=playbook.digest,
        folder=str(engine.working_folder) if folder is None else folder,
        engine=engine.ownership.engine,
        fence=1,
    )
    known = read_secrets(playbook, secrets or {}, folder_of(record))
    await engine.ownership.enter()
    await engine.store.create(record, playbook.source.text)
    runner = engine.drive(Run(playbook, execution_id), record, known, parent, memo)
    runner.start(inputs, at=record.started_at, attempt=attempt, starts_at=starts_at)
    return runner


async def begin_again(
    engine: Engine,
    record: RunRecord,
    inputs: Mapping[str, Any],
    *,
    secrets: Mapping[str, str] | None = None,
    parent: Runner | None = None,
    attempt: int = 1,
    starts_at: int | None = None,
) -> Runner:
    """Begin a run that was lost before it had begun."""
    playbook = await playbook_of(engine.store, record, engine.shapes)
    known = read_secrets(playbook, secrets or {}, folder_of(record))
    fence = await engine.ownership.claim(record.execution_id)
    begun = not await is_unbegun(engine, record)
    driven = engine.driven(record.execution_id)
    if driven is not None:
        # Somebody else here was faster.
        return driven
    if begun:
        await engine.release(record.execution_id)
        raise OwnedElsewhere(f"run '{record.execution_id}' was begun by another engine")
    runner = engine.drive(Run(playbook, record.execution_id), replace(record, fence=fence), known, parent, None)
    runner.start(inputs, at=microseconds(), attempt=attempt, starts_at=starts_at)
    return runner


async def is_unbegun(engine: Engine, record: RunRecord) -> bool:
    """Whether a run was lost between its making and its first event, and has done nothing."""
    return not await engine.store.read(record.execution_id, limit=1)
