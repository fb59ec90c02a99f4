"""What the documentation shows of a terminal is what the commands print, and its Python is what runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Block, all_blocks, blocks

#: Where the sessions of the pages take place.
_FOLDER = "/home/ada/noetl"

#: What differs from run to run.
_VARYING = [
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "INSTANT"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d TIME(\.\d+)?\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s|min)\b|\b\d+ min \d+ s\b"), "DURATION"),
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), "ID"),
    (re.compile(r'"duration": [0-9.e-]+'), '"duration": 0'),
    (re.compile(r" {2,}"), " "),
]


def _told(text: str) -> list[str]:
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.splitlines()]


def _commands(text: str) -> list[tuple[str, str]]:
    """Each command of a block with what it prints; a line that ends with a backslash goes on."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    found = []
    for part in parts:
        command, _, output = re.sub(r"\\\n", "", part).partition("\n")
        found.append((command, output))
    return found


def _matches(printed: list[str], shown: list[str]) -> bool:
    """Whether it is the same; a line `...` stands for any lines."""
    pattern = "\n".join(".*" if line == "..." else re.escape(line) for line in shown)
    return re.fullmatch(pattern, "\n".join(printed), re.DOTALL) is not None


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.language == "console" for block in blocks(page))])
def test_the_sessions_of_a_page_go_as_shown(page: str, tmp_path: Path) -> None:
    (tmp_path / "playbooks").symlink_to(ROOT / "playbooks")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "120",
    }
    for block in blocks(page):
        if block.language == "yaml" and block.file is not None:
            (tmp_path / block.file).write_text(block.text)
        if block.language != "console":
            continue
        for command, shown in _commands(block.text):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            printed = _told(done.stdout.replace(str(tmp_path), _FOLDER))
            assert _matches(printed, _told(shown)), f"{block.id}: $ {command}\n" + "\n".join(printed)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in all_blocks("python")])
def test_python_of_a_page_runs(block: Block, tmp_path: Path) -> None:
    (tmp_path / "playbooks").symlink_to(ROOT / "playbooks")
    for name, text in block.test.get("files", {}).items():
        (tmp_path / name).write_text(text)
    subprocess.run([sys.executable, "-W", "error", "-c", block.text], cwd=tmp_path, check=True)
