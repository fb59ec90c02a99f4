"""Starts programs as leaders of process groups of their own, and says clearly why one could not be started."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from typing import NoReturn

from noetl.errors import ActionError, ErrorKind

Environment = Mapping[bytes, bytes]

_DEFAULT_PATH = os.defpath.encode()
#: Opens what a program without input reads from.
_NOTHING = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
#: Python ignores these two, and what is ignored stays ignored in a child: `yes | head` would never end.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)


def spawn(
    argv: list[str], environment: Environment, *, cwd: str | None, stdin: int | None, stdout: int, stderr: int
) -> int:
    """Starts a program as the leader of a new session, and so of a new process group; gives its process id.

    `argv[0]` is looked up in the PATH of `environment` unless it holds a slash. `cwd` None is the engine's own folder.
    Without `stdin` the program reads from `/dev/null`. Raises ActionError when the program cannot be started.
    """
    program = argv[0] if "/" in argv[0] else _search(argv[0], environment.get(b"PATH", _DEFAULT_PATH))
    try:
        if cwd is None:
            return _spawn_here(program, argv, environment, stdin, stdout, stderr)
        return _spawn_in(cwd, program, argv, environment, stdin, stdout, stderr)
    except OSError as error:
        if program == argv[0] or os.access(program, os.X_OK):
            _explain(error, program, cwd)
        # Gone since it was found.
        _search.cache_clear()
        return spawn(argv, environment, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr)


def _spawn_here(
    program: str, argv: list[str], environment: Environment, stdin: int | None, stdout: int, stderr: int
) -> int:
    source = _NOTHING if stdin is None else (os.POSIX_SPAWN_DUP2, stdin, 0)
    return os.posix_spawn(
        program,
        argv,
        environment,
        file_actions=[source, (os.POSIX_SPAWN_DUP2, stdout, 1), (os.POSIX_SPAWN_DUP2, stderr, 2)],
        setsid=True,
        setsigmask=(),
        setsigdef=_IGNORED,
    )


def _spawn_in(
    cwd: str, program: str, argv: list[str], environment: Environment, stdin: int | None, stdout: int, stderr: int
) -> int:
    """posix_spawn cannot change the folder; `subprocess` can, and costs less than a shell that would."""
    child = subprocess.Popen(
        argv,
        executable=program,
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    # The loop reaps the child by its id; this object must neither wait for it nor complain.
    child.returncode = 0
    return child.pid


def find_program(name: str, environment: Environment) -> str:
    """Where the program of this name is, by the PATH of `environment`. Raises ActionError when it is nowhere."""
    path = environment.get(b"PATH", _DEFAULT_PATH)
    program = _search(name, path)
    if os.access(program, os.X_OK):
        return program
    # Gone since it was found.
    _search.cache_clear()
    return _search(name, path)


@lru_cache(1024)
def _search(name: str, path: bytes) -> str:
    unusable = None
    for folder in os.fsdecode(path).split(os.pathsep):
        candidate = os.path.join(folder, name)
        if os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            unusable = unusable or candidate
    if unusable is not None:
        raise ActionError(ErrorKind.SYSTEM, "not_executable", f"program '{unusable}' is not executable")
    raise ActionError(ErrorKind.SYSTEM, "program_not_found", f"program '{name}' was not found in PATH")


def _explain(error: OSError, program: str, cwd: str | None) -> NoReturn:
    if cwd is not None and error.filename == cwd:
        message = f"folder '{cwd}' cannot be entered: {error.strerror}"
        raise ActionError(ErrorKind.PERMANENT, "bad_cwd", message) from error
    kind, code, message = (
        ErrorKind.SYSTEM,
        "spawn_failed",
        f"program '{program}' could not be started: {error.strerror}",
    )
    if isinstance(error, FileNotFoundError):
        code = "program_not_found"
        message = f"program '{program}' does not exist"
        if os.path.exists(os.path.join(cwd or "", program)):
            message = f"the interpreter that '{program}' names in its first line does not exist"
    elif isinstance(error, PermissionError):
        code, message = "not_executable", f"program '{program}' is not executable"
    elif error.errno == errno.ENOEXEC:
        message += ", a script needs a first line such as '#!/bin/sh'"
    elif error.errno == errno.E2BIG:
        # The same command will be as long the next time.
        kind = ErrorKind.PERMANENT
        message += ", large data can be given by 'stdin'"
    raise ActionError(kind, code, message) from error


def open_pipe() -> tuple[int, int]:
    """The reading and the writing end; children inherit neither unless they are given it."""
    try:
        return os.pipe()
    except OSError as error:
        raise ActionError(ErrorKind.SYSTEM, "spawn_failed", f"a pipe could not be opened: {error.strerror}") from error
