"""`noetl recover`: goes on with every run that was interrupted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, flag, option
from noetl.cli.event_log import STORE_HELP, opened, store_url
from noetl.cli.run_options import EngineOptions, concurrency_of

if TYPE_CHECKING:
    from noetl.cli.console import Console


class RecoverOptions(EngineOptions):
    json: bool = flag("--json", help="Print a JSON list of reports at the end, and progress on standard error.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)
    quiet: bool = flag("-q", "--quiet", help="Print nothing but errors.")
    verbose: bool = flag("-v", "--verbose", help="Print what scripts print, and debug messages.")


def carry_out(options: RecoverOptions, console: Console) -> int:
    from noetl.cli.interrupts import interruptible

    interruptible()
    return asyncio.run(_recover(options, console))


async def _recover(options: RecoverOptions, console: Console) -> int:
    from noetl.cli.recovering import Recovered
    from noetl.runtime.engine import Engine

    engine = Engine(store_url(options.store), concurrency=concurrency_of(options))
    # Where there is no event log yet, none is to be made.
    async with opened(options.store):
        pass
    runs = Recovered(engine, console, json=options.json, quiet=options.quiet, verbose=options.verbose)
    return await runs.see_through()


COMMAND = Command(
    name="recover",
    summary="Go on with all interrupted runs, until they have ended.",
    details="Paused runs stay so, unless they are to go on by themselves. "
    "Exit code: 0 all completed, or there was none, 1 one failed, 3 one was cancelled, or this command interrupted.",
    examples=(
        Example(line="noetl recover", purpose="after a crash, or when the machine starts"),
        Example(line="noetl recover --json", purpose="for programs"),
    ),
    options=RecoverOptions,
    carry_out=carry_out,
)
