"""`noetl runs`: lists the runs in the event log."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from noetl.cli.command import Command, Example, Options, flag, option
from noetl.cli.event_log import STORE_HELP, opened

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.store import EventStore, RunRecord

#: So many rows fit on a terminal.
_SHOWN = 20


class RunsOptions(Options):
    limit: int | None = option(
        "--limit", metavar="N", kind=int, help=f"At most N runs (default: {_SHOWN}, with --json all)."
    )
    status: str | None = option(
        "--status",
        metavar="STATUS",
        choices=("running", "interrupted", "paused", "completed", "failed", "cancelled"),
        help="Only runs that are running, interrupted, paused, completed, failed or cancelled.",
    )
    json: bool = flag("--json", help="Print a JSON list.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: RunsOptions, console: Console) -> int:
    limit = options.limit
    if limit is None and not options.json:
        limit = _SHOWN
    records, alive = asyncio.run(_records(options, None if limit is None else limit + 1))
    shown = records[:limit]
    if options.json:
        console.out.json([_row(record, alive) for record in shown])
        return 0
    for line in _table(shown, alive, console):
        console.out.write(f"{line}\n")
    if len(records) > len(shown):
        console.out.flush()
        console.err.line("there are older runs ('--limit' shows more)")
    return 0


async def _records(options: RunsOptions, limit: int | None) -> tuple[list[RunRecord], Container[str]]:
    """The runs, and the engines that are alive."""
    async with opened(options.store) as store:
        wanted = options.status
        if wanted != "interrupted":
            records = await store.list_runs(limit=limit, status=wanted)
            return records, await _living(store, records)
        records = await store.list_runs(status="running")
        alive = await _living(store, records)
        return [record for record in records if _is_interrupted(record, alive)][:limit], alive


async def _living(store: EventStore, records: Sequence[RunRecord]) -> Container[str]:
    if all(record.ended_at is not None for record in records):
        return ()
    from noetl.runtime.undriven import living

    return await living(store)


def _is_interrupted(record: RunRecord, alive: Container[str]) -> bool:
    """Whether a run should go on, and nobody drives it."""
    return record.status == "running" and (record.engine is None or record.engine not in alive)


def _row(record: RunRecord, alive: Container[str]) -> dict[str, Any]:
    from noetl.machine.scope import iso

    return {
        "execution_id": record.execution_id,
        "playbook": record.playbook,
        "status": record.status,
        "started_at": iso(record.started_at),
        "key": record.key,
        "interrupted": _is_interrupted(record, alive),
    }


def _table(records: Sequence[RunRecord], alive: Container[str], console: Console) -> list[str]:
    from noetl.cli.render import STYLES
    from noetl.cli.text import duration, local_time, one_line

    lines = []
    width = max((len(record.playbook) for record in records), default=0)
    states = ["interrupted" if _is_interrupted(record, alive) else record.status for record in records]
    widest = max(map(len, [*states, "completed"]))
    for record, state in zip(records, states, strict=True):
        status = console.out.paint(f"{state:{widest}}", STYLES.get(state, "bold"))
        took = "" if record.ended_at is None else duration((record.ended_at - record.started_at) / 1e6)
        line = f"{record.execution_id}  {local_time(record.started_at)}  {status}  {record.playbook:{width}}  {took:>7}"
        if record.key is not None:
            line += f"  {one_line(record.key)}"
        lines.append(line.rstrip())
    return lines


COMMAND = Command(
    name="runs",
    summary="List runs, the newest first.",
    details="A run is 'interrupted' while it should go on and nobody drives it; in JSON its status is 'running' still.",
    examples=(
        Example(line="noetl runs", purpose="the latest runs"),
        Example(line="noetl runs --status failed --limit 5", purpose="the last five that failed"),
        Example(line="noetl runs --json", purpose="all of them, for programs"),
    ),
    options=RunsOptions,
    carry_out=carry_out,
)
