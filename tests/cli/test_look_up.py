"""The command that a run's end offers to look it up again."""

from __future__ import annotations

import pytest

from noetl.cli.event_log import look_up


@pytest.mark.parametrize(
    ("given", "command"),
    [
        pytest.param(None, "noetl show ID", id="default"),
        pytest.param("my runs.db", "noetl show ID --store 'my runs.db'", id="file"),
        pytest.param("embedded", "noetl show ID --store embedded", id="embedded"),
        pytest.param("memory:", None, id="nothing is kept"),
        pytest.param("postgresql://me:hush@host/runs", "noetl show ID --store URL", id="a password is not repeated"),
    ],
)
def test_a_run_is_looked_up_in_its_event_log(
    given: str | None, command: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOETL_STORE", raising=False)
    assert look_up(given) == command
