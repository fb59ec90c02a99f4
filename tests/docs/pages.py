"""The pages of the documentation, and the fenced blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

PAGES = ["README.md", *(str(file.relative_to(ROOT)) for file in sorted((ROOT / "docs").rglob("*.md")))]

_BLOCK = re.compile(
    r"(?:^<!-- test: (?P<test>\{[^\n]*\}) -->\n+)?^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"# (?P<name>[\w./-]+\.ya?ml)\n")

_HEADER = "apiVersion: noetl.io/v1\nkind: Playbook\nname: example\n"


@dataclass(frozen=True)
class Block:
    """One fenced block; `test` is what a comment before it says about its test: `<!-- test: {error: timeout} -->`."""

    page: str
    line: int
    language: str
    text: str
    test: dict[str, Any]
    #: The next block of the page, which may show what comes of this one.
    following: Block | None = field(repr=False)

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name that the first line gives it: `# hello.yaml`."""
        found = _FILE.match(self.text)
        return None if found is None else found["name"]

    @property
    def playbook(self) -> str:
        """A whole playbook: a page may leave out the first lines, the list of steps, or the step around actions."""
        text = self.text
        if text.startswith("- ") and not text.startswith("- name:"):
            text = "- name: Work\n  run:\n" + _indented(text, 4)
        if text.startswith("- name:"):
            text = "steps:\n" + _indented(text, 2)
        return text if "apiVersion:" in text else _HEADER + text


def _indented(text: str, by: int) -> str:
    return "".join(" " * by + line if line.strip() else line for line in text.splitlines(keepends=True))


@cache
def blocks(page: str) -> tuple[Block, ...]:
    """All blocks of a page, in order."""
    text = (ROOT / page).read_text()
    found: list[Block] = []
    for match in reversed(list(_BLOCK.finditer(text))):
        inner = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        line = text.count("\n", 0, match.start("language")) + 1
        test = yaml.safe_load(match["test"]) if match["test"] else {}
        found.append(Block(page, line, match["language"], inner, test, found[-1] if found else None))
    return tuple(reversed(found))


def all_blocks(language: str) -> list[Block]:
    """The blocks of all pages in one language."""
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def prose(page: str) -> str:
    """A page without its blocks."""
    return _BLOCK.sub("", (ROOT / page).read_text())


def section(page: str, heading: str) -> str:
    """The text under a heading, up to the next one of its level or a higher one; without its blocks."""
    text = prose(page)
    found = re.search(rf"^(?P<marks>#+) {re.escape(heading)}$\n", text, re.MULTILINE)
    assert found is not None, f"{page} has no heading '{heading}'"
    end = re.compile(rf"^#{{1,{len(found['marks'])}}} ", re.MULTILINE).search(text, found.end())
    return text[found.end() : None if end is None else end.start()]


def first_column(text: str) -> list[str]:
    """The words in code marks that stand in the first column of the tables of a text."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]
