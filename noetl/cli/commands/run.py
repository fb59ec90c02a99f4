"""`noetl run`: runs a playbook to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, argument, flag, option
from noetl.cli.event_log import look_up, store_url
from noetl.cli.misuse import Misuse
from noetl.cli.run_options import DrivingOptions, concurrency_of

if TYPE_CHECKING:
    from noetl.cli.console import Console


class RunOptions(DrivingOptions):
    file: str = argument("FILE", help="The playbook, or '-' for standard input.")
    input: tuple[str, ...] = option(
        "-i", "--input", metavar="KEY=VALUE", many=True, help="An input, read as its declared type; may be repeated."
    )
    inputs: str | None = option(
        "--inputs", metavar="FILE", help="Inputs as a JSON or YAML mapping, '-' for standard input; '-i' wins."
    )
    dry_run: bool = flag("--dry-run", help="Show what the run would do, as far as that is known, and do nothing.")
    key: str | None = option(
        "--key",
        metavar="KEY",
        help="A name for the run: no second one starts with it, what there is goes on or answers.",
    )
    durability: str = option(
        "--durability",
        metavar="MODE",
        default="relaxed",
        choices=("strict", "relaxed", "none"),
        help="'relaxed' survives the end of the process (default), 'strict' a power cut too; "
        "'none' keeps the event log in memory only.",
    )


def carry_out(options: RunOptions, console: Console) -> int:
    import asyncio

    from noetl.cli.inputs import file_inputs, text_inputs
    from noetl.cli.interrupts import interruptible
    from noetl.cli.playbooks import DASH, source_of, valid_playbook
    from noetl.cli.problems import annotate, show_problems
    from noetl.cli.running import TerminalRun
    from noetl.cli.workflow_commands import in_job
    from noetl.runtime.engine import Engine

    interruptible()
    _check_key(options)
    if options.file == DASH == options.inputs:
        raise Misuse("the playbook and '--inputs' cannot both be read from standard input")
    store = _store(options)
    engine = Engine(store, durability=options.durability, concurrency=concurrency_of(options))
    texts = text_inputs(options.input)
    inputs = {} if options.inputs is None else file_inputs(options.inputs)
    playbook, warnings = valid_playbook(source_of(options.file), engine.shapes)
    if not options.quiet:
        show_problems(console.err, warnings)
        if in_job():
            annotate(console.err, warnings)
    if options.dry_run:
        from noetl.cli.plan import show_plan

        return show_plan(engine.plan(playbook, inputs, text=texts), console, json=options.json, quiet=options.quiet)
    junit = None
    if options.junit is not None:
        from noetl.cli.junit import junit_file

        junit = junit_file(options.junit)
    run = TerminalRun(
        engine,
        console,
        json=options.json,
        quiet=options.quiet,
        verbose=options.verbose,
        junit=junit,
        look_up=look_up(store if options.durability == "none" else options.store),
    )
    if options.key is None:
        return asyncio.run(run.carry_out(playbook, inputs, texts))
    from noetl.cli.going_on import start_or_join

    begin = start_or_join(engine, playbook, inputs, texts, options.key, console, quiet=options.quiet)
    return asyncio.run(run.see_through(playbook, begin))


def _check_key(options: RunOptions) -> None:
    """Raises Misuse where a key would find nothing."""
    if options.key is None:
        return
    if not options.key:
        raise Misuse("option '--key' needs a value")
    if _store(options).startswith("memory:"):
        raise Misuse("'--key' needs an event log that outlives the process")


def _store(options: RunOptions) -> str:
    if options.durability != "none":
        return store_url(options.store)
    if options.store is not None:
        raise Misuse("'--durability none' keeps no event log, so it does not go with '--store'")
    return "memory:"


COMMAND = Command(
    name="run",
    summary="Run a playbook to its end.",
    details="Exit code: 0 completed, 1 failed, 2 the playbook or the command line is invalid and nothing was run, "
    "3 cancelled or interrupted.",
    examples=(
        Example(line="noetl run orders.yaml", purpose="run it, one line for each step"),
        Example(line="noetl run orders.yaml -i threshold=50", purpose="with an input"),
        Example(line="noetl run orders.yaml --inputs day.json", purpose="with inputs from a file"),
        Example(line="noetl run orders.yaml --key orders-2025-03-03", purpose="once, however often it is asked for"),
        Example(line="noetl run orders.yaml --dry-run", purpose="what it would do, without doing it"),
        Example(line="noetl run orders.yaml --json > report.json", purpose="for programs"),
        Example(line="noetl run orders.yaml --junit orders.xml", purpose="for the test reports of a CI server"),
    ),
    options=RunOptions,
    carry_out=carry_out,
)
