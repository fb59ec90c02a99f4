"""Going on with a run of the event log at the terminal: here, or while another engine drives it by waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from noetl.cli.console import Console
from noetl.cli.event_log import look_up, opened, store_url
from noetl.cli.running import TerminalRun
from noetl.errors import KeyTaken, NoetlError, OwnedElsewhere
from noetl.machine import Status
from noetl.model.event import Event
from noetl.model.playbook import Playbook
from noetl.runtime.engine import Engine
from noetl.runtime.handle import RunHandle
from noetl.runtime.recorded import playbook_of
from noetl.runtime.report import Report
from noetl.store import RunRecord

if TYPE_CHECKING:
    from noetl.cli.junit import JUnitFile

#: How often is looked whether a run that another engine drives has ended.
_LOOK_S = 0.5


async def go_on_with(
    record: RunRecord,
    console: Console,
    *,
    store: str | None,
    json: bool,
    quiet: bool = False,
    verbose: bool = False,
    junit: JUnitFile | None = None,
    concurrency: int | None = None,
) -> int:
    """Resume a run that nobody drives, and see it through; the exit code is that of the run."""
    engine = Engine(store_url(store), concurrency=concurrency)
    playbook, past = await _recorded(engine, record, store, wants_past=junit is not None)
    if junit is not None:
        for event in past:
            junit(event)
    run = TerminalRun(
        engine,
        console,
        json=json,
        quiet=quiet,
        verbose=verbose,
        junit=junit,
        look_up=look_up(store),
    )
    return await run.see_through(playbook, lambda: engine.resume(record.execution_id))


def start_or_join(
    engine: Engine,
    playbook: Playbook,
    inputs: Mapping[str, Any],
    texts: Mapping[str, str],
    key: str,
    console: Console,
    *,
    quiet: bool,
) -> Callable[[], Awaitable[RunHandle | Report]]:
    """What begins the run with a key, or goes on with the one that there is, or gives its report."""

    async def begin() -> RunHandle | Report:
        try:
            return await engine.start(playbook, inputs, text=texts, key=key)
        except KeyTaken as taken:
            record = await engine.store.record(taken.execution_id)
            if record is not None and record.playbook != playbook.name:
                raise NoetlError(f"{taken}, which is one of the playbook '{record.playbook}'") from taken
            if not quiet:
                console.out.flush()
                console.err.line(str(taken))
            return await join(engine, taken.execution_id, console, quiet=quiet)

    return begin


async def join(engine: Engine, execution_id: str, console: Console, *, quiet: bool) -> RunHandle | Report:
    """A run that there is already: to be driven here, or its report when it has ended."""
    told = False
    while True:
        record = await engine.store.record(execution_id)
        if record is None:
            raise NoetlError(f"run '{execution_id}' is not in the event log any more")
        try:
            found = await engine.go_on_with(record)
        except OwnedElsewhere as owned:
            if not told and not quiet:
                console.out.flush()
                console.err.line(f"waiting for the end of a run: {owned}")
                told = True
            await asyncio.sleep(_LOOK_S)
            continue
        if isinstance(found, Report):
            return found
        handle = RunHandle(found)
        if found.run.status is Status.PAUSED:
            handle.resume()
        return handle


async def _recorded(
    engine: Engine, record: RunRecord, store_url: str | None, *, wants_past: bool
) -> tuple[Playbook, list[Event]]:
    """The playbook of a run, and, where somebody wants them, its events so far."""
    async with opened(store_url) as store:
        playbook = await playbook_of(store, record, engine.shapes)
        return playbook, await store.read(record.execution_id) if wants_past else []
