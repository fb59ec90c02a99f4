"""Errors of a script in a playbook: they point at the character where the script's own line has it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from standing_in import put_stand_in

import noetl

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: p\nsteps:\n  - name: A\n    run:\n"


def failing(line: int = 1) -> str:
    """A script that fails at its own line, where that begins."""
    return f"say(dict(failed=fault('no', {line}, column=1)))"


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(f"      - action: powershell\n        script: |\n          {failing()}\n", id="block"),
        pytest.param(f"      - action: powershell\n        script: |\n\n\n          {failing(3)}\n", id="blank-lines"),
        pytest.param(f"      - action: powershell\n        script: |1\n         {failing()}\n", id="given-indent"),
        pytest.param(f"      - action: powershell\n        script: {failing()}\n", id="plain"),
        pytest.param(f'      - {{action: powershell, script: "{failing()}"}}\n', id="quoted"),
    ],
)
def test_an_error_is_where_the_line_of_the_script_begins(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{put_stand_in(tmp_path / 'bin')}:/usr/bin:/bin")
    file = tmp_path / "p.yaml"
    file.write_text(HEAD + action)

    report = asyncio.run(noetl.arun(file))

    assert report.error is not None
    assert report.error["code"] == "script_error", report.error
    place = report.error["details"]
    assert place["file"] == str(file)
    assert (HEAD + action).splitlines()[place["line"] - 1][place["column"] - 1 :].startswith("say(")
