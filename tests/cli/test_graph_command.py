"""`noetl graph`: what is drawn, where it is written, and what is refused."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from cli_case import Case
from sample_playbooks import BROKEN, FAILING, GREET

from noetl.drawing.wording import TIMES

GREET_MERMAID = """\
---
title: "greet"
---
flowchart TD
  start(["start"]):::startNode
  s0("Hello<br/>set"):::stepNode
  s1("Done<br/>log"):::stepNode
  e1(["end"]):::endNode
  start --> s0
  s0 -->|"1: said #60; times"| s0
  s0 -->|"2: default"| s1
  s1 --> e1
  classDef startNode fill:#57606a,stroke:#57606a,color:#ffffff
  classDef stepNode fill:#eef4ff,stroke:#4f74c8,color:#1b2c52
  classDef endNode fill:#ffffff,stroke:#57606a,color:#57606a
"""


def run_id(case: Case) -> str:
    """The id of the newest run."""
    return str(case.args("runs", "--json").run().json()[0]["execution_id"])


def test_a_playbook_is_drawn_for_mermaid_unless_something_else_is_asked_for(case: Case) -> None:
    case.file("greet.yaml", GREET).args("graph", "greet.yaml").stdout(GREET_MERMAID).exit(0)
    case.args("graph", "greet.yaml", "-o", "-").exit(0)
    case.args("graph", "-").stdin(GREET).exit(0)


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        pytest.param("a.mmd", "---\n", id="mmd"),
        pytest.param("a.mermaid", "---\n", id="mermaid"),
        pytest.param("a.dot", 'digraph "greet" {\n', id="dot"),
        pytest.param("a.gv", 'digraph "greet" {\n', id="gv"),
        pytest.param("a.SVG", "<svg ", id="svg"),
    ],
)
def test_the_ending_of_the_output_says_the_format(case: Case, name: str, begin: str) -> None:
    case.file("greet.yaml", GREET).args("graph", "greet.yaml", "-o", name).exit(0)
    assert (case.folder / name).read_text(encoding="utf-8").startswith(begin)


def test_the_option_wins_over_the_ending(case: Case) -> None:
    case.file("greet.yaml", GREET).args("graph", "greet.yaml", "--format", "mermaid", "-o", "a.svg").exit(0)
    assert (case.folder / "a.svg").read_text() == GREET_MERMAID
    ended = case.args("graph", "greet.yaml", "--format=svg").run()
    assert ElementTree.fromstring(ended.stdout).tag.endswith("svg")


def test_a_run_is_drawn_with_its_own_text(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q", "-i", "times=3").exit(0)
    (case.folder / "greet.yaml").unlink()
    ended = case.args("graph", "--run", run_id(case)[:20].lower()).run()
    assert (ended.stderr, ended.code) == ("", 0)
    assert 's0("Hello<br/>set<br/>3 visits, ' in ended.stdout
    assert f"1: said #60; times<br/>2{TIMES} " in ended.stdout


def test_a_text_that_has_changed_since_the_run_is_told(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    assert case.args("graph", "greet.yaml", "--run", run_id(case)).run().stderr == ""
    case.file("greet.yaml", GREET.replace("Done", "Over"))
    ended = case.args("graph", "greet.yaml", "--run", run_id(case)).run()
    assert ended.stderr == "warning: 'greet.yaml' is not the text that the run had, which is what is drawn\n"
    assert "Over" not in ended.stdout


def test_a_failed_run_is_drawn_too(case: Case) -> None:
    case.file("failing.yaml", FAILING).args("run", "failing.yaml", "-q").run()
    ended = case.args("graph", "--run", run_id(case), "--store", ".noetl/runs.db").run()
    assert '(["fails"]):::failedNode' in ended.stdout


@pytest.mark.parametrize(
    ("words", "error"),
    [
        pytest.param([], "the argument FILE is missing", id="nothing to draw"),
        pytest.param(
            ["greet.yaml", "-o", "a.png"],
            "'a.png' does not say in which format to draw (give '--format', or one of .mmd, .mermaid, .dot, .gv, .svg)",
            id="unknown ending",
        ),
        pytest.param(
            ["greet.yaml", "-o", "no/a.svg"], "'no/a.svg' cannot be written: No such file or directory", id="no folder"
        ),
        pytest.param(
            ["greet.yaml", "--format", "png"],
            "option '--format' does not take 'png' (it takes mermaid, dot, svg)",
            id="unknown format",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(case: Case, words: list[str], error: str) -> None:
    case.file("greet.yaml", GREET).args("graph", *words).stderr(
        f"error: {error}\n'noetl graph --help' tells more\n"
    ).exit(2)


def test_a_run_that_is_not_there_is_refused(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    ended = case.args("graph", "--run", "XYZ").run()
    assert (ended.stdout, ended.code) == ("", 2)
    assert "XYZ" in ended.stderr


def test_a_playbook_with_errors_is_not_drawn(case: Case) -> None:
    ended = case.file("broken.yaml", BROKEN).args("graph", "broken.yaml", "-o", "a.svg").run()
    assert (ended.stdout, ended.code) == ("", 2)
    assert "error[unknown-step]: step 'Finnish' is not defined" in ended.stderr
    assert not (case.folder / "a.svg").exists()
