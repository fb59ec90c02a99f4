"""`noetl signal`: sends an event to a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from noetl.cli.asking import WAIT, WAIT_HELP
from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, open_run_ids, opened
from noetl.cli.misuse import Misuse

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.store import EventStore


#: The exit code where the run has ended meanwhile, and the signal is a dead letter.
NOT_TAKEN = 1


class SignalOptions(Options):
    id: str = argument("ID", help="The run's id, or how it begins.", complete=open_run_ids)
    event: str = argument("EVENT", help="The name that a 'wait' of the run waits for.")
    data: str | None = option("--data", metavar="JSON", help="What the 'wait' gets, as JSON.")
    wait: str = option("--wait", metavar="DURATION", default=WAIT, help=WAIT_HELP)
    json: bool = flag("--json", help="Print a JSON object.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: SignalOptions, console: Console) -> int:
    from noetl.cli.interrupts import interruptible

    interruptible()
    return asyncio.run(_signal(options, console))


async def _signal(options: SignalOptions, console: Console) -> int:
    from noetl.cli.asking import Answer, ask, find_open, seconds
    from noetl.runtime.clock import microseconds
    from noetl.runtime.undriven import driver_of

    answer = Answer(console, "signal", json=options.json)
    wait_s = seconds(options.wait, "--wait")
    data = {"event": options.event, "data": _data(options.data)}
    async with opened(options.store) as store:
        record = await find_open(store, options.id)
        execution_id = record.execution_id
        owner = await driver_of(store, record)
        if owner is None:
            await store.post(execution_id, "signal", data, microseconds())
            how = f"run {execution_id} gets '{options.event}' when somebody resumes it: nobody drives it now"
            return answer.tell(record, how, done=False)
        found = await ask(store, record, "signal", data, wait_s)
        if found is None:
            return answer.tell_unanswered(record, owner)
        if found.ended_at is not None and (letter := await _buried(store, execution_id, data)) is not None:
            how = f"has ended ({found.status}) without '{options.event}', which is dead letter {letter}"
            answer.tell(found, f"run {execution_id} {how}", done=False)
            return NOT_TAKEN
        return answer.tell(found, f"run {execution_id} has got '{options.event}'")


async def _buried(store: EventStore, execution_id: str, data: dict[str, Any]) -> int | None:
    """The dead letter that a signal with this data has become."""
    for letter in await store.dead_letters():
        if (letter.kind, letter.execution_id, letter.data) == ("signal", execution_id, data):
            return letter.id
    return None


def _data(text: str | None) -> Any:
    if text is None:
        return None
    import msgspec

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise Misuse(f"option '--data' takes JSON, got '{text}': {str(error)[:1].lower()}{str(error)[1:]}") from error


COMMAND = Command(
    name="signal",
    summary="Send an event to a run that waits for it, or will.",
    details="Exit code: 0 the run has got it, or gets it when it is resumed, 1 its engine has not answered in time, "
    "or the run ended without it, which makes it a dead letter, 2 there is no such run, or it has ended.",
    examples=(
        Example(line="noetl signal 01JABC approved", purpose="what a 'wait' with 'event: approved' waits for"),
        Example(line='noetl signal 01JABC answer --data \'{"by": "Ada"}\'', purpose="with data"),
    ),
    options=SignalOptions,
    carry_out=carry_out,
)
