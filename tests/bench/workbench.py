"""Where measurements are made: a scratch folder, the installed command, the floors, and the log that a run leaves."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from process import Commands, NotMeasured, Usage

FLOORS = Path(__file__).with_name("floors.py")
IN_PROCESS = Path(__file__).with_name("in_process.py")


class Workbench:
    """Everything happens in `scratch`; each run of the command starts in a folder without an event log."""

    def __init__(self, scratch: Path, turns: int) -> None:
        self.scratch = scratch
        self.turns = turns
        self._commands = Commands(scratch)
        self._noetl = Path(sys.executable).with_name("noetl")
        self._working_folder = scratch / "work"

    def file(self, name: str, text: str) -> Path:
        path = self.scratch / name
        path.write_text(text)
        return path

    def run(self, playbook: Path, *, events: int, steps: int) -> Usage:
        """`noetl run --json` of a playbook, with the defaults; checks what it printed and what it logged."""
        folder = self._fresh_folder()
        usage = self._commands.run([self._noetl, "run", playbook, "--json"], folder)
        report = json.loads(usage.output)
        if report["status"] != "completed" or len(report["steps"]) != steps:
            raise NotMeasured(f"{playbook.stem}: {report['status']} after {len(report['steps'])} of {steps} steps")
        logged = _count_events(folder / ".noetl" / "runs.db", report["execution_id"])
        if logged != events:
            raise NotMeasured(f"{playbook.stem}: {logged} events were logged, not {events}")
        return usage

    def validate(self, playbook: Path) -> Usage:
        return self._commands.run([self._noetl, "validate", playbook], self._fresh_folder())

    def floor(self, name: str, *arguments: object) -> Usage:
        # -P keeps this folder out of where the floor looks for modules.
        return self._commands.run([sys.executable, "-P", FLOORS, name, *map(str, arguments)], self._fresh_folder())

    def python(self, code: str) -> Usage:
        return self._commands.run([sys.executable, "-c", code], self._fresh_folder())

    def in_process(self, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What `in_process.py` tells of runs that it makes through the library."""
        command = [sys.executable, IN_PROCESS, *map(str, arguments)]
        told: dict[str, Any] = json.loads(self._commands.run(command, self._fresh_folder(), environment).output)
        return told

    def _fresh_folder(self) -> Path:
        shutil.rmtree(self._working_folder, ignore_errors=True)
        self._working_folder.mkdir()
        return self._working_folder


def _count_events(log: Path, execution_id: str) -> int:
    """All but those about progress, which come when some time has gone by."""
    with closing(sqlite3.connect(log)) as connection:
        count, last, told = connection.execute(
            "SELECT count(*), max(seq), sum(kind = 'action.progress') FROM events WHERE execution_id = ?",
            (execution_id,),
        ).fetchone()
    if count != last:
        raise NotMeasured(f"the log holds {count} events, of which the last is number {last}")
    return int(count - told)
