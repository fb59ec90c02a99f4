"""What the commands take that drive runs at the terminal."""

from __future__ import annotations

from noetl.cli.command import Options, flag, option
from noetl.cli.event_log import STORE_HELP
from noetl.cli.misuse import Misuse


class EngineOptions(Options):
    """What bounds the engine of this process."""

    concurrency: int | None = option(
        "--concurrency", metavar="N", kind=int, help="At most N actions at once in this process, of all runs together."
    )


class DrivingOptions(EngineOptions):
    """Where the one run is kept, and how it is told."""

    json: bool = flag("--json", help="Print one JSON object at the end, and progress on standard error.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)
    junit: str | None = option(
        "--junit", metavar="FILE", help="Also write a JUnit file: a test case for each visit of a step."
    )
    quiet: bool = flag("-q", "--quiet", help="Print nothing but errors.")
    verbose: bool = flag("-v", "--verbose", help="Print what scripts print, and debug messages.")


def concurrency_of(options: EngineOptions) -> int | None:
    """Raises Misuse where nothing could run."""
    if options.concurrency == 0:
        raise Misuse("option '--concurrency' takes a number from 1 on, got '0'")
    return options.concurrency
