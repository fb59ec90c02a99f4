"""`noetl completion`: real shells complete what is typed at their prompts."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_case import NOETL, Case
from sample_playbooks import GREET

_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?>=]*[A-Za-z]|\][^\x07]*\x07|[=>()][0-9A-Z]?)")

#: How each shell is started without anybody's settings, and what it is told before it is asked.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(noetl completion bash)"; bind "set bell-style none"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(noetl completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "noetl completion fish | source"),
}
#: A shell wants to lead a session whose terminal its input is.
_AT_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)

COMPLETING = [
    pytest.param(shell, marks=pytest.mark.skipif(shutil.which(shell) is None, reason=f"there is no {shell}"))
    for shell in SHELLS
]


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, master: int, shell: subprocess.Popen[bytes]) -> None:
        self._master = master
        self._shell = shell
        self._shown = b""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def completed(self, words: str) -> str:
        """What becomes of the words when Tab is pressed: the line is made one that prints itself."""
        self.type(f"{words}\t\x01echo '<' \x05'>'\n")
        return self.read_until(re.compile(rb"\n\r*< (.*?) *>"))[1].decode()

    def read_until(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """Read what the shell shows until the pattern is in it, and forget all that."""
        while (found := pattern.search(_ESCAPES.sub(b"", self._shown))) is None:
            ready, _, _ = select.select([self._master], [], [], 30)
            assert ready, f"{pattern.pattern!r} never came: {self._shown!r}"
            self._shown += os.read(self._master, 65536)
        self._shown = b""
        return found


@contextmanager
def terminal(case: Case, shell: str) -> Iterator[Terminal]:
    words, preparation = SHELLS[shell]
    master, slave = pty.openpty()
    environment = case.environment | {
        "PATH": f"{Path(NOETL).parent}:{case.environment['PATH']}",
        "TERM": "xterm",
        "COLUMNS": "200",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _AT_TERMINAL, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=case.folder,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        found = Terminal(master, process)
        found.type(f"{preparation}; echo rea''dy\n")
        found.read_until(re.compile(rb"ready"))
        yield found
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize("shell", COMPLETING)
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        pytest.param("val", "noetl validate", id="command"),
        pytest.param("run --dura", "noetl run --durability", id="option"),
        pytest.param("run --durability rel", "noetl run --durability relaxed", id="choice"),
        pytest.param("run gre", "noetl run greet.yaml", id="file"),
        pytest.param("validate sub/gr", "noetl validate sub/greeting.yaml", id="file in a folder"),
        pytest.param("schema postg", "noetl schema postgres", id="name of a schema"),
        pytest.param("completion fi", "noetl completion fish", id="shell"),
    ],
)
def test_a_word_is_completed_at_the_prompt(case: Case, shell: str, typed: str, completed: str) -> None:
    case.file("greet.yaml", GREET).file("sub/greeting.yaml", GREET)
    with terminal(case, shell) as prompt:
        assert prompt.completed(f"noetl {typed}") == completed


@pytest.mark.parametrize("shell", COMPLETING)
@pytest.mark.parametrize("command", ["show", "events --json"])
def test_the_id_of_a_run_is_completed_at_the_prompt(case: Case, shell: str, command: str) -> None:
    report = case.file("greet.yaml", GREET).args("run", "greet.yaml", "--json", "-q").run().json()
    with terminal(case, shell) as prompt:
        assert prompt.completed(f"noetl {command} 0") == f"noetl {command} {report['execution_id']}"


def test_ids_are_those_of_the_store_that_is_named(case: Case) -> None:
    case.file("greet.yaml", GREET)
    report = case.args("run", "greet.yaml", "--json", "-q", "--store", "other.db").run().json()
    case.env(_NOETL_COMPLETE="complete_bash", COMP_WORDS="noetl\nshow\n--store\nother.db\n", COMP_CWORD="4").args()
    assert case.run().stdout.split() == [report["execution_id"]]
    case.env(COMP_WORDS="noetl\nshow\n--store\nnowhere.db\n")
    assert case.run().stdout.split() == []
    assert not (case.folder / "nowhere.db").exists()


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        pytest.param("bash", "_noetl_completion() {", id="bash"),
        pytest.param("zsh", "#compdef noetl", id="zsh"),
        pytest.param("fish", "complete --command noetl ", id="fish"),
        pytest.param("powershell", "Import-Module PSReadLine", id="powershell"),
    ],
)
def test_each_shell_gets_its_script(case: Case, shell: str, line: str) -> None:
    ended = case.args("completion", shell).run()
    assert ended.stdout.startswith(line)
    assert (ended.stderr, ended.code) == ("", 0)


def test_a_shell_that_is_not_known_is_refused(case: Case) -> None:
    case.args("completion", "bsh").stderr(
        """
        error: there is no script for the shell 'bsh' (did you mean 'bash'?)
        'noetl completion --help' tells more
        """
    ).exit(2)
