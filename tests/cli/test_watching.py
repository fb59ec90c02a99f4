"""`noetl show --watch`: how far a run has come that another process carries on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from cli_case import Case
from sample_playbooks import GREET
from terminals import Terminal

#: Each of the two items goes on when somebody writes to the pipe that it waits at.
LOOP = """
apiVersion: noetl.io/v1
kind: Playbook
name: counted
steps:
  - name: Each
    run: [{action: shell, cmd: "echo {{ item }} >> begun; read line < go{{ item }}", loop: {items: 2}}]
    rule: [{case: default, run: [{step: Last}]}]
  - name: Last
    run: [{action: noop}]
"""


class Going:
    """A run in another process that has come to its first item."""

    def __init__(self, case: Case) -> None:
        self.case = case
        for item in range(2):
            os.mkfifo(case.folder / f"go{item}")
        self.process = case.file("counted.yaml", LOOP).start("run", "counted.yaml", "-q")
        while not (case.folder / "begun").exists():
            assert self.process.poll() is None
        self.id: str = case.args("runs", "--json").run().json()[0]["execution_id"]

    def let_go(self, item: int) -> None:
        (self.case.folder / f"go{item}").write_text("\n")

    def finish(self) -> None:
        for item in range(2):
            self.let_go(item)
        assert self.process.wait(60) == 0

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def going(case: Case) -> Iterator[Going]:
    found = Going(case)
    yield found
    found.end()


def test_programs_get_an_object_for_each_change(going: Going) -> None:
    process = going.case.start("show", going.id, "--watch", "--json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert (first["status"], first["visits"], first["total"], first["driven"]) == ("running", {"running": 1}, 2, True)
    assert [(loop["done"], loop["total"]) for loop in first["loops"]] == [(0, 2)]
    going.let_go(0)
    assert json.loads(process.stdout.readline())["loops"][0]["done"] == 1
    going.let_go(1)
    stdout, stderr = process.communicate(timeout=60)
    last = json.loads(stdout.splitlines()[-1])
    assert (last["status"], last["visits"], last["left"]) == ("completed", {"completed": 2}, 0)
    assert (stderr, process.returncode) == (b"", 0)


def test_people_get_lines_and_in_the_end_what_show_tells(going: Going) -> None:
    process = going.case.start("show", going.id, "--watch")
    assert process.stdout is not None
    first = process.stdout.readline().decode()
    assert first.startswith("running; 0/2 visits done (1 running); loop in Each 0/2; ")
    going.finish()
    stdout, stderr = process.communicate(timeout=60)
    assert (stderr, process.returncode) == (b"", 0)
    assert stdout.decode().endswith(going.case.args("show", going.id).run().stdout)


def test_on_a_terminal_the_last_line_tells_how_far_the_run_has_come(going: Going) -> None:
    with Terminal(going.case, "show", going.id, "--watch") as terminal:
        terminal.wait_until(lambda text: "running; 0/2 visits done (1 running); loop in Each 0/2" in text)
        going.finish()
        assert terminal.process.wait(60) == 0


def test_of_a_run_that_has_ended_it_shows_the_end(case: Case) -> None:
    id = case.file("past.yaml", GREET).args("run", "past.yaml", "--json", "-q").run().json()["execution_id"]
    assert case.args("show", id, "--watch").run() == case.args("show", id).run()


def test_it_is_told_that_nobody_goes_on_with_a_run(going: Going) -> None:
    going.process.kill()
    going.process.wait()
    process = going.case.start("show", going.id, "--watch")
    assert process.stdout is not None
    assert process.stdout.readline().decode().rstrip().endswith("; nobody goes on with it")
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=60), process.returncode) == ((b"", b""), 3)


def test_who_stops_to_watch_leaves_the_run_alone(going: Going) -> None:
    process: subprocess.Popen[bytes] = going.case.start("show", going.id, "--watch", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert (process.communicate(timeout=60)[1], process.returncode) == (b"", 3)
    going.finish()
