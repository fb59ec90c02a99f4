"""The data folder of an embedded Postgres and the server process on it. Whoever calls makes sure that nobody else does.

Its socket is in the private data folder, and is the only way to it. Everything here blocks.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noetl.postgres.installation import Installation, embedded_failed, find_installation

USER = DATABASE = "postgres"
PORT = 5432
#: A start may have to recover from a crash first.
_START_S = 120.0
_STOP_S = 60.0
_POLL_S = 0.005
_LOG_BYTES = 1 << 20
_IS_LINUX = sys.platform == "linux"
#: No process has this id on any system.
_NO_PID = 1 << 22
#: What the server says while processes of a killed predecessor still end.
_SURVIVORS = "still in use"
#: In the log: why the server ended, and not why it sent somebody away.
_END = re.compile(r" (FATAL|PANIC):  (?!the database system is)")
_SETTINGS = {
    "listen_addresses": "",
    # Relative to the data folder.
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "log_min_messages": "warning",
    # A failed statement may hold what nobody should find in a log.
    "log_min_error_statement": "panic",
}


class Cluster:
    """One data folder, `data` in `folder`, beside the log of its server."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._new_data = folder / "data.new"
        self._log = folder / "log"

    def ensure_running(self) -> None:
        """Starts the server, and makes the data folder, where that is needed. Raises ActionError."""
        deadline = time.monotonic() + _START_S
        started: int | None = None
        while not self._answers():
            if self._postmaster() is None and (started is None or not _works_in(started, self.data)):
                words = self._last_words()
                if started is not None and _SURVIVORS not in words:
                    raise embedded_failed(f"the embedded Postgres did not start: {words}")
                started = self._start()
            if time.monotonic() > deadline:
                raise embedded_failed(
                    f"the embedded Postgres does not answer after {_START_S:g} s: {self._last_words()}"
                )
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Ends the server, if it runs, and the sessions that are left."""
        pid = self._postmaster()
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _STOP_S
        while _works_in(pid, self.data) and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _answers(self) -> bool:
        """Whether the server takes connections: one that starts, recovers or stops refuses them."""
        body = struct.pack("!i", 3 << 16) + f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
        try:
            with short_path(self.data) as folder, socket.socket(socket.AF_UNIX) as dialled:
                dialled.settimeout(_START_S)
                dialled.connect(f"{folder}/.s.PGSQL.{PORT}")
                dialled.sendall(struct.pack("!i", len(body) + 4) + body)
                answer = dialled.recv(4096)
                dialled.sendall(b"X\0\0\0\4")
        except OSError:
            return False
        return bool(answer) and b"C57P03\0" not in answer

    def _postmaster(self) -> int | None:
        """The process id of the server of this folder, as far as this machine can tell."""
        pid = self._recorded_pid()
        return pid if pid is not None and _works_in(pid, self.data) else None

    def _recorded_pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text().partition("\n")[0])
        except (FileNotFoundError, ValueError):
            return None

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _start(self) -> int:
        installation = find_installation(self.data)
        if not self.data.exists():
            self._make(installation)
        self._disown_remains()
        program = str(installation.programs / "postgres")
        server = [program, "-D", _from_inside(self.data, installation), "-p", str(PORT)]
        too_long = self._log.exists() and self._log.stat().st_size > _LOG_BYTES
        with open(self._log, "wb" if too_long else "ab") as log:
            # The shell ends at once, so that the server is nobody's child and outlives whoever started it.
            shell = subprocess.run(
                ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *server],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.data,
                env=_environment(),
                umask=0o077,
                start_new_session=True,
                **installation.identity,
            )
        return int(shell.stdout)

    def _make(self, installation: Installation) -> None:
        # Made aside and then renamed, so that one that is half made is never taken for a whole one.
        shutil.rmtree(self._new_data, ignore_errors=True)
        self._new_data.mkdir(mode=0o700)
        if installation.uid is not None:
            os.chown(self._new_data, installation.uid, -1)
        initdb = subprocess.run(
            [
                str(installation.programs / "initdb"),
                f"--pgdata={_from_inside(self._new_data, installation)}",
                f"--username={USER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                *(f"--set={name}={value}" for name, value in _SETTINGS.items()),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=self._new_data,
            env=_environment(),
            start_new_session=True,
            **installation.identity,
        )
        if initdb.returncode != 0:
            raise embedded_failed(f"the embedded Postgres could not make '{self.data}': {initdb.stderr.strip()}")
        self._new_data.rename(self.data)

    def _disown_remains(self) -> None:
        """Keeps a server from being taken for alive whose process id another program, or nobody's zombie, has now.

        Only the number is changed: the rest lets Postgres find processes of a killed server that still use the data.
        """
        (self.data / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        pid = self._recorded_pid()
        if pid is not None and _is_alive(pid):
            _, _, rest = self._pid_file.read_text().partition("\n")
            self._pid_file.write_text(f"{_NO_PID}\n{rest}")

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "it has no log"
        ends = [index for index, line in enumerate(lines) if _END.search(line)]
        return " ".join(line.strip() for line in lines[ends[-1] if ends else -1 :][:3]) or "its log is empty"


@contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """A path to a folder that is short while this lasts: the path of a socket has no more than about 100 bytes."""
    if not _IS_LINUX:
        yield str(folder)
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}"
    finally:
        os.close(opened)


def _from_inside(folder: Path, installation: Installation) -> str:
    """How a program that works in a folder names it.

    A user who runs the server in place of root may not be let through the folders above, but is in its working folder.
    """
    return "/proc/self/cwd" if _IS_LINUX and installation.uid is not None else str(folder)


def _works_in(pid: int, folder: Path) -> bool:
    """Whether a live process, and not what a parent has yet to reap, belongs to the server of this folder."""
    if _IS_LINUX:
        try:
            return os.readlink(f"/proc/{pid}/cwd") == os.path.realpath(folder)
        except OSError:
            return False
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return str(folder) in subprocess.run(command, capture_output=True, text=True).stdout


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _environment() -> dict[str, str]:
    """Without the secrets of ours, and without settings of other Postgres servers."""
    kept = ("PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {"LC_ALL": "C"} | {name: os.environ[name] for name in kept if name in os.environ}
