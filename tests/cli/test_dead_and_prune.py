"""`noetl dead` and `noetl prune`: what failed for good, and what is kept no longer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cli_case import Case

from noetl import Engine, Playbook, load

ORDERS = """
    apiVersion: noetl.io/v1
    kind: Playbook
    name: orders
    inputs: {file: {type: string}}
    on_error: {retry: {attempts: 2, delay: 1ms, on: [permanent]}}
    steps:
      - {name: Look, run: [{action: shell, cmd: "test -e {{ inputs.file }}"}]}
"""
WAITING = """
    apiVersion: noetl.io/v1
    kind: Playbook
    name: waiting
    steps:
      - {name: Wait, run: [{action: wait, event: go}]}
"""
DEAD = "'noetl dead --help' tells more\n"


async def _with_signals(folder: Path) -> str:
    """A run that ended before it took a signal, and one that waits for it."""
    playbook: Playbook = load(folder / "waiting.yaml")
    async with Engine(str(folder / ".noetl" / "runs.db")) as engine:
        handle = await engine.start(playbook)
        handle.signal("stop", {"n": 1})
        handle.signal("go")
        await handle.result()
        return (await engine.start(playbook)).execution_id


def failed(case: Case) -> Case:
    """A run that no retry has helped."""
    case.file("orders.yaml", ORDERS).args("run", "orders.yaml", "-i", "file=there", "-q").run()
    return case


def letters(case: Case) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = case.args("dead", "--json").run().json()
    return found


def test_where_nothing_failed_for_good_that_is_said(case: Case) -> None:
    case.file("waiting.yaml", WAITING)
    asyncio.run(_unclaimed(case.folder))
    case.args("dead").stdout("there are no dead letters\n").exit(0)
    case.args("dead", "--json").stdout("[]\n").exit(0)


async def _unclaimed(folder: Path) -> None:
    async with Engine(str(folder / ".noetl" / "runs.db")):
        pass


def test_a_run_that_failed_for_good_is_listed_and_shown(case: Case) -> None:
    failed(case)
    case.args("dead").stdout("1  DATE  run     ID  'test -e there' exited with 1\n").exit(0)
    case.args("dead", "show", "1").stdout(
        """
        dead letter 1: run of run ID, DATE
          cause: exit_code: 'test -e there' exited with 1
          attempt: 2
        """
    ).exit(0)
    assert letters(case) == [case.args("dead", "show", "1", "--json").run().json()]


def test_a_run_is_tried_again_with_its_inputs(case: Case) -> None:
    failed(case)
    (case.folder / "there").touch()
    ended = case.args("dead", "retry", "1", "--json").run()
    assert (ended.code, ended.json()["status"]) == (0, "completed")
    assert letters(case) == []


def test_a_run_that_fails_once_more_is_a_dead_letter_of_its_own(case: Case) -> None:
    failed(case)
    ended = case.args("dead", "retry", "1", "--json").run()
    assert (ended.code, ended.json()["status"]) == (1, "failed")
    assert [(letter["id"], letter["execution_id"]) for letter in letters(case)] == [(2, ended.json()["execution_id"])]


def test_a_dropped_letter_is_gone(case: Case) -> None:
    failed(case)
    case.args("dead", "drop", "1").stdout("dropped dead letter 1: the run is not tried again\n").exit(0)
    case.args("dead", "drop", "1").stdout("").stderr("error: there is no dead letter 1\n").exit(2)


def test_a_signal_is_sent_to_another_run(case: Case) -> None:
    case.file("waiting.yaml", WAITING)
    waits = asyncio.run(_with_signals(case.folder))
    case.args("dead").stdout("1  DATE  signal  ID  nobody took the signal 'stop' before the run ended\n").exit(0)
    case.args("dead", "retry", "1").stdout("").stderr(
        "error: dead letter 1 is the signal 'stop': it needs another run to be sent to\n"
    ).exit(2)
    case.args("dead", "retry", "1", "--to", waits).stdout("sent the signal 'stop' to run ID\n").stderr("").exit(0)
    assert letters(case) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            ("dead", "lsit"), "'noetl dead' has no task 'lsit' (did you mean 'list'?)\n" + DEAD, id="an unknown task"
        ),
        pytest.param(
            ("dead", "show"),
            "'noetl dead show' needs the number of a dead letter, got none ('noetl dead' lists them)\n" + DEAD,
            id="no number",
        ),
        pytest.param(
            ("dead", "drop", "x"),
            "'noetl dead drop' needs the number of a dead letter, got 'x' ('noetl dead' lists them)\n" + DEAD,
            id="not a number",
        ),
        pytest.param(
            ("dead", "list", "3"),
            "'noetl dead list' takes no number (did you mean 'noetl dead show 3'?)\n" + DEAD,
            id="a number too many",
        ),
        pytest.param(
            ("prune",),
            "how old the runs are that shall go is not said (as in '--older-than 30d')\n'noetl prune --help' tells more\n",
            id="no age",
        ),
        pytest.param(
            ("prune", "--older-than", "1d", "--keep-failed"),
            "where failed runs are kept, the others are kept for at least 7d, not for 1d\n",
            id="failed runs are looked at for a while",
        ),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(case: Case, words: tuple[str, ...], message: str) -> None:
    failed(case).args(*words).stderr(f"error: {message}").exit(2)


def test_old_runs_are_counted_then_removed(case: Case) -> None:
    failed(case)
    counted = case.args("prune", "--older-than", "0s", "--dry-run").run().stdout
    assert counted.startswith("would remove 2 runs (")
    case.args("prune", "--older-than", "30d").stdout("no run is that old\n").exit(0)
    assert len(case.args("runs", "--json").run().json()) == 2
    removed = case.args("prune", "--older-than", "0s").run().stdout
    assert removed == counted.replace("would remove", "removed")
    assert case.args("runs", "--json").run().json() == []
    assert letters(case) == []


def test_what_was_removed_is_counted_for_programs(case: Case) -> None:
    found = failed(case).env(NOETL_RETENTION="0s").args("prune", "--json").run().json()
    # An engine with that variable has removed the runs before that are old, and another comes a day later.
    assert found.keys() == {"dry_run", "runs", "events", "artifacts", "freed"}
    assert found["runs"] == 2
