"""The `powershell` action: one process for each, which runs `wrapper.ps1`, which runs the script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from noetl.actions.base import Call, Outcome
from noetl.actions.command import bad_ending, environment, exit_code_of, last_line, run_command
from noetl.actions.files import find_file
from noetl.actions.powershell.hearing import Hearing
from noetl.actions.powershell.messages import LARGEST_DATA, encode_request, new_mark
from noetl.actions.powershell.options import PowershellOptions
from noetl.actions.powershell.places import Places, places_of
from noetl.actions.spawn import Environment, find_program
from noetl.errors import ActionError, ErrorKind

if TYPE_CHECKING:
    from noetl.actions.touch import Touch

#: The first of these that is in PATH runs the script.
PROGRAMS = ("pwsh", "powershell")
WRAPPER = str(Path(__file__).with_name("wrapper.ps1"))
_SWITCHES = ("-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", WRAPPER)


class PowershellHandler:
    """The `powershell` action."""

    name: ClassVar[str] = "powershell"
    options: ClassVar[type[msgspec.Struct]] = PowershellOptions
    program_text: ClassVar[frozenset[str]] = frozenset({"script"})
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    def touches(self, options: Mapping[str, Any], folder: Path) -> Iterator[Touch]:
        from noetl.actions.local_touches import folder_touched, program_touch
        from noetl.actions.touch import Touch

        if options.get("file") is not None:
            yield Touch(kind="program", text=f"runs {options['file']}", details={"file": options["file"]})
        else:
            yield program_touch(options["script"])
        yield from folder_touched(options)

    async def run(self, options: PowershellOptions, call: Call) -> Outcome:
        if options.file is not None:
            options = msgspec.structs.replace(options, file=str(find_file(options.file, call.folder).absolute()))
        variables = environment(options.env, call)
        program = find_powershell(variables)
        mark, places = new_mark(), places_of(options, call, WRAPPER)
        request = {
            "mark": mark,
            "name": places.name,
            "text": options.script,
            "file": options.file,
            "args": options.args,
        }
        stdin = encode_request(request)
        hearing = Hearing(mark, places, call.line)
        argv = [program, *_SWITCHES]
        status = await run_command(argv, variables, hearing.outputs, call, cwd=options.cwd, stdin=stdin)
        hearing.finish()
        return _judge(options, program, status, hearing, places)


def find_powershell(variables: Environment) -> str:
    """Where PowerShell is, by PATH. Raises ActionError where there is none."""
    for name in PROGRAMS:
        try:
            return find_program(name, variables)
        except ActionError as error:
            if error.code != "program_not_found":
                raise
    message = "neither 'pwsh' nor 'powershell' was found in PATH, install PowerShell 7 or newer"
    raise ActionError(ErrorKind.SYSTEM, "powershell_not_found", message)


def _judge(options: PowershellOptions, program: str, status: int, hearing: Hearing, places: Places) -> Outcome:
    code = _exit_code(status, hearing)
    fields = {"exit_code": exit_code_of(code), **hearing.fields()}
    if not hearing.started and status >= 0:
        said = last_line(fields["stderr"]) or last_line(fields["stdout"]) or f"it exited with {status}"
        raise ActionError(ErrorKind.SYSTEM, "powershell_failed", f"'{program}' did not start: {said}", fields=fields)
    if hearing.failed is not None:
        message, details = places.message(hearing.failed), places.details(hearing.failed)
        raise ActionError(ErrorKind.PERMANENT, "script_error", message, details, fields)
    if fields["exit_code"] not in options.expected:
        raise bad_ending("the script", code, hearing.last_error or last_line(fields["stderr"]), fields)
    _check_data(hearing, fields)
    return Outcome(data=hearing.data, fields=fields)


def _exit_code(status: int, hearing: Hearing) -> int:
    """Negative for a signal, as `status`."""
    if hearing.failed is not None:
        return 1
    if hearing.ended is None:
        return status
    # The system keeps eight bits of what a program, or `exit`, leaves.
    left = (hearing.ended.exit_code or 0) & 0xFF
    return left or int(not hearing.ended.success)


def _check_data(hearing: Hearing, fields: Mapping[str, Any]) -> None:
    if hearing.unfit is not None:
        message = f"what the script put out is not data: {hearing.unfit}"
        raise ActionError(ErrorKind.PERMANENT, "bad_result", message, fields=fields)
    if hearing.too_large:
        message = f"what the script put out is larger than {LARGEST_DATA} bytes"
        raise ActionError(ErrorKind.PERMANENT, "bad_output", message, fields=fields)
    if hearing.broken:
        message = "what the script put out was cut, or mixed up with what another program wrote to standard output"
        raise ActionError(ErrorKind.PERMANENT, "bad_output", message, fields=fields)
