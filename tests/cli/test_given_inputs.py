"""The inputs of `noetl run`: texts by `-i`, values by `--inputs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_case import Case

ECHO = """
apiVersion: noetl.io/v1
kind: Playbook
name: echo
inputs:
  count: {type: integer, default: 1}
  ratio: {type: number}
  on: {type: boolean}
  label: {type: string}
  list: {type: array}
  map: {type: object}
  any: {}
steps:
  - {name: Only, run: [{action: noop}]}
outputs:
  all: "{{ inputs }}"
"""

NOTHING: dict[str, Any] = dict.fromkeys(("ratio", "on", "label", "list", "map", "any")) | {"count": 1}


def given(case: Case, *words: str) -> dict[str, Any]:
    ended = case.file("echo.yaml", ECHO).args("run", "echo.yaml", "--json", "-q", *words).run()
    assert ended.code == 0, ended.stdout
    found = ended.json()["outputs"]["all"]
    return {name: value for name, value in found.items() if value != NOTHING[name]}


@pytest.mark.parametrize(
    ("words", "values"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(["-i", "count=5"], {"count": 5}, id="integer"),
        pytest.param(["-icount=5"], {"count": 5}, id="attached"),
        pytest.param(["--input=count=5"], {"count": 5}, id="long with equals"),
        pytest.param(["-i", "ratio=0.5", "-i", "on=true"], {"ratio": 0.5, "on": True}, id="several"),
        pytest.param(["-i", "label=5"], {"label": "5"}, id="text stays text"),
        pytest.param(["-i", "label=a=b = c"], {"label": "a=b = c"}, id="further equals signs"),
        pytest.param(["-i", "label="], {"label": ""}, id="empty"),
        pytest.param(["-i", "label={{ 1 + 1 }}"], {"label": "{{ 1 + 1 }}"}, id="no template"),
        pytest.param(["-i", 'list=[1, "a"]'], {"list": [1, "a"]}, id="list"),
        pytest.param(["-i", 'map={"a": 1}'], {"map": {"a": 1}}, id="mapping"),
        pytest.param(["-i", "any=5"], {"any": "5"}, id="without a type"),
        pytest.param(["-i", "count=1", "-i", "count=2"], {"count": 2}, id="the last wins"),
    ],
)
def test_a_text_is_read_as_the_type_of_its_input(case: Case, words: list[str], values: dict[str, Any]) -> None:
    assert given(case, *words) == values


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("inputs.yaml", "count: 5\nlabel: '7'\nlist: [on, 1]\n", id="YAML"),
        pytest.param("inputs.json", '{"count": 5, "label": "7", "list": ["on", 1]}', id="JSON"),
        pytest.param("marked.json", '\ufeff{"count": 5, "label": "7", "list": ["on", 1]}', id="byte order mark"),
    ],
)
def test_a_file_gives_values_as_they_are(case: Case, name: str, content: str) -> None:
    case.file(name, content)
    assert given(case, "--inputs", name) == {"count": 5, "label": "7", "list": ["on", 1]}


def test_a_text_in_a_file_is_not_read_as_a_number(case: Case) -> None:
    case.file("inputs.yaml", "count: '5'\n").file("echo.yaml", ECHO)
    ended = case.args("run", "echo.yaml", "--inputs", "inputs.yaml").run()
    assert "error[bad-input]: input 'count' must be an integer, got the text '5'" in ended.stderr
    assert ended.code == 2


def test_texts_and_values_may_be_mixed(case: Case) -> None:
    case.file("inputs.yaml", "label: '7'\n")
    assert given(case, "--inputs", "inputs.yaml", "-i", "count=6") == {"label": "7", "count": 6}


def test_standard_input_gives_values_for_a_dash(case: Case) -> None:
    case.stdin('{"count": 7}')
    assert given(case, "--inputs", "-") == {"count": 7}


def test_a_single_input_wins_over_the_file(case: Case) -> None:
    case.file("inputs.yaml", "count: 5\nratio: 2\n")
    assert given(case, "--inputs", "inputs.yaml", "-i", "count=6") == {"count": 6, "ratio": 2}


def test_a_playbook_from_standard_input_runs(case: Case) -> None:
    ended = case.args("run", "-", "--json", "-q", "-i", "count=3").stdin(ECHO).run()
    assert ended.json()["outputs"]["all"]["count"] == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["-i", "count"], "error: an input is given as '-i KEY=VALUE', got 'count'", id="no value"),
        pytest.param(["-i", "=5"], "error: an input is given as '-i KEY=VALUE', got '=5'", id="no key"),
        pytest.param(["-i", "cuont=5"], "error[unknown-input]: the playbook has no input 'cuont'", id="unknown"),
        pytest.param(["-i", "count=x"], "error[bad-input]: input 'count' must be an integer", id="wrong type"),
        pytest.param(["--inputs", "list.yaml"], "must be a mapping of names to values, got a list", id="list"),
        pytest.param(["--inputs", "empty.yaml"], "must be a mapping of names to values, got nothing", id="empty"),
        pytest.param(["--inputs", "bad.yaml"], "bad.yaml:1:4: error[yaml-syntax]", id="syntax"),
        pytest.param(["--inputs", "twice.yaml"], "twice.yaml:2:1: error[duplicate-key]", id="duplicate key"),
        pytest.param(["--inputs", "absent.yaml"], "cannot be read: no such file or directory", id="missing"),
        pytest.param(["--inputs", "."], "cannot be read: is a directory", id="folder"),
        pytest.param(["--inputs", "bytes.yaml"], "bytes.yaml:1:1: error[yaml-syntax]", id="binary"),
        pytest.param(["--inputs", "-", "--", "-"], "cannot both be read from standard input", id="two from stdin"),
    ],
)
def test_wrong_inputs_are_explained_and_nothing_is_run(case: Case, words: list[str], sentence: str) -> None:
    case.file("echo.yaml", ECHO).file("list.yaml", "[1]").file("empty.yaml", "").file("bad.yaml", "a: [1\n")
    case.file("twice.yaml", "count: 1\ncount: 2\n")
    Path(case.folder / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    file = [] if "--" in words else ["echo.yaml"]
    ended = case.args("run", *file, *words).run()
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (ended.stdout, ended.code) == ("", 2)
    as_json = case.args("run", *file, "--json", *words).run()
    assert as_json.json()["status"] == "invalid"
    assert as_json.json()["problems"][0]["severity"] == "error"
    assert (as_json.stderr, as_json.code) == ("", 2)


def test_a_closed_standard_input_is_empty(case: Case) -> None:
    case.file("echo.yaml", ECHO)
    process = case.start("run", "echo.yaml", "--inputs", "-", stdin=None, preexec_fn=_close_stdin)
    _, stderr = process.communicate(timeout=30)
    assert b"the inputs in '<stdin>' must be a mapping of names to values, got nothing" in stderr
    assert process.returncode == 2


def _close_stdin() -> None:
    import os

    os.close(0)
