"""`noetl rerun`: what is taken over, what is not, and how that is told."""

from __future__ import annotations

import pytest
from cli_case import Case, normalised

LOADS = """
apiVersion: noetl.io/v1
kind: Playbook
name: loads
inputs: {day: {type: string, default: monday}}
steps:
  - name: Fetch
    run:
      - {action: shell, cmd: [sh, -c, "echo fetch $0 >> ledger", "{{ day }}"]}
      - {action: shell, cmd: "echo more >> ledger"}
    rule: [{case: default, run: [{step: Load}]}]
  - name: Load
    run: [{action: shell, cmd: "echo load >> ledger; test -e ready"}]
"""


@pytest.fixture
def failed(case: Case) -> str:
    """The id of a run that failed, and would not again."""
    ended = case.file("loads.yaml", LOADS).args("run", "loads.yaml", "--json", "-q").run()
    assert ended.code == 1
    (case.folder / "ready").touch()
    (case.folder / "ledger").unlink()
    return str(ended.json()["execution_id"])


def test_what_was_taken_over_is_told(case: Case, failed: str) -> None:
    ended = case.args("rerun", failed[:20]).run()
    assert (ended.code, ended.stderr) == (0, "")
    assert normalised(ended.stdout).splitlines() == [
        "CLOCK ✓ Fetch TIME (taken over) -> Load",
        "CLOCK ✓ Load TIME",
        "loads completed in TIME (2 steps, run ID)",
        "  taken over from ID: Fetch (2 actions)",
    ]
    assert (case.folder / "ledger").read_text() == "load\n"


def test_what_was_not_taken_over_is_told_with_the_reason(case: Case, failed: str) -> None:
    ended = case.args("rerun", failed, "-i", "day=tuesday", "--from-failed").run()
    assert normalised(ended.stdout).splitlines() == [
        "CLOCK ✓ Fetch TIME (partly taken over) -> Load",
        "CLOCK ✓ Load TIME",
        "loads completed in TIME (2 steps, run ID)",
        "  taken over from ID: Fetch (1 action)",
        "  not taken over: Fetch (1 action): it was given something else ('cmd')",
    ]
    ended = case.args("rerun", failed, "--from", "Fetch").run()
    assert normalised(ended.stdout).splitlines()[-2:] == [
        "  nothing was taken over from ID",
        "  not taken over: Fetch (2 actions): it began after 'Fetch'",
    ]


def test_it_is_one_object_for_programs(case: Case, failed: str) -> None:
    report = case.args("rerun", failed, "-i", "day=tuesday", "--json", "-q").run().json()
    assert report["status"] == "completed"
    assert report["rerun"] == {
        "of": failed,
        "reused": [{"step": "Fetch", "place": "Fetch.run[1]", "action": "shell"}],
        "not_reused": [
            {"step": "Fetch", "place": "Fetch.run[0]", "action": "shell", "why": "changed", "options": ["cmd"]}
        ],
    }
    assert f"  repeats run {failed}\n" in case.args("show", report["execution_id"]).run().stdout


def test_a_mended_playbook_may_take_its_place(case: Case, failed: str) -> None:
    (case.folder / "ready").unlink()
    case.file("mended.yaml", LOADS.replace("test -e ready", "true"))
    assert case.args("rerun", failed, "--with", "mended.yaml", "-q").run().code == 0
    assert (case.folder / "ledger").read_text() == "load\n"
    assert case.args("rerun", failed, "-q").run().code == 1, "without, it is the text of the old run"


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        pytest.param(["--from", "Lode"], "run 'ID' has visited no step 'Lode' (did you mean 'Load'?)\n", id="a step"),
        pytest.param(["--from", "Load", "--from-failed"], "'--from-failed' does not go with '--from'\n", id="both"),
    ],
)
def test_what_cannot_be_run_again_is_explained(case: Case, failed: str, words: list[str], stderr: str) -> None:
    ended = case.args("rerun", failed, *words).run()
    assert normalised(ended.stderr).startswith(f"error: {stderr}")
    assert (ended.stdout, ended.code) == ("", 2)
