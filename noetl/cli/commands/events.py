"""`noetl events`: what happened in a run, one event a line."""

from __future__ import annotations

import asyncio
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, opened, run_ids
from noetl.cli.interrupts import INTERRUPTED, interruptible

if TYPE_CHECKING:
    from noetl.cli.console import Console, Output
    from noetl.model.event import Event
    from noetl.store import EventStore, RunRecord

#: So many events are in memory at once.
_PAGE = 1000

#: How long to wait before looking for new events again: longer each time that nothing has come.
_SHORTEST_PAUSE_S, _LONGER, _LONGEST_PAUSE_S = 0.02, 1.5, 0.5


class EventsOptions(Options):
    id: str = argument("ID", help="The run's id, or how it begins.", complete=run_ids)
    follow: bool = flag("-f", "--follow", help="Go on with new events as they come, until the run ends.")
    json: bool = flag("--json", help="Print each event as a JSON object on a line of its own.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: EventsOptions, console: Console) -> int:
    interruptible()
    try:
        asyncio.run(_show(options, console.out))
    except KeyboardInterrupt:
        if not options.follow:
            raise
        # It is how one stops to follow; the code says that the run has not ended.
        return INTERRUPTED
    return 0


async def _show(options: EventsOptions, output: Output) -> None:
    async with opened(options.store) as store:
        record: RunRecord | None = await store.find(options.id)
        after, pause = 0, _SHORTEST_PAUSE_S
        while record is not None:
            last = await _print_after(after, record.execution_id, store, options, output)
            # The record was read before the events: where it had ended by then, all of them have been printed.
            if not options.follow or record.ended_at is not None or not output.still_read():
                return
            pause = _SHORTEST_PAUSE_S if last > after else min(pause * _LONGER, _LONGEST_PAUSE_S)
            after = last
            await asyncio.sleep(pause)
            record = await store.record(record.execution_id)


async def _print_after(after: int, execution_id: str, store: EventStore, options: EventsOptions, output: Output) -> int:
    """The number of the last event that has been printed."""
    width = get_terminal_size().columns if output.terminal else None
    while output.open and (events := await store.read(execution_id, after, _PAGE)):
        for event in events:
            if options.json:
                output.json(_data(event))
            else:
                output.write(f"{_line(event, width)}\n")
        after = events[-1].seq
    output.flush()
    return after


def _data(event: Event) -> dict[str, Any]:
    from noetl.machine.scope import iso

    return {
        "v": event.v,
        "execution_id": event.execution_id,
        "seq": event.seq,
        "at": iso(event.at),
        "kind": event.kind,
        "step": event.step,
        "token": event.token,
        "data": event.data,
    }


def _line(event: Event, width: int | None) -> str:
    from noetl.cli.text import local_time, shown

    data = {key: value for key, value in event.data.items() if key != "changes"}
    about = shown(data) if data else ""
    where = event.step + (f" [{event.token}]" if event.token not in ("", ".") else "")
    line = f"{event.seq:>6}  {local_time(event.at)}  {event.kind:17}  {where}  {about}".rstrip()
    # A terminal would break the line; in a pipe somebody may look for what stands at its end.
    return line if width is None or len(line) <= width else f"{line[: width - 4]} ..."


COMMAND = Command(
    name="events",
    summary="List the events of a run, in order.",
    details="Exit code with '--follow': 0 when the run has ended, however it did; 3 where one stopped to follow it.",
    examples=(
        Example(line="noetl events 01JABC", purpose="the run whose id begins so"),
        Example(line="noetl events 01JABC --json", purpose="one JSON object a line, for programs"),
        Example(line="noetl events 01JABC --follow", purpose="of a run that goes on, as they come"),
    ),
    options=EventsOptions,
    carry_out=carry_out,
)
