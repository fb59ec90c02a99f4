"""The command `noetl`: has its words understood and carried out, and is where errors are told and exit codes given.

It imports next to nothing, for what it imports is paid for by every start.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from noetl.cli.command import COMPLETION, Invocation
from noetl.cli.commands import NAMES, find_command
from noetl.cli.console import Console, reserve_standard_streams
from noetl.cli.misuse import Misuse
from noetl.cli.plain import parse_plain
from noetl.errors import NoetlError, PlaybookError
from noetl.version import VERSION

_DEFECT = 1
_INVALID = 2
_INTERRUPTED = 3

#: Python looks for garbage after so many new objects. The usual 700 has it search what a start loads many times over.
_GARBAGE_THRESHOLD = 50_000


def main() -> NoReturn:
    """Do what the process's command line asks for, and end the process."""
    gc.set_threshold(_GARBAGE_THRESHOLD)
    reserve_standard_streams()
    console = Console()
    code = _serve(sys.argv[1:], console)
    # What Python does besides, freeing each object and module, takes a tenth of the time of a short run.
    atexit._run_exitfuncs()
    code = _last_word(console, code)
    os._exit(code)


def _serve(words: Sequence[str], console: Console) -> int:
    json = "--json" in words
    try:
        return _obey(words, console)
    except NoetlError as error:
        _refuse(error, words, console, json=json and not console.out.answered)
        return _INVALID
    except KeyboardInterrupt:
        if json and not console.out.answered:
            console.out.json({"status": "cancelled"})
        else:
            console.error("interrupted")
        return _INTERRUPTED
    except Exception as error:
        _tell_defect(error, console)
        if json and not console.out.answered:
            defect = {"kind": "system", "code": "defect", "message": f"{type(error).__name__}: {error}"}
            console.out.json({"status": "failed", "error": defect})
        return _DEFECT


def _obey(words: Sequence[str], console: Console) -> int:
    if list(words) == ["--version"]:
        console.out.line(f"noetl {VERSION}")
        return 0
    invocation = _understand(words, console)
    return 0 if invocation is None else invocation.command.carry_out(invocation.options, console)


def _understand(words: Sequence[str], console: Console) -> Invocation | None:
    """What the words ask for; None where that has been done, as for help."""
    if words and not words[0].startswith("-") and not os.environ.get(COMPLETION):
        if words[0] not in NAMES:
            from noetl.spelling import did_you_mean

            raise Misuse(f"there is no command '{words[0]}'", did_you_mean(words[0], NAMES))
        command = find_command(words[0])
        options = parse_plain(command, words[1:])
        if options is not None:
            return Invocation(command, options)
    from noetl.cli.typer_app import parse

    return parse(map(find_command, NAMES), words or ["--help"], rich=console.out.colours)


def _refuse(error: NoetlError, words: Sequence[str], console: Console, *, json: bool) -> None:
    """Nothing was run, or what was run could not be told; in JSON that is a problem like those of a playbook."""
    from noetl.cli.problems import problem_of, refuse

    if isinstance(error, PlaybookError):
        refuse(console, error.problems, json=json)
    elif json:
        refuse(console, [problem_of(error)], json=True)
    else:
        console.error(str(error))
    if isinstance(error, Misuse) and not json:
        command = f"{words[0]} " if words and words[0] in NAMES else ""
        console.err.line(f"'noetl {command}--help' tells more")


def _tell_defect(error: Exception, console: Console) -> None:
    if os.environ.get("NOETL_DEBUG"):
        import traceback

        console.err.write("".join(traceback.format_exception(error)))
    hint = "this is a defect of noetl; with NOETL_DEBUG=1 it shows where"
    console.error(f"{type(error).__name__}: {error} ({hint})")


def _last_word(console: Console, code: int) -> int:
    """Write what is still to be written; a command whose output is lost has not succeeded."""
    console.flush()
    failure = console.out.failure
    if failure is None:
        return code
    console.error(f"standard output cannot be written: {failure.strerror or failure}")
    return code or _DEFECT


if __name__ == "__main__":
    main()
