"""`noetl runs`: lists the runs in the event log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from noetl.cli.command import Command, Example, Options, flag, option
from noetl.cli.event_log import STORE_HELP, opened

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.store import RunRecord

#: So many rows fit on a terminal.
_SHOWN = 20


class RunsOptions(Options):
    limit: int | None = option(
        "--limit", metavar="N", kind=int, help=f"At most N runs (default: {_SHOWN}, with --json all)."
    )
    status: str | None = option(
        "--status",
        metavar="STATUS",
        choices=("running", "paused", "completed", "failed", "cancelled"),
        help="Only runs that are running, paused, completed, failed or cancelled.",
    )
    json: bool = flag("--json", help="Print a JSON list.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: RunsOptions, console: Console) -> int:
    limit = options.limit
    if limit is None and not options.json:
        limit = _SHOWN
    records = asyncio.run(_records(options, None if limit is None else limit + 1))
    shown = records[:limit]
    if options.json:
        console.out.json([_row(record) for record in shown])
        return 0
    for line in _table(shown, console):
        console.out.write(f"{line}\n")
    if len(records) > len(shown):
        console.out.flush()
        console.err.line("there are older runs ('--limit' shows more)")
    return 0


async def _records(options: RunsOptions, limit: int | None) -> list[RunRecord]:
    async with opened(options.store) as store:
        return await store.list_runs(limit=limit, status=options.status)


def _row(record: RunRecord) -> dict[str, Any]:
    from noetl.machine.scope import iso

    return {
        "execution_id": record.execution_id,
        "playbook": record.playbook,
        "status": record.status,
        "started_at": iso(record.started_at),
        "key": record.key,
    }


def _table(records: list[RunRecord], console: Console) -> list[str]:
    from noetl.cli.render import STYLES
    from noetl.cli.text import duration, local_time

    lines = []
    width = max((len(record.playbook) for record in records), default=0)
    for record in records:
        status = console.out.paint(f"{record.status:9}", STYLES.get(record.status, "bold"))
        took = "" if record.ended_at is None else duration((record.ended_at - record.started_at) / 1e6)
        line = f"{record.execution_id}  {local_time(record.started_at)}  {status}  {record.playbook:{width}}  {took:>7}"
        lines.append(line.rstrip())
    return lines


COMMAND = Command(
    name="runs",
    summary="List runs, the newest first.",
    examples=(
        Example(line="noetl runs", purpose="the latest runs"),
        Example(line="noetl runs --status failed --limit 5", purpose="the last five that failed"),
        Example(line="noetl runs --json", purpose="all of them, for programs"),
    ),
    options=RunsOptions,
    carry_out=carry_out,
)
