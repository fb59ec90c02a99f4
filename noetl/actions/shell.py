"""`shell`: runs a command, with its lines live and its output kept within bounds; what it started ends with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from noetl.actions.base import Call, Outcome
from noetl.actions.command import (
    Cwd,
    Env,
    Scalar,
    as_word,
    bad_ending,
    check_surroundings,
    environment,
    exit_code_of,
    last_line,
    run_command,
)
from noetl.actions.output import MAX_OUTPUT, Outputs
from noetl.errors import ActionError, ErrorKind
from noetl.units import parse_size

if TYPE_CHECKING:
    from noetl.actions.touch import Touch

_SHELL = "/bin/sh"


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
    env: Env = {}
    cwd: Cwd = None
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
        words = self.words
        if not words or not words[0].strip():
            raise ValueError("'cmd' is empty")
        check_surroundings(self.env, self.cwd, words)
        if self.max_output != MAX_OUTPUT:
            parse_size(self.max_output)

    @property
    def words(self) -> list[str]:
        """The program and its arguments, or the one text of a shell."""
        return [self.cmd] if isinstance(self.cmd, str) else list(map(as_word, self.cmd))

    @property
    def argv(self) -> list[str]:
        return [_SHELL, "-c", self.cmd] if isinstance(self.cmd, str) else self.words

    @property
    def expected(self) -> list[int]:
        return [self.expect] if isinstance(self.expect, int) else self.expect

    @property
    def max_output_bytes(self) -> int:
        return self.max_output if isinstance(self.max_output, int) else parse_size(self.max_output)

    @property
    def title(self) -> str:
        """The command as an error calls it: its first line, at most 60 characters."""
        first, *more = " ".join(self.words).strip().splitlines()
        return f"{first[:60]}..." if more or len(first) > 60 else first


class ShellHandler:
    """The `shell` action."""

    name: ClassVar[str] = "shell"
    options: ClassVar[type[msgspec.Struct]] = ShellOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    def touches(self, options: Mapping[str, Any], folder: Path) -> Iterator[Touch]:
        from noetl.actions.local_touches import shell_touches

        return shell_touches(options)

    async def run(self, options: ShellOptions, call: Call) -> Outcome:
        variables, stdin = environment(options.env, call), _stdin(options.stdin)
        outputs = Outputs(options.max_output_bytes, call.line)
        status = await run_command(options.argv, variables, outputs, call, cwd=options.cwd, stdin=stdin)
        return _judge(options, status, outputs)


def _stdin(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def _judge(options: ShellOptions, status: int, outputs: Outputs) -> Outcome:
    exit_code = exit_code_of(status)
    stdout, stderr = outputs.stdout.text(), outputs.stderr.text()
    truncated = outputs.stdout.truncated or outputs.stderr.truncated
    fields = {"exit_code": exit_code, "stdout": stdout, "stderr": stderr, "truncated": truncated}
    if exit_code not in options.expected:
        # Compilers, linters and test runners say what is wrong on standard output.
        raise bad_ending(f"'{options.title}'", status, last_line(stderr) or last_line(stdout), fields)
    if options.output == "text":
        data: Any = _unended(stdout)
    elif outputs.stdout.truncated:
        raise _bad_output(options, f"is longer than 'max_output', which is {options.max_output}", fields)
    else:
        data = _json(options, stdout, fields) if options.output == "json" else _lines(stdout)
    return Outcome(data=data, fields=fields)


def _unended(stdout: str) -> str:
    return stdout.removesuffix("\n").removesuffix("\r")


def _lines(stdout: str) -> list[str]:
    stdout = _unended(stdout)
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
