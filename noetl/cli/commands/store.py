"""`noetl store`: what the event log is, whether all of it can be read, and its tables brought up to this version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, opened, store_url
from noetl.cli.misuse import known_task

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.store import StoreInfo
    from noetl.store.upkeep import Checked

_DAMAGED = 1


class StoreOptions(Options):
    task: str = argument("TASK", help="'info', 'check' or 'migrate'.")
    json: bool = flag("--json", help="Print one JSON object.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: StoreOptions, console: Console) -> int:
    return known_task("store", options.task, _TASKS)(options, console)


def _info(options: StoreOptions, console: Console) -> int:
    info = asyncio.run(_about(options))
    if options.json:
        console.out.json(info)
        return 0
    from noetl.cli.text import count, harmless, size

    version = "" if info.version is None else f", version {info.version}"
    console.out.line(f"{info.kind}{version}, {size(info.size)}: {harmless(info.place)}")
    console.out.line(f"{count(sum(info.runs.values()), 'run')}, {count(info.events, 'event')}")
    for status, number in sorted(info.runs.items()):
        console.out.line(f"  {status:9}  {number}")
    return 0


async def _about(options: StoreOptions) -> StoreInfo:
    async with opened(options.store) as store:
        return await store.about()


def _check(options: StoreOptions, console: Console) -> int:
    runs, events, damaged = asyncio.run(_read_all(options, console))
    if options.json:
        problems = [{"execution_id": it.run.execution_id, "problem": it.problem} for it in damaged]
        console.out.json({"runs": runs, "events": events, "damaged": problems})
    else:
        from noetl.cli.text import count

        found = f"{len(damaged)} damaged" if damaged else "all can be read"
        console.out.line(f"{count(runs, 'run')}, {count(events, 'event')}: {found}")
    return _DAMAGED if damaged else 0


async def _read_all(options: StoreOptions, console: Console) -> tuple[int, int, list[Checked]]:
    """The number of runs and of events, and the runs in which something is wrong, which are told at once."""
    from noetl.cli.text import harmless
    from noetl.store.upkeep import check_store

    runs = events = 0
    damaged = []
    async with opened(options.store) as store:
        async for checked in check_store(store):
            runs += 1
            events += checked.events
            if checked.problem is None:
                continue
            damaged.append(checked)
            if not options.json:
                console.out.line(f"{checked.run.execution_id}  {harmless(checked.problem)}")
    return runs, events, damaged


def _migrate(options: StoreOptions, console: Console) -> int:
    from noetl.store.upkeep import migrate_store

    before, after = asyncio.run(migrate_store(store_url(options.store)))
    if options.json:
        console.out.json({"before": before, "after": after})
    elif before == after:
        console.out.line(f"nothing to do: the event log is of version {after}, the newest")
    elif before == 0:
        console.out.line(f"the event log was made, of version {after}")
    else:
        console.out.line(f"the event log was brought from version {before} to {after}")
    return 0


_TASKS: dict[str, Callable[[StoreOptions, Console], int]] = {"info": _info, "check": _check, "migrate": _migrate}

COMMAND = Command(
    name="store",
    summary="Look after the event log: see, check or migrate it.",
    details="'info' tells the kind of the event log, its version, its size and its runs by status. 'check' reads all "
    "runs and names the damaged ones (exit code 1 where there are any). 'migrate' brings the tables of a log that an "
    "older noetl has made up to this version; a Postgres log is never changed without being asked.",
    examples=(
        Example(line="noetl store info", purpose="of the event log in this folder"),
        Example(line="noetl store check", purpose="whether every run can be read"),
        Example(line="noetl store migrate --store postgresql://db.example/noetl", purpose="after an update of noetl"),
    ),
    options=StoreOptions,
    carry_out=carry_out,
)
