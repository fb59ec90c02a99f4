"""`noetl pause`: has a run stand still."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from noetl.cli.asking import WAIT, WAIT_HELP
from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, open_run_ids, opened, store_url

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.store import EventStore, Owner, RunRecord

_REASON = "asked from the command line"


class PauseOptions(Options):
    id: str = argument("ID", help="The run's id, or how it begins.", complete=open_run_ids)
    for_: str | None = option("--for", metavar="DURATION", help="Go on by itself after so long, such as '10m'.")
    now: bool = flag("--now", help="Stop the running actions; they begin anew when the run goes on.")
    reason: str = option("--reason", metavar="TEXT", default=_REASON, help="Why, for those who read the log.")
    wait: str = option("--wait", metavar="DURATION", default=WAIT, help=WAIT_HELP)
    json: bool = flag("--json", help="Print a JSON object.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: PauseOptions, console: Console) -> int:
    from noetl.cli.interrupts import interruptible

    interruptible()
    return asyncio.run(_pause(options, console))


async def _pause(options: PauseOptions, console: Console) -> int:
    from noetl.cli.asking import Answer, find_open, seconds
    from noetl.runtime.clock import microseconds
    from noetl.runtime.undriven import driver_of

    answer = Answer(console, "pause", json=options.json)
    wait_s = seconds(options.wait, "--wait")
    lasts_s = None if options.for_ is None else seconds(options.for_, "--for")
    until = None if lasts_s is None else microseconds() + round(lasts_s * 1e6)
    async with opened(options.store) as store:
        record = await find_open(store, options.id)
        if record.status == "paused":
            return answer.tell(record, f"run {record.execution_id} was paused already")
        owner = await driver_of(store, record)
        if owner is not None:
            data = {"reason": options.reason, "until": until, "now": options.now}
            return await _ask(store, record, owner, data, wait_s, answer)
    record = await _claim(options, record, until)
    if record.status != "paused":
        return answer.tell(record, f"run {record.execution_id} is about to end, and is not paused", done=False)
    how = f"nobody drives it, 'noetl resume {record.execution_id}' goes on with it"
    return answer.tell(record, f"run {record.execution_id} is paused ({how})")


async def _ask(
    store: EventStore, record: RunRecord, owner: Owner, data: dict[str, Any], wait_s: float, answer: Any
) -> int:
    from noetl.cli.asking import ask

    found = await ask(store, record, "pause", data, wait_s)
    if found is None:
        return int(answer.tell_unanswered(record, owner))
    if found.status == "paused":
        running = "its running actions are stopped" if data["now"] else "what runs may come to its end"
        return int(answer.tell(found, f"run {found.execution_id} is paused ({running})"))
    how = f"has ended ({found.status})" if found.ended_at is not None else "is about to end"
    return int(answer.tell(found, f"run {found.execution_id} {how}, and is not paused", done=False))


async def _claim(options: PauseOptions, record: RunRecord, until: int | None) -> RunRecord:
    """Pause a run that nobody drives, here and now."""
    from msgspec.structs import replace

    from noetl.machine import Pause
    from noetl.runtime.clock import microseconds
    from noetl.runtime.engine import Engine
    from noetl.runtime.undriven import tell

    async with Engine(store_url(options.store)) as engine:
        run = await tell(engine, record, Pause(at=microseconds(), reason=options.reason, until=until))
    return replace(record, status=str(run.status))


COMMAND = Command(
    name="pause",
    summary="Pause a run: nothing new starts until it is resumed.",
    details="Exit code: 0 it is paused, or about to end, 1 its engine has not answered in time, 2 there is no such "
    "run, or it has ended.",
    examples=(
        Example(line="noetl pause 01JABC", purpose="what runs may come to its end"),
        Example(line="noetl pause 01JABC --for 10m", purpose="goes on by itself"),
        Example(line="noetl pause 01JABC --now", purpose="stops what runs, too"),
    ),
    options=PauseOptions,
    carry_out=carry_out,
)
