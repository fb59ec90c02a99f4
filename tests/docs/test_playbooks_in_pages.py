"""Every YAML block of the documentation is a playbook that runs, or one that has exactly the problems it shows."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import Block, all_blocks, blocks
from shop_server import ADDRESS, TOKEN, Shop

import noetl
from noetl.codes import PROBLEMS

_MARK = re.compile(r"# <- (?P<codes>[a-z][a-z, -]*)$")


def _blocks(wrong: bool) -> list[Any]:
    return [
        pytest.param(block, id=block.id)
        for block in all_blocks("yaml")
        if (block.page == "docs/errors.md" and "# <- " in block.text) == wrong
    ]


def _marked(text: str) -> list[tuple[int, str]]:
    """The lines that should have a problem, and its code: `# <- unknown-step`."""
    found = [(number, _MARK.search(line)) for number, line in enumerate(text.splitlines(), 1)]
    return [(number, code) for number, mark in found if mark for code in mark["codes"].split(", ")]


@pytest.mark.parametrize("block", _blocks(wrong=True))
def test_a_wrong_playbook_has_the_problems_it_shows(block: Block) -> None:
    problems = noetl.check(block.playbook, strict=block.test.get("strict", False))

    assert sorted((problem.span.line, problem.code) for problem in problems) == sorted(_marked(block.playbook))
    assert {problem.code for problem in problems if problem.severity == "warning"} == {
        problem.code for problem in problems if PROBLEMS[problem.code].warning
    }


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as server:
        yield server


@pytest.mark.parametrize("block", _blocks(wrong=False))
def test_a_playbook_runs_as_its_page_says(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop: Shop
) -> None:
    _write_files(tmp_path, block)
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    for name, value in block.test.get("env", {}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    invalid = any(problem.severity == "error" for problem in noetl.check(block.playbook))
    assert invalid == block.test.get("invalid", False)
    if block.file is not None:
        # A session of the page runs it.
        assert any(block.file in other.text for other in blocks(block.page) if other.language == "console")
        return
    if block.test.get("check") or not all(map(shutil.which, block.test.get("needs", ()))):
        return
    report = asyncio.run(_run(block, tmp_path, shop))

    assert (report.error or {}).get("code") == block.test.get("error")
    if block.following is not None and block.following.language == "json":
        assert report.outputs == json.loads(block.following.text)


async def _run(block: Block, folder: Path, shop: Shop) -> noetl.Report:
    (folder / "playbook.yaml").write_text(block.playbook.replace(ADDRESS, shop.url))
    async with noetl.Engine(working_folder=folder) as engine:
        run = await engine.start(engine.load(folder / "playbook.yaml"), block.test.get("inputs", {}))
        for event, data in block.test.get("signals", {}).items():
            run.signal(event, data)
        return await run.result()


def _write_files(folder: Path, block: Block) -> None:
    for name, text in block.test.get("files", {}).items():
        (folder / name).write_text(text)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in all_blocks("yml")])
def test_yaml_of_another_program_is_yaml(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), (dict, list))


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in all_blocks("py")])
def test_python_for_another_program_is_python(block: Block) -> None:
    assert ast.parse(block.text).body
