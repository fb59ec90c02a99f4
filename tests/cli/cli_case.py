"""Cases: files in a folder, a command line for the installed `noetl`, and what exactly has to come of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Self

NOETL = str(Path(sys.executable).with_name("noetl"))

_VARYING = (
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "INSTANT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?"), "DATE"),
    (re.compile(r"^\d\d:\d\d:\d\d\b", re.MULTILINE), "CLOCK"),
    (re.compile(r"\b *\d+(?:\.\d+)? m?s\b"), " TIME"),
    (re.compile(r'"(duration|elapsed)":[0-9.e-]+'), r'"\1":0'),
)


def normalised(text: str) -> str:
    """The text without what differs from run to run: ids, times and durations."""
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    stdout: str
    stderr: str
    code: int

    def json(self) -> Any:
        """The one JSON value on standard output, which ends with a line break."""
        assert self.stdout.endswith("\n")
        assert self.stdout.count("\n") == 1
        return json.loads(self.stdout)


class Case:
    """Built up call by call; `exit` runs it and compares. Nothing may be on a stream that was not announced."""

    def __init__(self, folder: Path, bytecode: Path) -> None:
        self.folder = folder
        self._words: tuple[str, ...] = ()
        self._stdin: bytes = b""
        self._stdout = ""
        self._stderr = ""
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPYCACHEPREFIX": str(bytecode),
        }

    def file(self, name: str, text: str) -> Self:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return self

    def env(self, **variables: str) -> Self:
        self.environment.update(variables)
        return self

    def args(self, *words: str) -> Self:
        self._words = words
        return self

    def stdin(self, text: str | bytes) -> Self:
        self._stdin = text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode()
        return self

    def stdout(self, text: str) -> Self:
        self._stdout = dedent(text).lstrip("\n")
        return self

    def stderr(self, text: str) -> Self:
        self._stderr = dedent(text).lstrip("\n")
        return self

    def run(self) -> Ended:
        """Run the command to its end; nothing is compared."""
        ended = subprocess.run(
            [NOETL, *self._words],
            input=self._stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.environment,
            timeout=60,
            check=False,
        )
        return Ended(ended.stdout.decode(), ended.stderr.decode(), ended.returncode)

    def exit(self, code: int) -> Ended:
        """Run the command; its output, its errors and its exit code must be exactly these."""
        ended = self.run()
        found = (normalised(ended.stdout), normalised(ended.stderr), ended.code)
        assert found == (self._stdout, self._stderr, code)
        return ended

    def start(self, *words: str, **streams: Any) -> subprocess.Popen[bytes]:
        """Start the command and leave it running; its streams are pipes unless they are given."""
        pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([NOETL, *words], cwd=self.folder, env=self.environment, **{**pipes, **streams})
