"""What a program in a worker process finds around it: always the same, whatever an earlier program did."""

from __future__ import annotations

import contextlib
import os
import posix
import signal
import sys
from collections.abc import Iterator, Mapping
from types import FrameType, ModuleType
from typing import Any

from noetl.actions.program import search_path

#: How the file names of modules in machine code end.
_EXTENSIONS = (".so", ".dylib")


class Terminated(SystemExit):
    """Raised by SIGTERM, so that the `finally` of the user's code still runs."""


def terminate(number: int, frame: FrameType | None) -> None:
    """Handles SIGTERM."""
    raise Terminated(128 + number)


def _obey_sigterm() -> None:
    """In a forked child SIGTERM does what it does everywhere: `multiprocessing` ends its processes with it."""
    if signal.getsignal(signal.SIGTERM) is terminate:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class WorkerState:
    """Of one worker process: what is restored is as it was when this was made."""

    def __init__(self) -> None:
        self._environment = dict(posix.environ)
        self._path = list(sys.path)
        self._umask = os.umask(0)
        os.umask(self._umask)
        self._local_folders: list[str] = []
        self._known_modules = set(sys.modules)
        self._has_extensions = False
        signal.signal(signal.SIGTERM, terminate)
        os.register_at_fork(after_in_child=_obey_sigterm)

    def restore(self, request: Mapping[str, Any]) -> None:
        """Undoes what an earlier program changed, and sets the scene for this one."""
        signal.signal(signal.SIGTERM, terminate)
        os.umask(self._umask)
        os.chdir(request["working_folder"])
        os.environ["NOETL_IDEMPOTENCY_KEY"] = request["key"]
        self._environment[b"NOETL_IDEMPOTENCY_KEY"] = request["key"].encode()
        if posix.environ != self._environment:
            os.environb.clear()
            os.environb.update(self._environment)
        self._local_folders = search_path(request)
        sys.path[:] = [*self._local_folders, *self._path]
        for folder in self._local_folders:
            # A module may just have been written, and the cached listing of its folder not show it.
            sys.path_importer_cache.pop(folder, None)
        sys.argv[:] = [request["name"]]
        _forget_log_handlers()

    def _look_over_new_modules(self) -> None:
        """Forgets those beside the playbook: they may change, hold state, or be named as another playbook's are."""
        for name in sys.modules.keys() - self._known_modules:
            module = sys.modules[name]
            if not name.startswith("noetl.") and self._is_local(module):
                del sys.modules[name]
            else:
                self._known_modules.add(name)
                self._has_extensions = self._has_extensions or _file(module).endswith(_EXTENSIONS)

    def _is_local(self, module: ModuleType) -> bool:
        file = _file(module)
        # Extension modules bear no second import; what is installed below a playbook's folder is not the playbook's.
        return not file.endswith(_EXTENSIONS) and any(
            _is_below(file, folder) and not any(_is_below(file, path) and path != folder for path in self._path)
            for folder in self._local_folders
        )

    @contextlib.contextmanager
    def speaking_through(self, stdout: int, stderr: int) -> Iterator[None]:
        """Standard output and error of this process, on every level, are these pipes, which are closed at the end."""
        for pipe, fd in ((stdout, 1), (stderr, 2)):
            os.dup2(pipe, fd)
            os.close(pipe)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(1, "w", 1, "utf-8", "backslashreplace", closefd=False)
        sys.stderr = os.fdopen(2, "w", 1, "utf-8", "backslashreplace", closefd=False)
        streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
        try:
            yield
        finally:
            for stream in (*streams, sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    if stream is not None:
                        stream.flush()
            if len(sys.modules) != len(self._known_modules):
                self._look_over_new_modules()
            if self._has_extensions:
                _flush_c_streams()
            silence(0, 1, 2)


def _flush_c_streams() -> None:
    """What extension modules print stays in the C library's buffer until then."""
    with contextlib.suppress(ImportError):
        import ctypes

        ctypes.CDLL(None).fflush(None)


def silence(*fds: int) -> None:
    """Points descriptors at `/dev/null`."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in fds:
        os.dup2(null, fd)
    if null not in fds:
        os.close(null)


def _forget_log_handlers() -> None:
    logging = sys.modules.get("logging")
    if logging is not None:
        root = logging.getLogger()
        root.handlers.clear()
        root.setLevel(logging.WARNING)


def _file(module: ModuleType) -> str:
    """Where a module comes from; of a package without `__init__`, its folder."""
    return str(getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), ""))


def _is_below(file: str, folder: str) -> bool:
    return file.startswith(folder.rstrip("/") + "/")
