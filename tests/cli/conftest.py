from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("cli_case")

from cli_case import Case  # noqa: E402 - after the line above, or its assertions would not show what differs


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands under test keep their bytecode: as fast as installed ones, and leaving nothing in the checkout."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def case(tmp_path: Path, bytecode: Path) -> Case:
    return Case(tmp_path, bytecode)
