"""`noetl store`: what the event log is, whether it can be read, and its version."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest
from cli_case import Case
from sample_playbooks import FAILING, GREET

from noetl.postgres.embedded import FOLDER_VARIABLE, EmbeddedServer
from noetl.store.postgres.migrations import MIGRATIONS
from noetl.store.sqlite.file import VERSION


@pytest.fixture
def past(case: Case) -> Case:
    """A folder in which one run completed and, later, one failed."""
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").exit(0)
    case.file("failing.yaml", FAILING).args("run", "failing.yaml", "--json").run()
    return case


@pytest.fixture
def in_postgres(case: Case, embedded: EmbeddedServer) -> Case:
    """A folder whose runs go to the embedded server of the tests."""
    case.env(**{FOLDER_VARIABLE: os.environ[FOLDER_VARIABLE], "NOETL_STORE": f"embedded:?schema=test_{uuid4().hex}"})
    return case


def damage(case: Case) -> None:
    with closing(sqlite3.connect(case.folder / ".noetl" / "runs.db", isolation_level=None)) as connection:
        connection.execute("UPDATE batches SET events = 'x' WHERE first = 1 AND rowid = 1")


def test_info_tells_kind_version_size_and_the_runs_by_status(past: Case) -> None:
    ended = past.args("store", "info").run()
    first, second, *rest = ended.stdout.splitlines()
    assert re.fullmatch(rf"sqlite, version {VERSION}, \d+\.\d KiB: \.noetl/runs\.db", first)
    assert re.fullmatch(r"2 runs, \d+ events", second)
    assert rest == ["  completed  1", "  failed     1"]

    info = past.args("store", "info", "--json").run().json()
    assert (info["kind"], info["version"], info["place"]) == ("sqlite", VERSION, ".noetl/runs.db")
    assert info["runs"] == {"completed": 1, "failed": 1}
    assert info["size"] > 0


def test_check_reads_all_runs(past: Case) -> None:
    ended = past.args("store", "check").run()
    assert re.fullmatch(r"2 runs, \d+ events: all can be read\n", ended.stdout)
    assert ended.code == 0


def test_check_names_the_damaged_runs_and_fails(past: Case) -> None:
    damage(past)
    ended = past.args("store", "check").run()
    told, summary = ended.stdout.splitlines()
    assert re.fullmatch(r"\w{26}  the log of run '\w{26}' is damaged: events 1 to \d+ are not JSON: .*", told)
    assert summary.endswith(": 1 damaged")
    assert ended.code == 1

    ended = past.args("store", "check", "--json").run()
    (found,) = ended.json()["damaged"]
    assert found["execution_id"] in told
    assert ended.code == 1


def test_a_log_of_this_version_needs_no_migration(past: Case) -> None:
    past.args("store", "migrate").stdout(f"nothing to do: the event log is of version {VERSION}, the newest\n").exit(0)
    past.args("store", "migrate", "--json").stdout(f'{{"before":{VERSION},"after":{VERSION}}}\n').exit(0)


def test_where_there_is_no_event_log_nothing_is_made(case: Case) -> None:
    for task in ("info", "check", "migrate"):
        case.args("store", task).stderr("error: there is no event log '.noetl/runs.db'\n").exit(2)
    assert not (case.folder / ".noetl").exists()


def test_an_unknown_task_is_refused_with_a_hint(case: Case) -> None:
    case.args("store", "chek").stderr(
        "error: 'noetl store' has no task 'chek' (did you mean 'check'?)\n'noetl store --help' tells more\n"
    ).exit(2)
    case.args("store", "vacuum").stderr(
        "error: 'noetl store' has no task 'vacuum' (it is one of info, check, migrate)\n'noetl store --help' tells more\n"
    ).exit(2)


def test_runs_in_postgres_are_run_listed_shown_and_checked(in_postgres: Case) -> None:
    in_postgres.args("store", "migrate").stdout(f"the event log was made, of version {len(MIGRATIONS)}\n").exit(0)
    in_postgres.file("greet.yaml", GREET).args("run", "greet.yaml", "-q").stdout("").exit(0)

    (run,) = in_postgres.args("runs", "--json").run().json()
    assert run["status"] == "completed"
    assert in_postgres.args("show", run["execution_id"], "--json").run().json()["status"] == "completed"
    assert in_postgres.args("store", "check", "--json").run().json()["damaged"] == []
    assert in_postgres.args("store", "info", "--json").run().json()["kind"] == "postgres"
    assert not (in_postgres.folder / ".noetl").exists()


def test_the_password_of_a_server_that_nobody_reaches_is_not_shown(case: Case) -> None:
    url = "postgresql://me:s3cret@127.0.0.1:1/log"
    unreachable = "cannot reach the event log at '127.0.0.1:1/log': Connection refused"
    case.file("greet.yaml", GREET).args("run", "greet.yaml", "--store", url).stderr(f"error: {unreachable}\n").exit(2)
    assert "s3cret" not in case.args("doctor", "--store", url).run().stdout
