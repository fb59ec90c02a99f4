"""What every command takes that drives one run at the terminal."""

from __future__ import annotations

from noetl.cli.command import Options, flag, option
from noetl.cli.event_log import STORE_HELP


class DrivingOptions(Options):
    """Where the run is kept, and how it is told."""

    json: bool = flag("--json", help="Print one JSON object at the end, and progress on standard error.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)
    junit: str | None = option(
        "--junit", metavar="FILE", help="Also write a JUnit file: a test case for each visit of a step."
    )
    quiet: bool = flag("-q", "--quiet", help="Print nothing but errors.")
    verbose: bool = flag("-v", "--verbose", help="Print what scripts print, and debug messages.")
