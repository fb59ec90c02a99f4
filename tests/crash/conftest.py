"""How many crashes are tried: a sample, all of them, or a single one that failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The corpus of playbooks is the machine's.
sys.path.append(str(Path(__file__).parents[1] / "machine"))


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("crash", "simulated crashes (named on the command line: pytest tests/crash ...)")
    group.addoption("--all-crashes", action="store_true", help="a crash after every append, in every way")
    group.addoption("--crash-seed", default="1", help="what the sample of crashes is drawn from")
    group.addoption("--crash", metavar="PLAN", help="only this crash, as a failure names it")
