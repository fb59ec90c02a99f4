"""`noetl runs`, `show` and `events`: what the event log tells of runs."""

from __future__ import annotations

import json
import re

import pytest
from cli_case import Case, normalised
from sample_playbooks import FAILING, GREET, SLEEPING
from terminals import Terminal


@pytest.fixture
def past(case: Case) -> Case:
    """A folder in which one run completed and, later, one failed."""
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q", "-i", "times=2").exit(0)
    case.file("failing.yaml", FAILING).args("run", "failing.yaml", "--json").run()
    return case


def ids(case: Case) -> dict[str, str]:
    """The ids of the runs by playbook."""
    return {row["playbook"]: row["execution_id"] for row in case.args("runs", "--json").run().json()}


def test_runs_are_listed_the_newest_first(past: Case) -> None:
    past.args("runs").stdout(
        """
        ID  DATE  failed     failing TIME
        ID  DATE  completed  greet TIME
        """
    ).exit(0)


def test_json_is_a_list_of_rows(past: Case) -> None:
    ended = (
        past.args("runs", "--json")
        .stdout(
            '[{"execution_id":"ID","playbook":"failing","status":"failed","started_at":"INSTANT","key":null,"interrupted":false},'
            '{"execution_id":"ID","playbook":"greet","status":"completed","started_at":"INSTANT","key":null,"interrupted":false}]\n'
        )
        .exit(0)
    )
    assert len(ended.json()) == 2


def test_runs_may_be_chosen_by_status(past: Case) -> None:
    past.args("runs", "--status", "completed").stdout("ID  DATE  completed  greet TIME\n").exit(0)
    past.args("runs", "--status", "cancelled").stdout("").exit(0)
    past.args("runs", "--status=cancelled", "--json").stdout("[]\n").exit(0)


def test_a_limit_leaves_the_older_runs_out_and_says_so(past: Case) -> None:
    past.args("runs", "--limit", "1").stdout("ID  DATE  failed     failing TIME\n").stderr(
        "there are older runs ('--limit' shows more)\n"
    ).exit(0)
    past.args("runs", "--limit", "2").stdout(
        "ID  DATE  failed     failing TIME\nID  DATE  completed  greet TIME\n"
    ).stderr("").exit(0)
    assert len(past.args("runs", "--limit", "1", "--json").run().json()) == 1


def test_a_run_that_goes_on_is_listed_and_shown(case: Case) -> None:
    process = case.file("nap.yaml", SLEEPING).start("run", "nap.yaml", "-q")
    while not (case.folder / "pid").exists():
        assert process.poll() is None
    try:
        case.args("runs").stdout("ID  DATE  running    sleeping\n").exit(0)
        case.args("show", ids(case)["sleeping"]).stdout(
            """
            sleeping running in TIME (1 step, run ID)
              Nap  running TIME
            """
        ).exit(0)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_run_is_shown_by_its_id(past: Case) -> None:
    ended = past.args("show", ids(past)["greet"]).run()
    assert (ended.stderr, ended.code) == ("", 0)
    lines = normalised(ended.stdout).splitlines()
    assert lines[:6] == [
        "greet completed in TIME (3 steps, run ID)",
        "  greeting: hello world",
        "  said: 2",
        "  Hello  completed TIME  case 1 -> Hello",
        "  Hello  completed TIME  visit 2, case 2 -> Done",
        "  Done   completed TIME",
    ]
    assert re.fullmatch(" {11}0 ─+  TIME", lines[6])
    assert [line[:11] for line in lines[7:]] == ["  ✓ Hello  ", "  ✓ Hello  ", "  ✓ Done   "]


def test_the_timeline_is_as_wide_as_the_terminal(past: Case) -> None:
    assert max(map(len, past.args("show", ids(past)["greet"]).run().stdout.splitlines())) == 80
    with Terminal(past, "show", ids(past)["greet"], columns=100) as terminal:
        assert terminal.end() == 0
        drawn = re.sub(r"\x1b\[\d+m", "", terminal.written.decode()).splitlines()[-3:]
    assert [len(line) for line in drawn] == [100] * 3
    assert drawn[0].startswith("  ✓ Hello  ")


def test_a_failed_run_is_shown_with_its_error(past: Case) -> None:
    past.args("show", ids(past)["failing"]).stdout(
        """
        failing failed in TIME (1 step, run ID)
          error[luck]: no luck
            not today (step 'Try', action 'fail')
          Try  failed TIME: no luck ... (luck)
        """
    ).exit(0)


def test_what_is_shown_in_json_is_what_the_run_printed(case: Case) -> None:
    for name, playbook in {"greet": GREET, "failing": FAILING}.items():
        ran = case.file(f"{name}.yaml", playbook).args("run", f"{name}.yaml", "--json", "-q").run()
        shown = case.args("show", "--json", ran.json()["execution_id"]).run()
        assert (shown.stdout, shown.stderr, shown.code) == (ran.stdout, "", 0)


def test_a_run_is_shown_though_its_file_is_gone(past: Case) -> None:
    (past.folder / "greet.yaml").unlink()
    assert past.args("show", ids(past)["greet"]).run().code == 0


def test_a_playbook_on_one_line_is_shown_too(case: Case) -> None:
    text = json.dumps(
        {
            "apiVersion": "noetl.io/v1",
            "kind": "Playbook",
            "name": "short",
            "steps": [{"name": "Only", "run": [{"action": "noop"}]}],
        }
    )
    report = case.args("run", "-", "--json", "-q").stdin(text).run().json()
    assert case.args("show", report["execution_id"]).run().code == 0


@pytest.mark.parametrize("command", ["show", "events"])
def test_the_beginning_of_an_id_is_enough_where_it_is_unique(past: Case, command: str) -> None:
    whole = past.args(command, ids(past)["greet"]).run()
    assert past.args(command, ids(past)["greet"][:16].lower()).run() == whole


@pytest.mark.parametrize("command", ["show", "events"])
def test_an_id_that_nobody_or_several_have_is_explained(past: Case, command: str) -> None:
    past.args(command, "XYZ").stderr("error: the event log has no run whose id begins with 'XYZ'\n").exit(2)
    past.args(command, "0").stderr("error: '0' could be 2 runs: 'ID', 'ID'\n").exit(2)


@pytest.mark.parametrize("words", [["runs"], ["show", "01"], ["events", "01"]])
def test_where_nothing_was_run_there_is_no_event_log_and_none_is_made(case: Case, words: list[str]) -> None:
    ended = case.args(*words).run()
    assert ended.stderr.startswith("error: ")
    assert ".noetl/runs.db" in ended.stderr
    assert (ended.stdout, ended.code) == ("", 2)
    assert list(case.folder.iterdir()) == []


def test_events_are_listed_in_order(past: Case) -> None:
    ended = past.args("events", ids(past)["failing"]).run()
    first, second, third, fourth = normalised(ended.stdout).splitlines()
    assert first == (
        '     1  DATE  run.started          {"playbook":"failing","version":null,"labels":{},"attempt":1,"inputs":{},'
        '"environment":{},"context":{}}'
    )
    assert second == '     2  DATE  step.started       Try  {"visit":1}'
    error = '"error":{"kind":"permanent","code":"luck","message":"no luck\\nnot today","transient":false,"retryable":false,"step"'
    # Whole lines, however long: somebody may look for what stands at their end.
    assert third.startswith(f"     3  DATE  step.failed        Try  {{{error}")
    assert third.endswith('"details":{}}}')
    assert fourth.startswith(f'     4  DATE  run.failed           {{"outputs":{{}},{error}')
    assert fourth.endswith('"details":{}}}')


def test_events_in_json_are_one_object_a_line(past: Case) -> None:
    ended = past.args("events", "--json", ids(past)["greet"]).run()
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0].keys() == {"v", "execution_id", "seq", "at", "kind", "step", "token", "data"}
    assert {event["execution_id"] for event in events} == {ids(past)["greet"]}
    assert [event["kind"] for event in events] == [
        "run.started",
        *["step.started", "step.completed"] * 3,
        "run.completed",
    ]
    assert normalised(events[0]["at"]) == "INSTANT"


def test_many_events_are_read_piece_by_piece_and_none_is_lost(case: Case) -> None:
    report = case.file("greet.yaml", GREET).args("run", "greet.yaml", "--json", "-q", "-i", "times=3000").run().json()
    lines = case.args("events", report["execution_id"], "--json").run().stdout.splitlines()
    assert len(lines) == 2 * 3001 + 2


@pytest.mark.parametrize("words", [["runs"], ["show", "ID"], ["events", "ID"]])
def test_another_event_log_may_be_looked_into(past: Case, words: list[str]) -> None:
    greet = ids(past)["greet"]
    words = [greet if word == "ID" else word for word in words]
    here = past.args(*words).run()
    (past.folder / ".noetl").rename(past.folder / "elsewhere")
    assert past.args(*words, "--store", "elsewhere/runs.db").run() == here
    assert past.env(NOETL_STORE="sqlite:elsewhere/runs.db").args(*words).run() == here
