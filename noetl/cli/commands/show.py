"""`noetl show`: what a run came to, folded from its events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, run_ids

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.runtime.report import Report


class ShowOptions(Options):
    id: str = argument("ID", help="The run's id, or how it begins.", complete=run_ids)
    json: bool = flag("--json", help="Print the object that 'noetl run --json' prints.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: ShowOptions, console: Console) -> int:
    from noetl.cli.render import rows, summary
    from noetl.cli.timeline import timeline

    report = asyncio.run(_report(options))
    if options.json:
        console.out.json(report.as_data())
        return 0
    output = console.out
    for line in (*summary(report, output), *rows(report, output), *timeline(report, output, output.size()[0])):
        output.write(f"{line}\n")
    return 0


async def _report(options: ShowOptions) -> Report:
    from noetl.cli.past_run import past_run
    from noetl.machine import evolve
    from noetl.runtime.report import report

    run, events = await past_run(options.store, options.id)
    for event in events:
        evolve(run, event)
    return report(run)


COMMAND = Command(
    name="show",
    summary="Show a run: its end, its outputs and its steps in time.",
    examples=(
        Example(line="noetl show 01JABC", purpose="the run whose id begins so"),
        Example(line="noetl show 01JABC --json", purpose="for programs"),
    ),
    options=ShowOptions,
    carry_out=carry_out,
)
