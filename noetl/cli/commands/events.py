"""`noetl events`: what happened in a run, one event a line."""

from __future__ import annotations

import asyncio
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, opened

if TYPE_CHECKING:
    from noetl.cli.console import Console, Output
    from noetl.model.event import Event

#: So many events are in memory at once.
_PAGE = 1000


class EventsOptions(Options):
    id: str = argument("ID", help="The run's id, or how it begins.")
    json: bool = flag("--json", help="Print each event as a JSON object on a line of its own.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: EventsOptions, console: Console) -> int:
    asyncio.run(_show(options, console.out))
    return 0


async def _show(options: EventsOptions, output: Output) -> None:
    async with opened(options.store) as store:
        record = await store.find(options.id)
        after = 0
        width = get_terminal_size().columns if output.terminal else None
        while output.open and (events := await store.read(record.execution_id, after, _PAGE)):
            for event in events:
                if options.json:
                    output.json(_data(event))
                else:
                    output.write(f"{_line(event, width)}\n")
            after = events[-1].seq


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
    examples=(
        Example(line="noetl events 01JABC", purpose="the run whose id begins so"),
        Example(line="noetl events 01JABC --json", purpose="one JSON object a line, for programs"),
    ),
    options=EventsOptions,
    carry_out=carry_out,
)
