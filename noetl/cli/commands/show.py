"""`noetl show`: what a run came to, folded from its events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, run_ids
from noetl.cli.interrupts import INTERRUPTED, interruptible

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.runtime.report import Report


class ShowOptions(Options):
    id: str = argument("ID", help="The run's id, or how it begins.", complete=run_ids)
    watch: bool = flag("-w", "--watch", help="Follow the run until it ends, and tell how far it has come.")
    json: bool = flag(
        "--json", help="Print the object that 'noetl run --json' prints; with '--watch' one for each change."
    )
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: ShowOptions, console: Console) -> int:
    from noetl.cli.render import rows, summary
    from noetl.cli.timeline import timeline

    if options.watch:
        interruptible()
        try:
            asyncio.run(_watch(options, console))
        except KeyboardInterrupt:
            # It is how one stops to watch; the code says that the run has not ended.
            return INTERRUPTED
        if options.json:
            return 0
    report, told = asyncio.run(_report(options))
    if options.json:
        console.out.json(report.as_data())
        return 0
    output = console.out
    for line in (*summary(report, output), *told, *rows(report, output), *timeline(report, output, output.size()[0])):
        output.write(f"{line}\n")
    return 0


async def _watch(options: ShowOptions, console: Console) -> None:
    from noetl.cli.watching import watch

    await watch(options.store, options.id, console, json=options.json)


async def _report(options: ShowOptions) -> tuple[Report, list[str]]:
    """What the run came to, and what else there is to tell people of it."""
    from noetl.cli.past_run import past_run
    from noetl.cli.standing import remarks
    from noetl.machine import evolve
    from noetl.runtime.report import report

    run, events = await past_run(options.store, options.id)
    for event in events:
        evolve(run, event)
    return report(run), [] if options.json else await remarks(options.store, run, events)


COMMAND = Command(
    name="show",
    summary="Show a run: its end, its outputs and its steps in time.",
    details="Exit code with '--watch': 0 when the run has ended, however it did; 3 where one stopped to watch it.",
    examples=(
        Example(line="noetl show 01JABC", purpose="the run whose id begins so"),
        Example(line="noetl show 01JABC --watch", purpose="of a run that goes on, until it ends"),
        Example(line="noetl show 01JABC --json", purpose="for programs"),
    ),
    options=ShowOptions,
    carry_out=carry_out,
)
