"""`noetl rerun`: runs an ended run again, without what need not be done again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, argument, flag, option
from noetl.cli.event_log import look_up, opened, run_ids, store_url
from noetl.cli.misuse import Misuse
from noetl.cli.run_options import DrivingOptions, concurrency_of

if TYPE_CHECKING:
    from noetl.cli.console import Console


class RerunOptions(DrivingOptions):
    id: str = argument("ID", help="The run's id, or how it begins.", complete=run_ids)
    from_failed: bool = flag("--from-failed", help="Take over all that has completed (default).")
    from_: str | None = option(
        "--from", metavar="STEP", help="Do this step again, and all that began after its first visit."
    )
    input: tuple[str, ...] = option(
        "-i", "--input", metavar="KEY=VALUE", many=True, help="Another value for an input; may be repeated."
    )
    with_: str | None = option("--with", metavar="FILE", help="Another text of the playbook, '-' for standard input.")


def carry_out(options: RerunOptions, console: Console) -> int:
    from noetl.cli.interrupts import interruptible

    interruptible()
    if options.from_failed and options.from_ is not None:
        raise Misuse("'--from-failed' does not go with '--from'")
    return asyncio.run(_rerun(options, console))


async def _rerun(options: RerunOptions, console: Console) -> int:
    from noetl.cli.inputs import text_inputs
    from noetl.cli.junit import junit_file
    from noetl.cli.playbooks import source_of, valid_playbook
    from noetl.cli.problems import show_problems
    from noetl.cli.running import TerminalRun
    from noetl.runtime.engine import Engine
    from noetl.runtime.recorded import playbook_of
    from noetl.runtime.rerun import refuse_going_on

    engine = Engine(store_url(options.store), concurrency=concurrency_of(options))
    texts = text_inputs(options.input)
    junit = junit_file(options.junit)
    async with opened(options.store) as store:
        record = await store.find(options.id)
        refuse_going_on(record)
        if options.with_ is None:
            playbook = await playbook_of(store, record, engine.shapes)
        else:
            playbook, warnings = valid_playbook(source_of(options.with_), engine.shapes)
            if not options.quiet:
                show_problems(console.err, warnings)
    run = TerminalRun(
        engine,
        console,
        json=options.json,
        quiet=options.quiet,
        verbose=options.verbose,
        junit=junit,
        look_up=look_up(options.store),
    )
    return await run.see_through(
        playbook,
        lambda: engine.rerun(record.execution_id, text=texts, from_step=options.from_, playbook=playbook),
    )


COMMAND = Command(
    name="rerun",
    summary="Run an ended run again, without what need not be done again.",
    details="A new run takes over what came of the actions that had completed, where they are given the same as then, "
    "and says at the end what that was, and of the rest why not. "
    "Exit code: 0 completed, 1 failed, 2 it cannot be run again, and nothing was run, 3 cancelled or interrupted.",
    examples=(
        Example(line="noetl rerun 01JABC", purpose="what failed, and what comes after it"),
        Example(line="noetl rerun 01JABC --from Load", purpose="from a step on"),
        Example(line="noetl rerun 01JABC -i day=2025-03-04", purpose="with another input"),
        Example(line="noetl rerun 01JABC --with fixed.yaml", purpose="with a playbook that has been mended"),
    ),
    options=RerunOptions,
    carry_out=carry_out,
)
