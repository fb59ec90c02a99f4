"""The page on operating names every environment variable."""

from __future__ import annotations

import re
from pathlib import Path

from pages import section

import noetl

PAGE = "docs/operating.md"


def test_every_environment_variable_is_explained() -> None:
    source = "\n".join(file.read_text() for file in Path(noetl.__file__).parent.rglob("*.py"))
    variables = set(re.findall(r"\bNOETL_[A-Z_]+\b", source))

    assert variables <= set(re.findall(r"NOETL_[A-Z_]+", section(PAGE, "Environment variables")))
