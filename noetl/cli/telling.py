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

#: A longer name is not worth moving all durations to the right.
_WIDEST = 32


@contextmanager
def telling(
    engine: Engine, console: Console, playbook: Playbook, *, json: bool, quiet: bool, verbose: bool
) -> Iterator[Lines]:
    """Tell of all runs of the engine while it is entered; on standard error, where a JSON object goes to the other."""
    output = console.err if json else console.out
    width = min(_WIDEST, max(map(len, playbook.steps)))
    lines: Lines = PlainLines(output, asyncio.get_running_loop().call_soon)
    if in_job():
        from noetl.cli.github import Annotations, Groups

        groups = Groups(lines)
        if not quiet:
            engine.subscribe(Progress(output, groups, width=width, scripts=True, debug=verbose))
        engine.subscribe(Annotations(console.err.line if quiet else groups.command, engine.playbook_of))
        yield groups
    elif quiet:
        yield lines
    elif output.drawable and not json:
        from noetl.cli.live.view import LiveView

        with LiveView(console, engine.runs) as view:
            engine.subscribe(Progress(output, view, width=width, scripts=verbose, debug=verbose))
            engine.subscribe(view)
            yield view
    else:
        engine.subscribe(Progress(output, lines, width=width, scripts=verbose, debug=verbose))
        yield lines
