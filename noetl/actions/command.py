"""Runs one program to its end as an action: where and with which environment, its output, and its kin ended with it.

Knows nothing of what the program is told, and of what its output means.
"""

from __future__ import annotations

import os
import posix
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta

from noetl.actions.base import Call
from noetl.actions.input import Input
from noetl.actions.output import Outputs
from noetl.actions.process import Process, signal_name
from noetl.actions.spawn import Environment, spawn
from noetl.errors import ActionError, ErrorKind

#: How long a command's background processes may keep its pipes open after it has exited.
DRAIN_S = 1.0

Scalar = str | int | float | bool

#: The options that all actions have that run a program.
Env = Annotated[
    dict[str, Scalar | None],
    Meta(
        description="Environment variables, added to those of the engine; null removes one. "
        "`NOETL_IDEMPOTENCY_KEY` is always set; it is the same for every attempt of the action."
    ),
]
Cwd = Annotated[
    str | None,
    Meta(description="The folder to run in, relative to where the run was started, which is also the default."),
]


def check_surroundings(env: Mapping[str, Scalar | None], cwd: str | None, words: Sequence[str] = ()) -> None:
    """Raises ValueError where the system could not start a program so."""
    texts = [*words, cwd or ""]
    for name, value in env.items():
        texts += name, as_word(value)
    if "\0" in "".join(texts):
        raise ValueError("a command, its environment and its folder cannot hold a NUL character")
    for name in env:
        if not name or "=" in name:
            raise ValueError(f"'{name}' cannot be the name of an environment variable")


def environment(env: Mapping[str, Scalar | None], call: Call) -> Environment:
    """That of the engine, with the changes of the action."""
    # The dictionary behind os.environ: to copy it takes a hundredth of the time that copying os.environ takes.
    variables = dict(posix.environ)
    for name, value in env.items():
        if value is None:
            variables.pop(os.fsencode(name), None)
        else:
            variables[os.fsencode(name)] = os.fsencode(as_word(value))
    variables[b"NOETL_IDEMPOTENCY_KEY"] = call.key.encode()
    return variables


def as_word(value: Scalar | None) -> str:
    """As a template writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


async def run_command(
    argv: list[str], variables: Environment, outputs: Outputs, call: Call, *, cwd: str | None, stdin: bytes | None
) -> int:
    """The exit code, or the negative number of the signal. `outputs` are closed then, and so they are on failure.

    What the program started has ended when this returns or raises. Without `stdin` its input is empty.
    """
    source: Input | None = None
    try:
        if stdin is not None:
            source = Input(stdin)
        pid = spawn(
            argv,
            variables,
            cwd=_folder(cwd, call),
            stdin=None if source is None else source.child_fd,
            stdout=outputs.stdout_fd,
            stderr=outputs.stderr_fd,
        )
        process = Process(pid)
        try:
            call.spawned(pid)
            if source is not None:
                source.start()
            outputs.start()
            status = await process.wait_a_moment()
            if status is None:
                outputs.watch()
                status = await process.wait()
            outputs.take()
            if process.has_kin:
                await outputs.wait_ended(DRAIN_S)
                await _end(process, call)
                outputs.take()
        except BaseException:
            await _end(process, call)
            raise
    finally:
        outputs.close()
        if source is not None:
            source.close()
    return status


async def _end(process: Process, call: Call) -> None:
    if not await process.end():
        call.log("warning", f"something that process {process.pid} started could not be killed")


def _folder(cwd: str | None, call: Call) -> str | None:
    """None where it is the engine's own, which spawns faster."""
    folder = str(call.working_folder)
    if cwd is not None:
        folder = os.path.join(folder, os.path.expanduser(cwd))
    return None if folder == os.getcwd() else folder


def exit_code_of(status: int) -> int:
    """As shells tell it: killed by signal N is 128 + N."""
    return status if status >= 0 else 128 - status


def bad_ending(title: str, status: int, said: str, fields: Mapping[str, Any]) -> ActionError:
    """The failure of what ended with a code that is not expected; `said` is the last that it said, or nothing."""
    reason = f": {said}" if said else ""
    if status >= 0:
        message = f"{title} exited with {status}{reason}"
        return ActionError(ErrorKind.PERMANENT, "exit_code", message, {"exit_code": status}, fields)
    killer = signal_name(-status)
    message = f"{title} was killed by {killer}{reason}"
    return ActionError(ErrorKind.SYSTEM, "killed", message, {"signal": killer}, fields)


def last_line(text: str) -> str:
    """The last words of a program, which most often say what is wrong."""
    return text.rstrip().rpartition("\n")[2].strip()[:500]
