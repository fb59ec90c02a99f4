"""The page on operating names every environment variable and every command."""

from __future__ import annotations

import re
from pathlib import Path

from pages import first_column, section

import noetl
from noetl.cli.commands import NAMES

PAGE = "docs/operating.md"


def test_every_environment_variable_is_explained() -> None:
    source = "\n".join(file.read_text() for file in Path(noetl.__file__).parent.rglob("*.py"))
    variables = set(re.findall(r"\bNOETL_[A-Z_]+\b", source))

    assert variables <= set(re.findall(r"NOETL_[A-Z_]+", section(PAGE, "Environment variables")))


def test_every_command_is_listed() -> None:
    assert [line.split()[1] for line in first_column(section(PAGE, "The command line")) if " " in line] == list(NAMES)
