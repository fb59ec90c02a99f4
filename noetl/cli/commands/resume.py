"""`noetl resume`: goes on with a run that was interrupted, or is paused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noetl.cli.asking import WAIT, WAIT_HELP
from noetl.cli.command import Command, Example, argument, option
from noetl.cli.event_log import open_run_ids, opened
from noetl.cli.run_options import DrivingOptions, concurrency_of

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.store import EventStore, Owner, RunRecord


class ResumeOptions(DrivingOptions):
    id: str = argument("ID", help="The run's id, or how it begins.", complete=open_run_ids)
    wait: str = option("--wait", metavar="DURATION", default=WAIT, help=WAIT_HELP)


def carry_out(options: ResumeOptions, console: Console) -> int:
    from noetl.cli.interrupts import interruptible

    interruptible()
    return asyncio.run(_resume(options, console))


async def _resume(options: ResumeOptions, console: Console) -> int:
    from noetl.cli.asking import seconds
    from noetl.cli.going_on import go_on_with
    from noetl.cli.junit import junit_file
    from noetl.runtime.undriven import driver_of

    wait_s = seconds(options.wait, "--wait")
    concurrency = concurrency_of(options)
    junit = junit_file(options.junit)
    async with opened(options.store) as store:
        record = await store.find(options.id)
        owner = await driver_of(store, record)
        if owner is not None:
            return await _ask(store, record, owner, wait_s, options, console)
    return await go_on_with(
        record,
        console,
        store=options.store,
        json=options.json,
        quiet=options.quiet,
        verbose=options.verbose,
        junit=junit,
        concurrency=concurrency,
    )


async def _ask(
    store: EventStore, record: RunRecord, owner: Owner, wait_s: float, options: ResumeOptions, console: Console
) -> int:
    """Have the engine that drives the run go on with it."""
    from noetl.cli.asking import Answer, ask
    from noetl.errors import NoetlError

    if record.status != "paused":
        raise NoetlError(f"run '{record.execution_id}' goes on already: {owner.place} drives it")
    answer = Answer(console, "resume", json=options.json)
    found = await ask(store, record, "resume", {}, wait_s)
    if found is None:
        return answer.tell_unanswered(record, owner)
    return answer.tell(found, f"run {found.execution_id} goes on: {owner.place} drives it")


COMMAND = Command(
    name="resume",
    summary="Go on with a run that was interrupted or is paused.",
    details="A run that nobody drives goes on in this process; one that is paused, where it is driven. "
    "Exit code: that of the run (0 completed, 1 failed, 3 cancelled or interrupted); 0 where it goes on elsewhere, "
    "1 where its engine has not answered in time; 2 there is no such run, it has ended, or it goes on already.",
    examples=(
        Example(line="noetl resume 01JABC", purpose="the run whose id begins so"),
        Example(line="noetl resume 01JABC --json > report.json", purpose="for programs"),
    ),
    options=ResumeOptions,
    carry_out=carry_out,
)
