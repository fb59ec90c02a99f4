"""What every store tells of itself, and whether damage to one run is found without hiding the others."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest
from msgspec.structs import replace
from sample_runs import RUN, TEXT, event, events, opened, run_named

from noetl.errors import StoreError
from noetl.model.event import Kind
from noetl.postgres.embedded import FOLDER_VARIABLE
from noetl.store import EventStore
from noetl.store.sqlite.file import VERSION
from noetl.store.sqlite.migrations import MIGRATIONS
from noetl.store.upkeep import Migrated, check_store, migrate_store

ID = RUN.execution_id
DIGEST = sha256(TEXT.encode()).hexdigest()
RUNS = [replace(run_named(name), digest=DIGEST) for name in ("01JA", "01JB", "01JC")]


async def fill(store: EventStore) -> None:
    """Three events in each of two runs, of which one has ended, and none in the third."""
    await store.append("01JA", 0, events(1, 3))
    await store.append("01JB", 0, events(1, 2, run="01JB"))
    await store.append("01JB", 2, [event(3, run="01JB", kind=Kind.RUN_COMPLETED)])


async def problems(store: EventStore) -> dict[str, str | None]:
    return {checked.run.execution_id: checked.problem async for checked in check_store(store)}


async def change(url: str, statement: str) -> None:
    """What happens to a store behind its back."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:"), isolation_level=None)) as connection:
            connection.execute(statement)
        return
    schema = url.rpartition("=")[2]
    other = await asyncpg.connect(
        host=str(Path(os.environ[FOLDER_VARIABLE]) / "data"),
        user="postgres",
        database="postgres",
        server_settings={"search_path": schema},
    )
    await other.execute(statement)
    await other.close()


async def test_a_store_tells_what_it_is_and_how_much_is_in_it(url: str) -> None:
    async with opened(url, *RUNS) as store:
        await fill(store)
        info = await store.about()

    assert info.kind in ("memory", "sqlite", "postgres")
    assert (info.kind == "memory") == (info.version is None)
    assert info.runs == {"running": 2, "completed": 1}
    assert info.events == 6
    assert info.size > 0


async def test_a_whole_store_has_no_problems(url: str) -> None:
    async with opened(url, *RUNS) as store:
        await fill(store)

        assert [(it.run.execution_id, it.events, it.problem) async for it in check_store(store)] == [
            ("01JC", 0, None),
            ("01JB", 3, None),
            ("01JA", 3, None),
        ]


@pytest.mark.parametrize(
    ("statement", "run", "problem"),
    [
        pytest.param(
            "DELETE FROM batches WHERE execution_id = '01JB' AND first = 1",
            "01JB",
            "the log of run '01JB' is damaged: event 1 is missing",
            id="missing event",
        ),
        pytest.param(
            "DELETE FROM batches WHERE execution_id = '01JB' AND first = 3",
            "01JB",
            "its events say 'running', and the list of runs says 'completed'",
            id="missing end",
        ),
        pytest.param(
            "UPDATE batches SET events = '[1,2,3]' WHERE execution_id = '01JA'",
            "01JA",
            "the log of run '01JA' is damaged: events 1 to 3 are not events",
            id="not events",
        ),
        pytest.param(
            "UPDATE playbooks SET text = 'name: other'", None, "the text of its playbook was changed", id="text"
        ),
    ],
)
async def test_damage_is_found_where_it_is(durable_url: str, statement: str, run: str | None, problem: str) -> None:
    async with opened(durable_url, *RUNS) as store:
        await fill(store)
        await change(durable_url, statement)

        expected = {known.execution_id: problem if run in (None, known.execution_id) else None for known in RUNS}
        assert await problems(store) == expected


async def test_a_store_is_of_the_newest_version_when_it_was_just_made(durable_url: str) -> None:
    async with opened(durable_url, RUN) as store:
        version = (await store.about()).version

    assert await migrate_store(durable_url) == Migrated(version or 0, version or 0)


async def test_an_older_file_is_brought_up(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")

    assert await migrate_store(str(path)) == Migrated(1, VERSION)


async def test_an_empty_database_gets_its_tables(postgres_url: str) -> None:
    made = await migrate_store(postgres_url)

    assert made.before == 0
    assert await migrate_store(postgres_url) == Migrated(made.after, made.after)


async def test_there_is_nothing_to_migrate_where_there_is_no_log(path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no event log '.*runs\.db'"):
        await migrate_store(str(path))
    with pytest.raises(StoreError, match="'memory:' is gone with its process"):
        await migrate_store("memory:")
    assert not path.exists()
