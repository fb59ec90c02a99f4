"""`pause`, `resume`, `cancel`, `signal`, `recover` and `run --key`: a run in one process, controlled from another."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from cli_case import Case, normalised
from terminals import Terminal

#: Does a step that can be undone, then waits for an event.
GATE = """
apiVersion: noetl.io/v1
kind: Playbook
name: gate
tasks:
  - {name: undo, run: [{action: shell, cmd: "echo undone >> ledger"}]}
steps:
  - name: First
    run: [{action: shell, cmd: "echo first >> ledger", compensate: undo}]
    rule: [{case: default, run: [{step: Ask}]}]
  - name: Ask
    run: [{action: wait, event: go, as: answer}]
outputs: {answer: "{{ answer }}"}
"""

#: Sleeps until there is a file, in a process of its own.
SLEEPER = """
apiVersion: noetl.io/v1
kind: Playbook
name: sleeper
steps:
  - name: Sleep
    run: [{action: shell, cmd: "echo begun >> ledger; while ! test -e ready; do sleep 0.05; done; echo ended >> ledger"}]
"""

#: Waits for an event, then does four things, of which no two may go on at once.
CROWD = """
apiVersion: noetl.io/v1
kind: Playbook
name: crowd
steps:
  - name: Ask
    run: [{action: wait, event: go}]
    rule: [{case: default, run: [{step: Crowd}]}]
  - name: Crowd
    run: [{action: shell, cmd: "mkdir alone && sleep 0.1 && rmdir alone", loop: {items: 4, parallel: 4}}]
"""

AGAIN = """
apiVersion: noetl.io/v1
kind: Playbook
name: flaky
on_error: {retry: {attempts: 2, delay: 1ms, on: [exit_code]}}
steps:
  - name: Try
    run: [{action: shell, cmd: "test -e once || { touch once; exit 1; }"}]
"""


def rows(case: Case) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = case.args("runs", "--json").run().json()
    return found


def kinds(case: Case, execution_id: str) -> list[str]:
    ended = case.args("events", execution_id).run()
    return [line.split()[3] for line in ended.stdout.splitlines()]


@contextmanager
def going_on(case: Case, *words: str, until: str = "Ask") -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A run in a process of its own that has come to a step, and its id."""
    log = case.folder / ".noetl/runs.db"
    before = len(rows(case)) if log.exists() else 0
    process = case.start("run", *words)
    try:
        while not log.exists():
            assert process.poll() is None
            time.sleep(0.02)
        while (
            len(found := rows(case)) == before
            or until not in case.args("events", found[0]["execution_id"]).run().stdout
        ):
            assert process.poll() is None
            time.sleep(0.02)
        yield process, found[0]["execution_id"]
    finally:
        process.kill()
        process.communicate(timeout=30)


@pytest.fixture
def gate(case: Case) -> Case:
    return case.file("gate.yaml", GATE)


@pytest.fixture
def lost(gate: Case) -> str:
    """The id of a run whose process was killed."""
    with going_on(gate, "gate.yaml") as (process, execution_id):
        process.send_signal(signal.SIGKILL)
    return execution_id


def test_a_run_is_paused_signalled_and_resumed_from_another_process(gate: Case) -> None:
    with going_on(gate, "gate.yaml") as (process, execution_id):
        gate.args("pause", execution_id, "--reason", "lunch").stdout(
            "run ID is paused (what runs may come to its end)\n"
        ).exit(0)
        assert [row["status"] for row in rows(gate)] == ["paused"]
        gate.args("pause", execution_id).stdout("run ID was paused already\n").exit(0)
        gate.args("signal", execution_id, "go", "--data", '{"by": "Ada"}').stdout("run ID has got 'go'\n").exit(0)
        gate.args("resume", execution_id)
        assert gate.run().stdout.startswith(f"run {execution_id} goes on: process {process.pid} on '")
        stdout, stderr = process.communicate(timeout=30)

    assert (process.returncode, stderr) == (0, b"")
    lines = normalised(stdout.decode()).splitlines()
    assert lines[1:3] == ["CLOCK ! the run is paused: lunch", "CLOCK ↻ the run goes on"]
    assert lines[-1] == '  answer: {"by":"Ada"}'


def test_a_pause_may_end_by_itself(gate: Case) -> None:
    with going_on(gate, "gate.yaml") as (process, execution_id):
        gate.args("signal", execution_id, "other").run()
        gate.args("pause", execution_id, "--for", "100ms").run()
        gate.args("signal", execution_id, "go").run()
        assert process.wait(timeout=30) == 0
    assert "run.resumed" in kinds(gate, execution_id)


def test_a_pause_at_once_stops_what_runs(case: Case) -> None:
    case.file("sleeper.yaml", SLEEPER)
    with going_on(case, "sleeper.yaml", until="action.started") as (process, execution_id):
        while not (case.folder / "ledger").exists():
            time.sleep(0.01)
        case.args("pause", execution_id, "--now").stdout("run ID is paused (its running actions are stopped)\n").exit(0)
        (case.folder / "ready").touch()
        case.args("resume", execution_id).run()
        assert process.wait(timeout=30) == 0
    assert (case.folder / "ledger").read_text() == "begun\nbegun\nended\n"


def test_a_run_is_cancelled_from_another_process(gate: Case) -> None:
    with going_on(gate, "gate.yaml") as (process, execution_id):
        cancelled = gate.args("cancel", execution_id, "--reason", "wrong day", "--json").run()
        assert (cancelled.code, cancelled.json()["carried_out"]) == (0, True)
        stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 3
    assert normalised(stdout.decode()).splitlines()[1:] == [
        "CLOCK - Ask TIME",
        "CLOCK · First is undone by 'undo'",
        "CLOCK ✓ First is undone",
        "gate cancelled in TIME (2 steps, run ID)",
        "  cancelled: wrong day",
        "  First: undone by 'undo'",
    ]


def test_an_engine_that_does_not_answer_is_not_waited_for_without_end(gate: Case) -> None:
    with going_on(gate, "gate.yaml") as (process, execution_id):
        process.send_signal(signal.SIGSTOP)
        ended = gate.args("signal", execution_id, "go", "--wait", "100ms", "--json").run()
        assert (ended.code, ended.json()["carried_out"]) == (1, False)
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=30) == 0, "what was asked is carried out later"


def test_a_signal_that_comes_after_all_else_is_said_to_be_a_dead_letter(gate: Case) -> None:
    with going_on(gate, "gate.yaml") as (process, execution_id):
        process.send_signal(signal.SIGSTOP)
        assert gate.args("cancel", execution_id, "--wait", "100ms").run().code == 1
        late = gate.start("signal", execution_id, "late", "--data", "1", "--wait", "30s")
        while "late" not in asked(gate):
            assert late.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGCONT)
        stdout, stderr = late.communicate(timeout=30)
        assert process.wait(timeout=30) == 3

    assert (late.returncode, stderr) == (1, b"")
    assert normalised(stdout.decode()) == "run ID has ended (cancelled) without 'late', which is dead letter 1\n"
    (letter,) = gate.args("dead", "--json").run().json()
    assert (letter["kind"], letter["data"]) == ("signal", {"event": "late", "data": 1})


def asked(case: Case) -> str:
    """What is asked of runs, and has not been carried out."""
    with closing(sqlite3.connect(case.folder / ".noetl/runs.db")) as connection:
        return str(connection.execute("SELECT group_concat(data) FROM commands").fetchone()[0])


def test_an_interrupted_run_is_listed_shown_and_resumed(gate: Case, lost: str) -> None:
    assert normalised(gate.args("runs").run().stdout) == "ID  DATE  interrupted  gate\n"
    assert [(row["status"], row["interrupted"]) for row in rows(gate)] == [("running", True)]
    assert normalised(gate.args("runs", "--status", "interrupted").run().stdout).startswith("ID ")
    assert "  interrupted; to go on: noetl resume ID" in normalised(gate.args("show", lost).run().stdout)

    gate.args("signal", lost, "go", "--data", "7").stdout(
        "run ID gets 'go' when somebody resumes it: nobody drives it now\n"
    ).exit(0)
    resumed = gate.args("resume", lost[:20]).run()
    assert (resumed.code, resumed.stderr) == (0, "")
    assert normalised(resumed.stdout).splitlines() == [
        "CLOCK ↻ the run goes on where its engine was lost",
        "CLOCK ✓ Ask TIME",
        "gate completed in TIME (2 steps, run ID)",
        "  answer: 7",
    ]
    assert (gate.folder / "ledger").read_text() == "first\n"


def test_a_resumed_run_has_the_same_outputs_in_json_and_junit(gate: Case, lost: str) -> None:
    gate.args("signal", lost, "go").run()
    resumed = gate.args("resume", lost, "--json", "--junit", "report.xml").run()
    assert [row["status"] for row in resumed.json()["steps"]] == ["completed", "completed"]
    suite = (gate.folder / "report.xml").read_text()
    assert 'name="First"' in suite
    assert 'name="Ask"' in suite


def test_a_run_that_nobody_drives_is_paused_by_the_command_itself(gate: Case, lost: str) -> None:
    paused = gate.args("pause", lost).run()
    assert normalised(paused.stdout) == "run ID is paused (nobody drives it, 'noetl resume ID' goes on with it)\n"
    assert "  nobody drives it; to go on: noetl resume ID" in normalised(gate.args("show", lost).run().stdout)
    recovered = gate.args("recover").run()
    assert (recovered.stdout, recovered.code) == ("no run is interrupted\n", 0)
    assert normalised(recovered.stderr) == "run ID stays paused ('noetl resume ID' goes on with it)\n"
    gate.args("signal", lost, "go").run()
    assert gate.args("resume", lost, "-q").run().code == 0


def test_a_run_that_nobody_drives_is_cancelled_and_undone_by_the_command_itself(gate: Case, lost: str) -> None:
    cancelled = gate.args("cancel", lost, "--reason", "enough").run()
    assert cancelled.code == 0
    assert normalised(cancelled.stdout).splitlines()[1:] == [
        "CLOCK ✓ First is undone",
        "gate cancelled in TIME (2 steps, run ID)",
        "  cancelled: enough",
        "  First: undone by 'undo'",
    ]
    assert (gate.folder / "ledger").read_text() == "first\nundone\n"
    shown = gate.args("show", lost, "--json").run().json()
    assert shown["compensations"] == [
        {"step": "First", "place": "First.run[0]", "task": "undo", "status": "completed", "error": None}
    ]


def test_all_interrupted_runs_are_recovered(gate: Case, lost: str) -> None:
    with going_on(gate, "gate.yaml") as (process, other):
        process.send_signal(signal.SIGKILL)
    for execution_id in (lost, other):
        gate.args("signal", execution_id, "go").run()
    recovered = gate.args("recover", "--json").run()
    assert recovered.code == 0
    assert [report["status"] for report in recovered.json()] == ["completed", "completed"]
    assert "gate/Ask" in recovered.stderr
    gate.args("recover", "--json").stdout("[]\n").exit(0)


@pytest.mark.parametrize("command", [["pause"], ["cancel"], ["resume"], ["signal"]])
def test_an_ended_run_can_be_asked_nothing(gate: Case, lost: str, command: list[str]) -> None:
    gate.args("cancel", lost).run()
    words = [*command, lost, *(["go"] if command == ["signal"] else [])]
    gate.args(*words).stderr("error: run 'ID' has ended (cancelled)\n").exit(2)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["resume"], "goes on already: process", id="resume"),
        pytest.param(["pause", "--for", "soon"], "option '--for': expected a duration", id="for"),
        pytest.param(["signal", "go", "--data", "{"], "option '--data' takes JSON", id="data"),
        pytest.param(["rerun"], "has not ended (running): it can be resumed, not run again", id="rerun"),
    ],
)
def test_what_cannot_be_asked_of_a_run_is_explained(gate: Case, words: list[str], sentence: str) -> None:
    with going_on(gate, "gate.yaml") as (_, execution_id):
        ended = gate.args(words[0], execution_id, *words[1:]).run()
        assert (ended.stdout, ended.code) == ("", 2)
        assert sentence in ended.stderr


class TestKey:
    def test_the_same_key_is_answered_with_the_run_that_ended(self, gate: Case) -> None:
        gate.file("greet.yaml", GATE.replace("{action: wait, event: go, as: answer}", "{action: noop, as: answer}"))
        first = gate.args("run", "greet.yaml", "--key", "today", "--json", "-q").run()
        again = gate.args("run", "greet.yaml", "--key", "today", "--json", "-q").run()
        assert (again.stdout, again.code) == (first.stdout, 0)
        assert (gate.folder / "ledger").read_text() == "first\n"
        assert normalised(gate.args("runs").run().stdout).endswith("  today\n")

    def test_the_same_key_goes_on_with_the_run_that_was_interrupted(self, gate: Case) -> None:
        with going_on(gate, "gate.yaml", "--key", "today") as (process, execution_id):
            process.send_signal(signal.SIGKILL)
        gate.args("signal", execution_id, "go").run()
        resumed = gate.args("run", "gate.yaml", "--key", "today", "--json", "-q").run()
        assert (resumed.json()["execution_id"], resumed.code) == (execution_id, 0)
        assert len(rows(gate)) == 1

    def test_the_same_key_waits_for_the_run_that_goes_on(self, gate: Case) -> None:
        with going_on(gate, "gate.yaml", "--key", "today") as (process, execution_id):
            other = gate.start("run", "gate.yaml", "--key", "today")
            assert other.stderr is not None
            assert b"belongs to run" in other.stderr.readline()
            assert b"waiting for the end of a run" in other.stderr.readline()
            gate.args("signal", execution_id, "go").run()
            assert (process.wait(timeout=30), other.wait(timeout=30)) == (0, 0)
            other.communicate()
        assert len(rows(gate)) == 1

    def test_to_stop_waiting_does_not_cancel_the_run(self, gate: Case) -> None:
        with going_on(gate, "gate.yaml", "--key", "today") as (process, execution_id):
            other = gate.start("run", "gate.yaml", "--key", "today")
            assert other.stderr is not None
            assert b"belongs to run" in other.stderr.readline()
            assert b"waiting for the end of a run" in other.stderr.readline()
            other.send_signal(signal.SIGINT)
            assert other.wait(timeout=30) == 3
            other.communicate()
            gate.args("signal", execution_id, "go").run()
            assert process.wait(timeout=30) == 0

    def test_a_key_of_another_playbook_is_refused(self, gate: Case) -> None:
        gate.file("other.yaml", AGAIN)
        gate.args("run", "other.yaml", "--key", "today", "-q").run()
        ended = gate.args("run", "gate.yaml", "--key", "today").run()
        assert normalised(ended.stderr) == (
            "error: the key 'today' belongs to run 'ID', which is one of the playbook 'flaky'\n"
        )
        assert (ended.stdout, ended.code) == ("", 2)

    @pytest.mark.parametrize("words", [["--durability", "none"], ["--store", "memory:"]])
    def test_a_key_needs_an_event_log(self, gate: Case, words: list[str]) -> None:
        ended = gate.args("run", "gate.yaml", "--key", "x", *words).run()
        assert ended.stderr.startswith("error: '--key' needs an event log that outlives the process\n")
        assert ended.code == 2


@pytest.mark.parametrize("command", ["resume", "recover"])
def test_a_command_that_goes_on_with_runs_lets_no_more_actions_go_on_than_it_is_told(case: Case, command: str) -> None:
    case.file("crowd.yaml", CROWD)
    with going_on(case, "crowd.yaml") as (process, execution_id):
        process.send_signal(signal.SIGKILL)
    case.args("signal", execution_id, "go").run()

    words = [command, *([execution_id] if command == "resume" else [])]
    assert case.args(*words, "--concurrency", "1").run().code == 0


def test_a_command_that_begins_runs_lets_no_more_actions_go_on_than_it_is_told(case: Case) -> None:
    case.file("crowd.yaml", CROWD.replace("{action: wait, event: go}", "{action: noop}"))
    assert case.args("run", "crowd.yaml", "--concurrency", "2").run().code == 1
    (failed,) = rows(case)
    while (case.folder / "alone").exists():
        (case.folder / "alone").rmdir()

    assert case.args("rerun", failed["execution_id"], "--concurrency", "1").run().code == 0
    assert case.args("run", "crowd.yaml", "--concurrency", "1").run().code == 0


@pytest.mark.parametrize("words", [["run", "crowd.yaml"], ["resume", "01J"], ["rerun", "01J"], ["recover"]])
def test_an_engine_that_lets_nothing_go_on_is_refused(case: Case, words: list[str]) -> None:
    case.file("crowd.yaml", CROWD)
    ended = case.args(*words, "--concurrency", "0").run()
    assert ended.code == 2
    assert ended.stderr.startswith("error: option '--concurrency' takes a number from 1 on, got '0'\n")


def test_a_run_that_is_tried_again_is_told_as_one(case: Case) -> None:
    ended = case.file("flaky.yaml", AGAIN).args("run", "flaky.yaml", "--durability", "strict").run()
    assert (ended.code, ended.stderr) == (0, "")
    lines = normalised(ended.stdout).splitlines()
    assert lines[1].startswith("CLOCK ↻ the run is tried again in TIME (attempt 2): ")
    assert lines[2:] == ["CLOCK ✓ Try TIME", "flaky completed in TIME (1 step, attempt 2, run ID)"]


def test_an_engine_that_has_lost_its_run_ends_cleanly(gate: Case) -> None:
    with going_on(gate, "gate.yaml") as (process, execution_id):
        with sqlite3.connect(gate.folder / ".noetl/runs.db") as log:
            log.execute("UPDATE runs SET fence = fence + 1, engine = NULL")
        gate.args("signal", execution_id, "nothing").run()
        with sqlite3.connect(gate.folder / ".noetl/runs.db") as log:
            log.execute("UPDATE runs SET engine = (SELECT engine FROM engines)")
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 3
    assert normalised(stderr.decode()) == "error: another engine has taken run 'ID' over: it goes on there\n"
    assert b"completed" not in stdout


def test_a_paused_run_is_seen_on_a_terminal(gate: Case) -> None:
    with Terminal(gate, "run", "gate.yaml") as terminal:
        terminal.wait_for("waits for the event")
        execution_id = rows(gate)[0]["execution_id"]
        gate.args("pause", execution_id).run()
        terminal.wait_for("paused")
        gate.args("signal", execution_id, "go").run()
        gate.args("resume", execution_id).run()
        assert terminal.end() == 0
