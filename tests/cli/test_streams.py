"""Where output goes: pipes that close, files that are full, terminals with and without colours."""

from __future__ import annotations

import os
import pty
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from cli_case import NOETL, Case, normalised
from sample_playbooks import FAILING, GREET, SLEEPING

COLOUR = "\x1b["


def at_terminal(case: Case, *words: str) -> tuple[str, int]:
    """What the command shows at a terminal, and its exit code."""
    screen, terminal = pty.openpty()
    process = case.start(*words, stdout=terminal, stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            content = os.read(screen, 4096)
        except OSError:  # the other end is closed
            break
        if not content:
            break
        shown += content
    os.close(screen)
    return shown.decode().replace("\r\n", "\n"), process.wait(timeout=30)


def test_a_terminal_gets_colours(case: Case) -> None:
    case.file("greet.yaml", GREET).env(TERM="xterm")
    shown, code = at_terminal(case, "run", "greet.yaml")
    assert "\x1b[32m✓\x1b[0m Hello" in shown
    assert "greet \x1b[32mcompleted\x1b[0m in" in shown
    assert code == 0


def test_events_fit_a_terminal(case: Case) -> None:
    case.file("greet.yaml", GREET).env(COLUMNS="60", NO_COLOR="1")
    execution_id = case.args("run", "greet.yaml", "--json").run().json()["execution_id"]
    lines = at_terminal(case, "events", execution_id)[0].splitlines()
    assert max(map(len, lines)) <= 60
    assert any(line.endswith(" ...") for line in lines)


def test_a_terminal_shows_problems_in_colour(case: Case) -> None:
    case.file("bad.yaml", "a: 1").env(TERM="xterm")
    assert "\x1b[31merror[missing-key]\x1b[0m: " in at_terminal(case, "validate", "bad.yaml")[0]


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, id="NO_COLOR"),
        pytest.param({"TERM": "dumb"}, id="dumb terminal"),
    ],
)
@pytest.mark.parametrize("words", [["run", "greet.yaml"], ["runs"], ["validate", "absent.yaml"], ["rum"]])
def test_colours_can_be_refused(case: Case, variables: dict[str, str], words: list[str]) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    case.env(**variables)
    assert COLOUR not in at_terminal(case, *words)[0]


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        pytest.param({"FORCE_COLOR": "1"}, True, id="forced"),
        pytest.param({"FORCE_COLOR": "1", "TERM": "dumb"}, True, id="forced, dumb"),
        pytest.param({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, id="forced and refused"),
        pytest.param({"FORCE_COLOR": "0"}, False, id="forced off"),
        pytest.param({"FORCE_COLOR": ""}, False, id="empty"),
    ],
)
def test_colours_can_be_had_in_a_pipe(case: Case, variables: dict[str, str], coloured: bool) -> None:
    shown = case.file("greet.yaml", GREET).env(**variables).args("run", "greet.yaml").run().stdout
    assert (COLOUR in shown) is coloured
    assert "\x1b[?" not in shown


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]])
def test_help_is_drawn_at_a_terminal_and_plain_without_colours(case: Case, words: list[str]) -> None:
    case.env(TERM="xterm")
    assert COLOUR in at_terminal(case, *words)[0]
    case.env(NO_COLOR="1")
    assert at_terminal(case, *words)[0] == case.args(*words).run().stdout


def test_what_playbooks_say_cannot_command_a_terminal(case: Case) -> None:
    case.file(
        "evil.yaml",
        r"""
        apiVersion: noetl.io/v1
        kind: Playbook
        name: evil
        steps:
          - name: Tell
            run:
              - {action: log, message: "[bold]a\e[2Jb\u009b31mc\u202edc\td"}
              - {action: set, values: {kept: "\e]0;title\a"}}
              - {action: fail, message: "x\e[1my"}
        """,
    ).env(TERM="xterm", NO_COLOR="1")
    shown, code = at_terminal(case, "run", "evil.yaml")
    assert "· [bold]a\\x1b[2Jb\\x9b31mc\\u202edc\td\n" in shown
    assert "error[failed]: x\\x1b[1my" in shown
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert code == 1
    as_json, _ = at_terminal(case, "run", "evil.yaml", "--json", "-q")
    assert "\\u009b31m" in as_json or "\\u001b" in as_json
    assert not {"\x1b", "\x9b"} & set(as_json)


def test_marks_are_plain_where_the_encoding_has_no_others(case: Case) -> None:
    case.file("greet.yaml", GREET).env(PYTHONIOENCODING="ascii").args("run", "greet.yaml", "-i", "name=ä").stdout(
        """
        CLOCK + Hello TIME -> Done
        CLOCK . hello \\xe4
        CLOCK + Done TIME
        greet completed in TIME (2 steps, run ID)
          greeting: hello \\xe4
          said: 1
        """
    ).exit(0)


def test_json_is_utf_8_whatever_the_encoding(case: Case) -> None:
    case.file("greet.yaml", GREET).env(PYTHONIOENCODING="latin-1")
    report = case.args("run", "greet.yaml", "--json", "-q", "-i", "name=ä").run().json()
    assert report["outputs"]["greeting"] == "hello ä"


def test_a_run_goes_on_when_nobody_reads_any_more(case: Case) -> None:
    case.file("greet.yaml", GREET)
    process = case.start("run", "greet.yaml", "-i", "times=9000")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    with process:
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert [row["status"] for row in case.args("runs", "--json").run().json()] == ["completed"]


@pytest.mark.parametrize("words", [["events", "ID"], ["events", "ID", "--json"], ["run", "--help"], ["schema"]])
def test_a_reader_who_leaves_is_no_error(case: Case, words: list[str]) -> None:
    report = case.file("greet.yaml", GREET).args("run", "greet.yaml", "--json", "-q", "-i", "times=3000").run().json()
    reading, writing = os.pipe()
    os.close(reading)
    process = case.start(*(report["execution_id"] if word == "ID" else word for word in words), stdout=writing)
    os.close(writing)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 0


def test_a_full_disk_under_the_output_is_an_error(case: Case) -> None:
    case.file("greet.yaml", GREET)
    with Path("/dev/full").open("wb") as full:
        process = case.start("run", "greet.yaml", "--json", "-q", stdout=full)
        _, stderr = process.communicate(timeout=30)
    assert stderr == b"error: standard output cannot be written: No space left on device\n"
    assert process.returncode == 1


def test_closed_streams_do_not_hand_their_descriptors_to_files(case: Case) -> None:
    """The first file that is opened would else become standard output, and everybody would write into it."""
    case.file("greet.yaml", GREET)
    command = f"exec {NOETL} run greet.yaml 0<&- 1>&- 2>&-"
    subprocess.run(["/bin/sh", "-c", command], cwd=case.folder, env=case.environment, check=True, timeout=30)
    assert [row["status"] for row in case.args("runs", "--json").run().json()] == ["completed"]


def test_a_terminal_that_goes_away_cancels_the_run(case: Case) -> None:
    case.file("nap.yaml", SLEEPING)
    screen, terminal = pty.openpty()
    process = case.start(
        "run", "nap.yaml", stdin=terminal, stdout=terminal, stderr=terminal, preexec_fn=lambda: _control(terminal)
    )
    os.close(terminal)
    while not (case.folder / "pid").exists():
        assert process.poll() is None
    os.close(screen)
    assert process.wait(timeout=30) == 3


def _control(terminal: int) -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_an_event_log_that_fails_under_a_run_ends_it_with_one_sentence(case: Case) -> None:
    case.file("greet.yaml", GREET)
    process = case.start("run", "greet.yaml", "-q", "-i", "times=9000", preexec_fn=_small_files)
    stdout, stderr = process.communicate(timeout=60)
    assert stdout == b""
    assert stderr.startswith(b"error: ")
    assert stderr.count(b"\n") == 1
    assert process.returncode == 1


def test_an_event_log_that_fails_under_a_run_gives_an_object_all_the_same(case: Case) -> None:
    case.file("greet.yaml", GREET)
    process = case.start("run", "greet.yaml", "-q", "--json", "-i", "times=9000", preexec_fn=_small_files)
    stdout, stderr = process.communicate(timeout=60)
    assert b'"status":"failed"' in stdout
    assert b'"code":"store"' in stdout
    assert stdout.count(b"\n") == 1
    assert (stderr, process.returncode) == (b"", 1)


def _small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # There is room for the first events: a run that could not be created has not begun.
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        pytest.param("redis://host", "error: an event log is opened by", id="unknown scheme"),
        pytest.param("folder", "error: cannot open the event log 'folder'", id="folder"),
        pytest.param("text.db", "error: cannot open the event log 'text.db'", id="no database"),
        pytest.param("greet.yaml/x.db", "error: cannot open the event log", id="file as folder"),
    ],
)
def test_an_event_log_that_cannot_be_opened_is_one_sentence(case: Case, store: str, sentence: str) -> None:
    case.file("greet.yaml", GREET).file("text.db", "no database\n" * 100)
    (case.folder / "folder").mkdir()
    for words in (["run", "greet.yaml"], ["runs"]):
        ended = case.args(*words, "--store", store).run()
        assert ended.stderr.startswith("error: ")
        assert words == ["runs"] or ended.stderr.startswith(sentence)
        assert ended.stderr.count("\n") == 1
        assert (ended.stdout, ended.code) == ("", 2)


def test_an_event_log_that_cannot_be_opened_is_an_object_where_json_is_asked_for(case: Case) -> None:
    ended = case.file("greet.yaml", GREET).args("run", "greet.yaml", "--json", "--store", "redis://host").run()
    assert ended.json()["problems"][0]["code"] == "store"
    assert (ended.stderr, ended.code) == ("", 2)


def test_a_defect_is_one_sentence_that_says_how_to_see_more(case: Case) -> None:
    case.file("modules/yaml.py", "raise RuntimeError('surprise')").file("failing.yaml", FAILING)
    case.env(PYTHONPATH=str(case.folder / "modules")).args("run", "failing.yaml").stderr(
        "error: RuntimeError: surprise (this is a defect of noetl; with NOETL_DEBUG=1 it shows where)\n"
    ).exit(1)
    shown = case.env(NOETL_DEBUG="1").args("run", "failing.yaml", "--json").run()
    assert shown.json() == {
        "status": "failed",
        "error": {"kind": "system", "code": "defect", "message": "RuntimeError: surprise"},
    }
    assert shown.stderr.startswith("Traceback (most recent call last):")
    assert normalised(shown.stderr).endswith("(this is a defect of noetl; with NOETL_DEBUG=1 it shows where)\n")
