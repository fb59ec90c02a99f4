from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import PLAYBOOKS, Command, path


@pytest.fixture
def project(command: Command) -> Path:
    """The sample project, in the folder where the command is started."""
    shutil.copytree(PLAYBOOKS / "ci", command.folder, dirs_exist_ok=True)
    return command.folder


def spoil(project: Path, file: str, text: str) -> None:
    with open(project / file, "a") as end:
        end.write(text)


def test_the_main_branch_is_checked_built_and_deployed(command: Command, project: Path) -> None:
    report = command.run(str(project / "ci.yaml"), branch="main")

    assert path(report)[0] == "Check"
    assert sorted(path(report)[1:3]) == ["Lint", "Test"]
    assert path(report)[3:] == ["Build", "Deploy"]
    assert report["outputs"] == {"deployed": True}
    said = subprocess.run([sys.executable, project / "out/live/greeter.pyz", "Ada"], capture_output=True, check=True)
    assert said.stdout == b"Hello, Ada!\n"


def test_another_branch_is_built_and_not_deployed(command: Command, project: Path) -> None:
    report = command.run(str(project / "ci.yaml"), branch="try-this")

    assert "Deploy" not in path(report)
    assert report["outputs"] == {"deployed": False}
    assert (project / "out/greeter.pyz").exists()
    assert not (project / "out/live").exists()


@pytest.mark.parametrize(
    ("file", "text", "failed", "said"),
    [
        pytest.param("tests/test_greeter.py", "        assert False\n", ["Test"], "FAILED (failures=1)", id="tests"),
        pytest.param("greeter/__main__.py", "def\n", ["Lint"], "SyntaxError: invalid syntax", id="lint"),
        pytest.param("greeter/__init__.py", "def\n", ["Lint", "Test"], "SyntaxError: invalid syntax", id="both"),
    ],
)
def test_a_check_that_fails_stops_the_build_and_lets_the_other_finish(
    command: Command, project: Path, file: str, text: str, failed: list[str], said: str
) -> None:
    spoil(project, file, text)
    report = command.run(str(project / "ci.yaml"), exit_code=1, branch="main")

    status = {row["name"]: row["status"] for row in report["steps"]}
    assert status == {"Check": "completed"} | {
        name: "failed" if name in failed else "completed" for name in ("Lint", "Test")
    }
    assert report["error"]["code"] == "exit_code"
    assert report["error"]["step"] in failed
    assert any(row["error"]["message"].endswith(said) for row in report["steps"] if row["error"])
    assert not (project / "out").exists()


def test_the_branch_has_to_be_said(command: Command, project: Path) -> None:
    report = command.run(str(project / "ci.yaml"), exit_code=2)

    assert [problem["code"] for problem in report["problems"]] == ["missing-input"]
