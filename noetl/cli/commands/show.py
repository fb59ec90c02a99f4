"""`noetl show`: what a run came to, folded from its events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, opened

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.runtime.report import Report


class ShowOptions(Options):
    id: str = argument("ID", help="The run's id, or how it begins.")
    json: bool = flag("--json", help="Print the object that 'noetl run --json' prints.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: ShowOptions, console: Console) -> int:
    from noetl.cli.render import rows, summary

    report = asyncio.run(_report(options))
    if options.json:
        console.out.json(report.as_data())
        return 0
    for line in (*summary(report, console.out), *rows(report, console.out)):
        console.out.write(f"{line}\n")
    return 0


async def _report(options: ShowOptions) -> Report:
    from noetl.actions.registry import Registry, Shapes
    from noetl.cli.playbooks import valid_playbook
    from noetl.machine import Run, evolve
    from noetl.runtime.report import report
    from noetl.span import Source

    async with opened(options.store) as store:
        record = await store.find(options.id)
        source = Source(record.path or "<text>", await store.text(record.digest))
        playbook, _ = valid_playbook(source, Shapes(Registry()))
        run = Run(playbook, record.execution_id)
        run.started_at = run.at = record.started_at
        for event in await store.read(record.execution_id):
            evolve(run, event)
        return report(run)


COMMAND = Command(
    name="show",
    summary="Show a run: how it ended, its outputs, and each step.",
    examples=(
        Example(line="noetl show 01JABC", purpose="the run whose id begins so"),
        Example(line="noetl show 01JABC --json", purpose="for programs"),
    ),
    options=ShowOptions,
    carry_out=carry_out,
)
