"""`shell`: runs a command, with its lines live and its output kept within bounds; what it started ends with it."""

from __future__ import annotations

import os
import posix
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from noetl.actions.base import Call, Outcome
from noetl.actions.input import Input
from noetl.actions.output import MAX_OUTPUT, Outputs
from noetl.actions.process import Process, signal_name
from noetl.actions.spawn import spawn
from noetl.errors import ActionError, ErrorKind
from noetl.units import parse_size

#: How long a command's background processes may keep its pipes open after it has exited.
DRAIN_S = 1.0
_SHELL = "/bin/sh"

Scalar = str | int | float | bool


class ShellOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Run a command and take what it prints.

    `{action: shell, cmd: ["wc", "-l", "{{ file }}"], output: text, as: lines}`
    """

    cmd: Annotated[
        str | list[Scalar],
        Meta(
            description="The command. A text is run by `/bin/sh -c`. A list is a program and its arguments, run "
            "without a shell, so that no argument needs quoting."
        ),
    ]
    env: Annotated[
        dict[str, Scalar | None],
        Meta(
            description="Environment variables, added to those of the engine; null removes one. "
            "`NOETL_IDEMPOTENCY_KEY` is always set; it is the same for every attempt of the action."
        ),
    ] = {}
    cwd: Annotated[
        str | None,
        Meta(description="The folder to run in, relative to where the run was started, which is also the default."),
    ] = None
    stdin: Annotated[
        Any,
        Meta(
            description="What the command reads from its standard input: a text as it is, any other value as JSON. "
            "By default the input is empty."
        ),
    ] = None
    expect: Annotated[
        int | list[int],
        Meta(description="The exit code, or the codes, that mean success. A command killed by signal N has 128 + N."),
    ] = 0
    output: Annotated[
        Literal["text", "lines", "json"],
        Meta(
            description="How standard output becomes the data: `text` without its final line break, `lines` a list of "
            "lines, `json` one parsed JSON document."
        ),
    ] = "text"
    max_output: Annotated[
        int | str,
        Meta(
            description="How much of standard output, and of standard error, is kept: a number of bytes, or a size "
            "such as `10MB`. Of a longer output the head and the tail are kept, around a line that says how much is "
            "missing. The default is 16 MiB."
        ),
    ] = MAX_OUTPUT

    def __post_init__(self) -> None:
        words = [self.cmd] if isinstance(self.cmd, str) else [_text(word) for word in self.cmd]
        if not words or not words[0].strip():
            raise ValueError("'cmd' is empty")
        variables = [text for name, value in self.env.items() for text in (name, _text(value))]
        if any("\0" in text for text in (*words, *variables, self.cwd or "")):
            raise ValueError("a command, its environment and its folder cannot hold a NUL character")
        for name in self.env:
            if not name or "=" in name:
                raise ValueError(f"'{name}' cannot be the name of an environment variable")
        if self.max_output != MAX_OUTPUT:
            parse_size(self.max_output)

    @property
    def argv(self) -> list[str]:
        return [_SHELL, "-c", self.cmd] if isinstance(self.cmd, str) else [_text(word) for word in self.cmd]

    @property
    def expected(self) -> list[int]:
        return [self.expect] if isinstance(self.expect, int) else self.expect

    @property
    def max_output_bytes(self) -> int:
        return self.max_output if isinstance(self.max_output, int) else parse_size(self.max_output)

    @property
    def title(self) -> str:
        """The command as an error calls it: its first line, at most 60 characters."""
        whole = self.cmd if isinstance(self.cmd, str) else " ".join(map(_text, self.cmd))
        first, *more = whole.strip().splitlines()
        return f"{first[:60]}..." if more or len(first) > 60 else first


class ShellHandler:
    """The `shell` action."""

    name: ClassVar[str] = "shell"
    options: ClassVar[type[msgspec.Struct]] = ShellOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    async def run(self, options: ShellOptions, call: Call) -> Outcome:
        status, outputs = await _execute(options, call)
        return _judge(options, status, outputs)


async def _execute(options: ShellOptions, call: Call) -> tuple[int, Outputs]:
    outputs = Outputs(options.max_output_bytes, call.line)
    source: Input | None = None
    try:
        source = Input(_stdin(options.stdin))
        pid = spawn(
            options.argv,
            _environment(options, call.key),
            cwd=_folder(options, call),
            stdin=source.child_fd,
            stdout=outputs.stdout_fd,
            stderr=outputs.stderr_fd,
        )
        process = Process(pid)
        try:
            call.spawned(pid)
            source.start()
            outputs.start()
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
    return status, outputs


async def _end(process: Process, call: Call) -> None:
    if not await process.end():
        call.log("warning", f"something that process {process.pid} started could not be killed")


def _folder(options: ShellOptions, call: Call) -> str | None:
    """None where it is the engine's own, which spawns faster."""
    folder = str(call.working_folder)
    if options.cwd is not None:
        folder = os.path.join(folder, os.path.expanduser(options.cwd))
    return None if folder == os.getcwd() else folder


def _environment(options: ShellOptions, key: str) -> dict[bytes, bytes]:
    # The dictionary behind os.environ: to copy it takes a hundredth of the time that copying os.environ takes.
    environment = dict(posix.environ)
    for name, value in options.env.items():
        if value is None:
            environment.pop(os.fsencode(name), None)
        else:
            environment[os.fsencode(name)] = os.fsencode(_text(value))
    environment[b"NOETL_IDEMPOTENCY_KEY"] = key.encode()
    return environment


def _stdin(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def _text(value: Scalar | None) -> str:
    """As a template writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _judge(options: ShellOptions, status: int, outputs: Outputs) -> Outcome:
    exit_code = status if status >= 0 else 128 - status
    fields: dict[str, Any] = {
        "exit_code": exit_code,
        "stdout": outputs.stdout.text(),
        "stderr": outputs.stderr.text(),
        "truncated": outputs.stdout.truncated or outputs.stderr.truncated,
    }
    if exit_code not in options.expected:
        raise _failure(options, status, fields)
    return Outcome(data=_data(options, outputs.stdout.truncated, fields), fields=fields)


def _failure(options: ShellOptions, status: int, fields: dict[str, Any]) -> ActionError:
    said = fields["stderr"].rstrip().rpartition("\n")[2].strip()[:500]
    reason = f": {said}" if said else ""
    if status >= 0:
        message = f"'{options.title}' exited with {status}{reason}"
        return ActionError(ErrorKind.PERMANENT, "exit_code", message, {"exit_code": status}, fields)
    killer = signal_name(-status)
    message = f"'{options.title}' was killed by {killer}{reason}"
    return ActionError(ErrorKind.SYSTEM, "killed", message, {"signal": killer}, fields)


def _data(options: ShellOptions, truncated: bool, fields: dict[str, Any]) -> Any:
    stdout: str = fields["stdout"]
    if truncated and options.output != "text":
        raise _bad_output(options, f"is longer than 'max_output', which is {options.max_output}", fields)
    if options.output == "json":
        return _json(options, stdout, fields)
    stdout = stdout.removesuffix("\n").removesuffix("\r")
    if options.output == "text":
        return stdout
    return [line.removesuffix("\r") for line in stdout.split("\n")] if stdout else []


def _json(options: ShellOptions, stdout: str, fields: dict[str, Any]) -> Any:
    if not stdout.strip():
        raise _bad_output(options, "is empty", fields)
    try:
        return msgspec.json.decode(stdout)
    except msgspec.DecodeError as error:
        raise _bad_output(options, f"is not JSON: {error}", fields) from error


def _bad_output(options: ShellOptions, reason: str, fields: dict[str, Any]) -> ActionError:
    return ActionError(ErrorKind.PERMANENT, "bad_output", f"the output of '{options.title}' {reason}", fields=fields)
