from __future__ import annotations

from pathlib import Path

import pytest
from command import PLAYBOOKS

import noetl

FILES = sorted(PLAYBOOKS.rglob("*.yaml"))


@pytest.mark.parametrize("file", [pytest.param(file, id=file.name) for file in FILES])
def test_every_shipped_playbook_is_without_problems(file: Path) -> None:
    assert [problem.render() for problem in noetl.check(file)] == []


def test_the_quick_start_is_short() -> None:
    assert len((PLAYBOOKS / "quickstart/quickstart.yaml").read_text().splitlines()) <= 70
