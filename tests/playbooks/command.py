"""The installed command `noetl`, used in a folder as a user would use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"


class Command:
    """`folder` is where it is started; `environment` is added to that of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {}

    def run(self, playbook: str, *, exit_code: int = 0, **inputs: str) -> dict[str, Any]:
        """`noetl run --json`: what it prints."""
        given = [word for name, value in inputs.items() for word in ("-i", f"{name}={value}")]
        done = self.noetl("run", str(PLAYBOOKS / playbook), "--json", *given)
        assert done.returncode == exit_code, done.stdout + done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def noetl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("noetl"), *words],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )


def path(report: dict[str, Any]) -> list[str]:
    """The steps of a report, in order of start."""
    return [row["name"] for row in report["steps"]]
