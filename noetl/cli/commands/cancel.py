"""`noetl cancel`: ends a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noetl.cli.asking import WAIT, WAIT_HELP
from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, open_run_ids, opened, store_url

if TYPE_CHECKING:
    from noetl.cli.asking import Answer
    from noetl.cli.console import Console
    from noetl.store import EventStore, Owner, RunRecord

_REASON = "asked from the command line"


class CancelOptions(Options):
    id: str = argument("ID", help="The run's id, or how it begins.", complete=open_run_ids)
    reason: str = option("--reason", metavar="TEXT", default=_REASON, help="Why, for those who read the report.")
    wait: str = option("--wait", metavar="DURATION", default=WAIT, help=WAIT_HELP)
    json: bool = flag("--json", help="Print a JSON object.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: CancelOptions, console: Console) -> int:
    from noetl.cli.interrupts import interruptible

    interruptible()
    return asyncio.run(_cancel(options, console))


async def _cancel(options: CancelOptions, console: Console) -> int:
    from noetl.cli.asking import Answer, find_open, seconds
    from noetl.runtime.undriven import driver_of

    answer = Answer(console, "cancel", json=options.json)
    wait_s = seconds(options.wait, "--wait")
    async with opened(options.store) as store:
        record = await find_open(store, options.id)
        owner = await driver_of(store, record)
        if owner is not None:
            return await _ask(store, record, owner, options.reason, wait_s, answer)
    return await _end(options, record, answer, console)


async def _ask(store: EventStore, record: RunRecord, owner: Owner, reason: str, wait_s: float, answer: Answer) -> int:
    from noetl.cli.asking import ask

    found = await ask(store, record, "cancel", {"reason": reason}, wait_s)
    if found is None:
        return answer.tell_unanswered(record, owner)
    execution_id = found.execution_id
    if found.ended_at is None:
        return answer.tell(
            found, f"run {execution_id} is ending: what runs is stopped, and what is to be undone follows"
        )
    if found.status == "cancelled":
        return answer.tell(found, f"run {execution_id} is cancelled")
    return answer.tell(found, f"run {execution_id} had ended before ({found.status})", done=False)


async def _end(options: CancelOptions, record: RunRecord, answer: Answer, console: Console) -> int:
    """Cancel a run that nobody drives, and do here what is left to do: undo, and end what its engine left behind."""
    from msgspec.structs import replace

    from noetl.cli.going_on import go_on_with
    from noetl.cli.interrupts import INTERRUPTED
    from noetl.machine import Cancel
    from noetl.runtime.clock import microseconds
    from noetl.runtime.engine import Engine
    from noetl.runtime.undriven import tell

    async with Engine(store_url(options.store)) as engine:
        run = await tell(engine, record, Cancel(at=microseconds(), reason=options.reason))
    if run.over:
        ended = replace(record, status=str(run.status), ended_at=run.ended_at)
        return answer.tell(ended, f"run {record.execution_id} is {run.status}")
    code = await go_on_with(record, console, store=options.store, json=options.json)
    # That it was cancelled is what was asked for.
    return 0 if code == INTERRUPTED else code


COMMAND = Command(
    name="cancel",
    summary="Cancel a run: stop what it does, undo what can be undone.",
    details="A run that nobody drives is ended by this command, which shows what it does. "
    "Exit code: 0 it is cancelled, or ending, 1 its engine has not answered in time, or it failed while it ended, "
    "2 there is no such run, or it has ended.",
    examples=(
        Example(line="noetl cancel 01JABC", purpose="the run whose id begins so"),
        Example(line='noetl cancel 01JABC --reason "wrong day"', purpose="with a reason for the report"),
    ),
    options=CancelOptions,
    carry_out=carry_out,
)
