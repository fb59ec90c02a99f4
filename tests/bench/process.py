"""Runs a command to its end and tells what it took. Knows nothing of what is measured."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """`wall_s` from the call to the end of the process, `cpu_s` with the processes it has waited for."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: bytes


class NotMeasured(Exception):
    """What was to be measured did not do what it should have done."""


class MemoryWatch:
    """Looks at the greatest resident size of a process now and then, while another thread waits for its end.

    What the kernel tells at the end will not do: it counts what the parent held when the process was made.
    """

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self._status = Path(f"/proc/{pid}/status")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            with contextlib.suppress(OSError):
                found = re.search(r"VmHWM:\s*(\d+) kB", self._status.read_text())
                # A process that has ended but was not waited for has none.
                if found is not None:
                    self.peak_bytes = max(self.peak_bytes, int(found[1]) * 1024)


class Commands:
    """Runs commands in an environment of their own, so that what the caller has set changes no figure.

    The bytecode of whatever they import is kept in `scratch`: a package that was installed has its bytecode, and one that runs
    from a checkout is to start as fast.
    """

    def __init__(self, scratch: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NOETL"))}
        self.environment = {**kept, "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}
        self._scratch = scratch

    def run(self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> Usage:
        """The output goes to a file, as a pipe would need a reader that takes its share of the processor."""
        captured = self._scratch / "output"
        with captured.open("wb") as output, (self._scratch / "errors").open("w+b") as errors:
            started = time.perf_counter()
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=folder,
                env={**self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
            memory = MemoryWatch(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
            memory.end()
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                errors.seek(0)
                said = errors.read().decode(errors="replace")[-2000:] or captured.read_text(errors="replace")[-2000:]
                raise NotMeasured(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{said}")
        return Usage(
            wall_s=wall_s,
            cpu_s=used.ru_utime + used.ru_stime,
            peak_bytes=memory.peak_bytes,
            output=captured.read_bytes(),
        )
