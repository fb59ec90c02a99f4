from __future__ import annotations

import re
from pathlib import Path

import pytest
from command import PLAYBOOKS

import noetl

FILES = sorted(PLAYBOOKS.rglob("*.yaml"))


@pytest.mark.parametrize("file", [pytest.param(file, id=file.name) for file in FILES])
def test_every_shipped_playbook_is_without_problems(file: Path) -> None:
    assert [problem.render() for problem in noetl.check(file, strict=True)] == []


def test_the_quick_start_is_short() -> None:
    assert len((PLAYBOOKS / "quickstart/quickstart.yaml").read_text().splitlines()) <= 70


def test_every_playbook_is_listed_with_its_command() -> None:
    listed = (PLAYBOOKS / "README.md").read_text()
    for file in FILES:
        place = file.relative_to(PLAYBOOKS)
        assert re.search(rf"\| \[{file.stem}\]\({place}\) .*`[^`]*noetl run \S*{file.name}", listed), place
