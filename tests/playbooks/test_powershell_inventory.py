from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from command import PLAYBOOKS, Command, path

import noetl

PLAYBOOK = "powershell_inventory.yaml"

needs_powershell = pytest.mark.skipif(
    not any(map(shutil.which, ("pwsh", "powershell"))),
    reason="PowerShell is not installed: neither 'pwsh' nor 'powershell' in PATH",
)


def test_it_is_a_playbook_without_problems() -> None:
    assert [problem.render() for problem in noetl.check(PLAYBOOKS / PLAYBOOK, strict=True)] == []


def test_without_powershell_the_run_says_what_is_missing(command: Command, tmp_path: Path) -> None:
    command.environment["PATH"] = str(tmp_path)
    report = command.run(PLAYBOOK, exit_code=1)

    assert path(report) == ["Look", "Missing"]
    assert (report["error"]["kind"], report["error"]["code"]) == ("user", "no_powershell")
    assert report["error"]["message"].endswith("install PowerShell 7 or newer")


@needs_powershell
def test_the_machine_is_described(command: Command) -> None:
    report = command.run(PLAYBOOK, top="3", limit="1")

    outputs = report["outputs"]
    assert path(report) == ["Look", "Judge"]
    assert outputs["system"]["name"]
    assert outputs["system"]["processors"] == os.cpu_count()
    assert outputs["system"]["asked"].endswith("Z")
    assert all(0 <= disk["used"] <= 1 and isinstance(disk["bytes"], int) for disk in outputs["disks"])
    sizes = [process["WorkingSet64"] for process in outputs["processes"]]
    assert len(sizes) == 3
    assert sizes == sorted(sizes, reverse=True)
    assert outputs["full"] == []


@needs_powershell
def test_a_full_disk_fails_a_strict_run(command: Command) -> None:
    disks = command.run(PLAYBOOK, limit="0")["outputs"]["full"]
    if not disks:
        pytest.skip("this machine has no fixed disk with anything on it")
    report = command.run(PLAYBOOK, exit_code=1, limit="0", strict="true")

    assert path(report) == ["Look", "Judge", "Refuse"]
    assert report["error"]["code"] == "disk_full"
