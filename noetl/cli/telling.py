"""How runs are told of while they go on: a live view, plain lines, or the groups of a job; chosen once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from noetl.cli.console import Console
from noetl.cli.lines import Lines, PlainLines
from noetl.cli.progress import Progress
from noetl.cli.workflow_commands import in_job
from noetl.model.playbook import Playbook
from noetl.runtime.engine import Engine

#: Lines that nobody watches grow come in lots, so many seconds late at most: a lot is told while a short command runs.
LATE_S = 0.003

#: A longer name is not worth moving all durations to the right.
WIDEST = 32


@contextmanager
def telling(
    engine: Engine, console: Console, playbook: Playbook | None, *, json: bool, quiet: bool, verbose: bool
) -> Iterator[Lines]:
    """Tell of all runs of the engine while it is entered; on standard error, where a JSON object goes to the other.

    The first run is of this playbook; without one no run is before the others, and each is named.
    """
    output = console.err if json else console.out
    width = 0 if playbook is None else min(WIDEST, max(map(len, playbook.steps)))
    named = playbook is None

    def progress(lines: Lines, *, scripts: bool) -> Progress:
        return Progress(output, lines, width=width, scripts=scripts, debug=verbose, runs=engine.runs, named=named)

    lines: Lines = PlainLines(output, asyncio.get_running_loop().call_soon)
    if in_job():
        from noetl.cli.github import Annotations, Groups

        groups = Groups(lines)
        if not quiet:
            engine.subscribe(progress(groups, scripts=True))
        engine.subscribe(Annotations(console.err.line if quiet else groups.command, engine.playbook_of))
        yield groups
    elif quiet:
        yield lines
    elif output.drawable and not json:
        from noetl.cli.live.view import LiveView

        with LiveView(console, engine.runs, named=named) as view:
            engine.subscribe(progress(view, scripts=verbose))
            engine.subscribe(view)
            yield view
    else:
        engine.subscribe(progress(lines, scripts=verbose), within_s=LATE_S)
        yield lines
