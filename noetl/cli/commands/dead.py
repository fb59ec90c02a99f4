"""`noetl dead`: what failed for good, to look at, try again or drop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.event_log import STORE_HELP, look_up, opened, store_url
from noetl.cli.misuse import Misuse, known_task

if TYPE_CHECKING:
    from noetl.cli.console import Console
    from noetl.runtime.handle import RunHandle
    from noetl.store import DeadLetter


class DeadOptions(Options):
    task: str = argument("[TASK]", default="list", help="'list' (default), 'show', 'retry' or 'drop'.")
    id: str = argument("[ID]", default="", help="The number of a dead letter, for all but 'list'.")
    to: str | None = option("--to", metavar="RUN", help="The run that a signal is sent to when it is tried again.")
    json: bool = flag("--json", help="Print JSON: a list, the dead letter, or what 'noetl run --json' prints.")
    store: str | None = option("--store", metavar="URL", help=STORE_HELP)


def carry_out(options: DeadOptions, console: Console) -> int:
    return known_task("dead", options.task, _TASKS)(options, console)


def _list(options: DeadOptions, console: Console) -> int:
    if options.id:
        raise Misuse(f"'noetl dead list' takes no number (did you mean 'noetl dead show {options.id}'?)")
    letters = asyncio.run(_letters(options))
    if options.json:
        console.out.json([_data(letter) for letter in letters])
        return 0
    from noetl.cli.text import harmless, local_time

    if not letters:
        console.out.line("there are no dead letters")
    width = max((len(str(letter.id)) for letter in letters), default=0)
    for letter in letters:
        about = f"{letter.kind:6}  {letter.execution_id}  {harmless(_cause(letter))}"
        console.out.write(f"{letter.id:>{width}}  {local_time(letter.at)}  {about}\n")
    console.out.flush()
    return 0


def _show(options: DeadOptions, console: Console) -> int:
    letter = asyncio.run(_letter(options))
    if options.json:
        console.out.json(_data(letter))
        return 0
    for line in _lines(letter):
        console.out.write(f"{line}\n")
    console.out.flush()
    return 0


def _drop(options: DeadOptions, console: Console) -> int:
    letter = asyncio.run(_dropped(options))
    if options.json:
        console.out.json(_data(letter))
    else:
        console.out.line(f"dropped dead letter {letter.id}: the {letter.kind} is not tried again")
    return 0


def _retry(options: DeadOptions, console: Console) -> int:
    from noetl.cli.interrupts import interruptible
    from noetl.cli.running import TerminalRun
    from noetl.runtime.engine import Engine
    from noetl.runtime.recorded import playbook_of

    interruptible()
    engine = Engine(store_url(options.store))
    letter = asyncio.run(_letter(options))
    if letter.kind == "signal":
        return asyncio.run(_send(engine, letter, options, console))

    async def carry_out() -> int:
        async with opened(options.store) as store:
            playbook = await playbook_of(store, await store.find(letter.execution_id), engine.shapes)
        run = TerminalRun(
            engine,
            console,
            json=options.json,
            quiet=False,
            verbose=False,
            junit=None,
            look_up=look_up(options.store),
        )
        return await run.see_through(playbook, begin)

    async def begin() -> RunHandle:
        handle = await engine.retry_dead(letter.id, to=options.to)
        assert handle is not None
        return handle

    return asyncio.run(carry_out())


async def _send(engine: Any, letter: DeadLetter, options: DeadOptions, console: Console) -> int:
    async with engine:
        await engine.retry_dead(letter.id, to=options.to)
    if options.json:
        console.out.json(_data(letter))
    else:
        console.out.line(f"sent the signal '{letter.data['event']}' to run {options.to}")
    return 0


async def _letters(options: DeadOptions) -> list[DeadLetter]:
    async with opened(options.store) as store:
        return await store.dead_letters()


async def _letter(options: DeadOptions) -> DeadLetter:
    from noetl.runtime.reviving import find_letter

    async with opened(options.store) as store:
        return await find_letter(store, _number(options))


async def _dropped(options: DeadOptions) -> DeadLetter:
    letter = await _letter(options)
    async with opened(options.store) as store:
        await store.unbury(letter.id)
    return letter


def _number(options: DeadOptions) -> int:
    if options.id.isascii() and options.id.isdigit():
        return int(options.id[:18])
    given = f"got '{options.id}'" if options.id else "got none"
    raise Misuse(f"'noetl dead {options.task}' needs the number of a dead letter, {given}", "'noetl dead' lists them")


def _cause(letter: DeadLetter) -> str:
    from noetl.cli.text import one_line

    return one_line(str(letter.cause.get("message", "")))


def _lines(letter: DeadLetter) -> Iterator[str]:
    from noetl.cli.text import harmless, local_time, shown

    yield f"dead letter {letter.id}: {letter.kind} of run {letter.execution_id}, {local_time(letter.at)}"
    yield f"  cause: {harmless(str(letter.cause.get('code')))}: {harmless(_cause(letter))}"
    for name, value in letter.data.items():
        yield f"  {name}: {shown(value)}"


def _data(letter: DeadLetter) -> dict[str, Any]:
    from noetl.machine.scope import iso

    return {
        "id": letter.id,
        "kind": letter.kind,
        "execution_id": letter.execution_id,
        "at": iso(letter.at),
        "cause": letter.cause,
        "data": letter.data,
    }


_TASKS = {"list": _list, "show": _show, "retry": _retry, "drop": _drop}

COMMAND = Command(
    name="dead",
    summary="See what failed for good, and try it again.",
    details="A dead letter is a run that no retry has helped, an action that was lost with too many engines, or a "
    "signal that nobody took. 'retry' begins the run anew, runs it again from the action, or sends the signal to "
    "another run, and removes the letter.",
    examples=(
        Example(line="noetl dead", purpose="all of them, the newest first"),
        Example(line="noetl dead show 3", purpose="one with its cause"),
        Example(line="noetl dead retry 3", purpose="run it again"),
        Example(line="noetl dead retry 4 --to 01JABC", purpose="send a signal to another run"),
        Example(line="noetl dead drop 3", purpose="forget it"),
    ),
    options=DeadOptions,
    carry_out=carry_out,
)
