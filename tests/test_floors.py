"""The floors of docs/architecture.md, as the import contract in pyproject.toml has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_floor_imports_only_floors_below_it() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
