"""`noetl events --follow`: the events of a run that another process carries on, as they come."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cli_case import Case, normalised
from sample_playbooks import FAILING, GREET

#: Goes on when somebody writes to the pipe `go`.
WAITING = """
apiVersion: noetl.io/v1
kind: Playbook
name: waiting
steps:
  - name: First
    run: [{action: shell, cmd: "echo begun > begun; read line < go"}]
    rule: [{case: default, run: [{step: Last}]}]
  - name: Last
    run: [{action: log, message: done}]
"""


class Going:
    """A run that waits in another process until it is let go."""

    def __init__(self, case: Case) -> None:
        self.case = case
        os.mkfifo(case.folder / "go")
        self.process = case.file("waiting.yaml", WAITING).start("run", "waiting.yaml", "-q")
        while not (case.folder / "begun").exists():
            assert self.process.poll() is None
        self.id: str = case.args("runs", "--json").run().json()[0]["execution_id"]

    def let_go(self) -> None:
        (self.case.folder / "go").write_text("\n")
        assert self.process.wait(60) == 0

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def going(case: Case) -> Iterator[Going]:
    found = Going(case)
    yield found
    found.end()


@contextmanager
def following(going: Going, *words: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = going.case.start("events", going.id, "--follow", *words, **streams)
    yield process
    process.kill()
    process.communicate()


def read_event(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    event: dict[str, Any] = json.loads(process.stdout.readline())
    return event


def test_what_is_there_is_printed_at_once_and_what_comes_as_it_comes(going: Going) -> None:
    with following(going, "--json") as process:
        kinds = [read_event(process)["kind"] for _ in range(3)]
        assert kinds == ["run.started", "step.started", "action.started"]
        going.let_go()
        stdout, stderr = process.communicate(timeout=60)
        later = [json.loads(line) for line in stdout.splitlines()]
        assert later[-1]["kind"] == "run.completed"
        assert [event["seq"] for event in later] == list(range(4, 4 + len(later)))
        assert (stderr, process.returncode) == (b"", 0)
    assert len(later) + 3 == len(going.case.args("events", going.id, "--json").run().stdout.splitlines())


def test_people_get_lines(going: Going) -> None:
    with following(going) as process:
        going.let_go()
        stdout, _ = process.communicate(timeout=60)
    assert normalised(stdout.decode()) == normalised(going.case.args("events", going.id).run().stdout)


@pytest.mark.parametrize("playbook", [GREET, FAILING], ids=["completed", "failed"])
def test_of_a_run_that_has_ended_all_is_printed(case: Case, playbook: str) -> None:
    id = case.file("past.yaml", playbook).args("run", "past.yaml", "--json", "-q").run().json()["execution_id"]
    past = case.args("events", id).run()
    assert case.args("events", id[:20].lower(), "-f").run() == past
    assert past.code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_to_follow_leaves_the_run_alone(going: Going, number: signal.Signals) -> None:
    with following(going, "--json") as process:
        read_event(process)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
        assert (stderr, process.returncode) == (b"", 3)
    going.let_go()
    assert going.case.args("show", going.id, "--json").run().json()["status"] == "completed"


def test_a_reader_who_leaves_ends_it_though_nothing_is_to_be_said(going: Going) -> None:
    with following(going, "--json") as process:
        read_event(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert going.process.poll() is None


def test_at_a_terminal_events_come_in_lines_that_fit(going: Going) -> None:
    master, slave = pty.openpty()
    with following(going, stdout=slave) as process:
        os.close(slave)
        shown = b""
        while b"action.started" not in shown:
            shown += os.read(master, 65536)
        going.let_go()
        assert process.wait(60) == 0
    os.close(master)
    assert max(len(line) for line in shown.decode().splitlines()) <= 80


def test_an_unknown_run_is_not_waited_for(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    case.args("events", "XYZ", "--follow").stderr("error: the event log has no run whose id begins with 'XYZ'\n").exit(
        2
    )
