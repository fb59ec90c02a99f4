"""Begins runs: what is recorded of them, their secrets, and the first events. Drives none of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noetl.machine import Run, Start, decide
from noetl.machine.decide import BATCH
from noetl.model.playbook import Playbook
from noetl.runtime.clock import microseconds
from noetl.runtime.dead_letters import left_over
from noetl.runtime.memo import Memo
from noetl.runtime.recorded import folder_of
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
    """Begin a run, or, with `starts_at`, wait until it is to begin.

    `folder` is the working folder, where it is not the engine's own; `memo`, what another run has done.
    """
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
    run = Run(playbook, execution_id)
    rerun = None if memo is None else memo.rerun
    start = Start(
        at=record.started_at, inputs=inputs, env=os.environ, attempt=attempt, starts_at=starts_at, rerun=rerun
    )
    batch = 1 if engine.rebuilds else BATCH
    events = decide(run, start, batch=batch)
    await engine.ownership.enter()
    # Together, so that no run is left behind of which nobody knows how it was to begin.
    await engine.store.create(record, playbook.source.text, events, letters=left_over(run) if run.over else [])
    runner = engine.drive(run, record, known, parent, memo)
    runner.begin(events, more=len(events) >= batch or bool(run.ready))
    return runner
