"""Signals to a run with real processes under it; nothing that they started may be left."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cli_case import Case, Ended, normalised
from sample_playbooks import SLEEPING, STUBBORN

SIGNALS = [
    pytest.param(signal.SIGINT, "Ctrl-C", id="SIGINT"),
    pytest.param(signal.SIGTERM, "SIGTERM", id="SIGTERM"),
    pytest.param(signal.SIGHUP, "SIGHUP", id="SIGHUP"),
]


def group_of(process: subprocess.Popen[bytes], case: Case) -> int:
    """The process group of the run's action, which has started when this returns."""
    path = case.folder / "pid"
    while not (path.exists() and path.read_text().endswith("\n")):
        assert process.poll() is None
        time.sleep(0.01)
    return int(path.read_text())


def living(group: int) -> list[str]:
    """The processes of a group, zombies left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, of_group, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(of_group) == group and state not in "ZX":
            found.append(folder.name)
    return found


def ended(process: subprocess.Popen[bytes]) -> Ended:
    stdout, stderr = process.communicate(timeout=30)
    return Ended(normalised(stdout.decode()), normalised(stderr.decode()), process.returncode)


@pytest.mark.parametrize(("number", "name"), SIGNALS)
def test_the_first_signal_cancels_the_run_and_all_its_processes(case: Case, number: signal.Signals, name: str) -> None:
    process = case.file("nap.yaml", SLEEPING).start("run", "nap.yaml")
    group = group_of(process, case)
    assert len(living(group)) == 2
    process.send_signal(number)
    assert ended(process) == Ended(
        f"CLOCK - Nap TIME\nsleeping cancelled in TIME (1 step, run ID)\n  cancelled: interrupted by {name}\n",
        "cancelling (press Ctrl-C again to stop at once)\n",
        3,
    )
    assert not living(group)


def test_a_cancelled_run_is_an_object_too(case: Case) -> None:
    process = case.file("nap.yaml", SLEEPING).start("run", "nap.yaml", "--json")
    group_of(process, case)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    report = Ended(stdout.decode(), stderr.decode(), process.returncode).json()
    assert (process.returncode, report["status"], report["error"]["code"]) == (3, "cancelled", "cancelled")
    assert report["steps"][0]["status"] == "cancelled"
    assert normalised(stderr.decode()) == "cancelling (press Ctrl-C again to stop at once)\nCLOCK - Nap TIME\n"


def test_the_event_log_tells_that_the_run_was_cancelled(case: Case) -> None:
    process = case.file("nap.yaml", SLEEPING).start("run", "nap.yaml")
    group_of(process, case)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert [row["status"] for row in case.args("runs", "--json").run().json()] == ["cancelled"]


@pytest.mark.parametrize(("number", "name"), SIGNALS)
def test_the_second_signal_ends_the_process_and_all_it_started_at_once(
    case: Case, number: signal.Signals, name: str
) -> None:
    process = case.file("stubborn.yaml", STUBBORN).start("run", "stubborn.yaml")
    group = group_of(process, case)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == b"cancelling (press Ctrl-C again to stop at once)\n"
    process.send_signal(number)
    assert ended(process) == Ended("", "", 3)
    while living(group):
        time.sleep(0.01)


def test_a_signal_ends_the_waiting_for_detached_runs(case: Case) -> None:
    process = (
        case.file("nap.yaml", SLEEPING)
        .file(
            "detaching.yaml",
            """
            apiVersion: noetl.io/v1
            kind: Playbook
            name: detaching
            steps:
              - name: Call
                run:
                  - {action: playbook, path: nap.yaml, detach: true}
            """,
        )
        .start("run", "detaching.yaml", "-q")
    )
    group = group_of(process, case)
    process.send_signal(signal.SIGINT)
    assert ended(process) == Ended("", "cancelling (press Ctrl-C again to stop at once)\n", 3)
    assert not living(group)
    assert {row["status"] for row in case.args("runs", "--json").run().json()} == {"completed", "cancelled"}


def test_an_ignored_hangup_stays_ignored(case: Case) -> None:
    """As under `nohup`."""
    process = case.file("nap.yaml", SLEEPING).start(
        "run", "nap.yaml", "-q", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    group = group_of(process, case)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert ended(process).stderr.endswith("cancelled: interrupted by SIGTERM\n")
    assert not living(group)


def test_ctrl_c_at_a_terminal_cancels_the_run_and_not_its_processes_behind_its_back(case: Case) -> None:
    case.file("nap.yaml", SLEEPING)
    keyboard, terminal = pty.openpty()
    process = case.start(
        "run", "nap.yaml", stdin=terminal, stdout=terminal, stderr=terminal, preexec_fn=lambda: _control(terminal)
    )
    os.close(terminal)
    group = group_of(process, case)
    os.write(keyboard, b"\x03")
    assert process.wait(timeout=30) == 3
    assert not living(group)
    os.close(keyboard)


def _control(terminal: int) -> None:
    """Make the terminal the one that controls this process."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(("words", "stdout"), [([], ""), (["--json"], '{"status":"cancelled"}\n')])
def test_a_signal_before_anything_has_started_is_no_traceback(
    case: Case, number: signal.Signals, words: list[str], stdout: str
) -> None:
    pipe = case.folder / "playbook.yaml"
    os.mkfifo(pipe)
    process = case.start("run", "playbook.yaml", *words)
    writing = _opened_by_reader(pipe)
    # A signal that comes just before a system call blocks is seen by Python only after it.
    while not _sleeps(process):
        time.sleep(0.01)
    process.send_signal(number)
    assert ended(process) == Ended(stdout, "" if words else "error: interrupted\n", 3)
    os.close(writing)


def _opened_by_reader(pipe: Path) -> int:
    """The end to write to, as soon as somebody reads at the other."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.01)


def _sleeps(process: subprocess.Popen[bytes]) -> bool:
    return (Path("/proc") / str(process.pid) / "stat").read_text().rpartition(")")[2].split()[0] == "S"
