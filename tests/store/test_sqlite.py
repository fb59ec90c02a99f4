"""What is particular to the SQLite store: its file, and what can be wrong with a file."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from sample_runs import RUN, TEXT, event, events, numbers, opened, run_named

from noetl.errors import StoreError
from noetl.model.event import Kind
from noetl.store import Durability, open_store
from noetl.store.encoding import encode_batch
from noetl.store.sqlite import SqliteStore
from noetl.store.sqlite.file import RUN_COLUMNS, VERSION, open_file
from noetl.store.sqlite.migrations import MIGRATIONS

ID = RUN.execution_id
FULL_DISK = Path(__file__).with_name("full_disk.py")


def execute(path: Path, statement: str, *parameters: object) -> list[tuple[object, ...]]:
    """What another program does to the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, parameters).fetchall()


async def test_the_file_and_its_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "project" / ".noetl" / "runs.db"
    async with opened(str(path), RUN):
        pass

    assert path.is_file()
    assert (path.parent / ".gitignore").read_text() == "*\n"


async def test_a_folder_that_was_there_or_has_another_name_gets_no_gitignore(tmp_path: Path) -> None:
    (tmp_path / ".noetl").mkdir()
    for folder in (".noetl", "logs"):
        async with opened(str(tmp_path / folder / "runs.db")):
            pass
        assert not (tmp_path / folder / ".gitignore").exists()


async def test_a_closed_store_leaves_one_file(tmp_path: Path, path: Path) -> None:
    async with opened(str(path), RUN) as store:
        await store.append(ID, 0, events(1, 5))
        await store.read(ID)

    assert [file.name for file in tmp_path.iterdir()] == ["runs.db"]


async def test_the_file_has_a_write_ahead_log_and_a_version(path: Path) -> None:
    async with opened(str(path)):
        pass

    assert execute(path, "PRAGMA journal_mode") == [("wal",)]
    assert execute(path, "PRAGMA user_version") == [(VERSION,)]


async def test_the_columns_of_runs_are_the_fields_of_a_record(path: Path) -> None:
    async with opened(str(path)):
        pass

    assert sorted(column[1] for column in execute(path, "PRAGMA table_info(runs)")) == sorted(RUN_COLUMNS)


async def test_the_view_of_events_has_a_row_for_each(path: Path) -> None:
    async with opened(str(path), RUN) as store:
        await store.append(ID, 0, [event(1, {"a": "é"}), event(2)])
        await store.append(ID, 2, [event(3)])

    assert execute(path, "SELECT execution_id, seq, at, kind, step, token, data, v FROM events ORDER BY seq") == [
        (ID, 1, 1_000_001, "step.started", "s1", "0.1", '{"a":"é"}', 1),
        (ID, 2, 1_000_002, "step.started", "s2", "0.1", '{"visit":2}', 1),
        (ID, 3, 1_000_003, "step.started", "s3", "0.1", '{"visit":3}', 1),
    ]


def test_connections_that_open_a_new_file_at_once_all_find_it_ready(tmp_path: Path) -> None:
    barrier = Barrier(8)

    def open_together(path: Path) -> None:
        barrier.wait()
        with closing(open_file(path, busy_timeout_s=10)) as connection:
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)

    with ThreadPoolExecutor(8) as threads:
        for number in range(10):
            list(threads.map(open_together, [tmp_path / f"{number}.db"] * 8))


async def test_many_runs_that_end_together_all_have_their_status(path: Path) -> None:
    runs = [run_named(f"01J{number:04}") for number in range(1200)]
    async with opened(str(path)) as store:
        await asyncio.gather(*(store.create(run, TEXT) for run in runs))
        for run in runs:
            done = store.append(run.execution_id, 0, [event(1, run=run.execution_id, kind="run.completed")])
        await done

        assert len(await store.list_runs(status="completed")) == 1200


async def test_a_file_of_a_newer_noetl_is_refused(path: Path) -> None:
    async with opened(str(path)):
        pass
    execute(path, f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(StoreError, match=rf"runs\.db' was written by a newer noetl: its format is {VERSION + 1}"):
        await open_store(str(path))


async def test_the_database_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    execute(path, "CREATE TABLE orders (id)")

    with pytest.raises(StoreError, match=r"runs\.db' is not an event log, but another program's SQLite database"):
        await open_store(str(path))
    assert execute(path, "SELECT name FROM sqlite_master") == [("orders",)]
    assert execute(path, "PRAGMA journal_mode") == [("delete",)]


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("steps: []\n" * 100)

    with pytest.raises(StoreError, match=r"cannot open the event log '.*runs\.db': file is not a database"):
        await open_store(str(path))


async def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"cannot open the event log '.*': .*Not a directory"):
        await open_store(str(tmp_path / "file" / "below" / "runs.db"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param("DELETE FROM batches WHERE first = 1", "event 1 is missing", id="first"),
        pytest.param("DELETE FROM batches WHERE first = 3", "event 3 is missing", id="middle"),
        pytest.param(
            "UPDATE batches SET events = 'x' || events WHERE first = 3", "events 3 to 4 are not JSON: ", id="json"
        ),
        pytest.param("UPDATE batches SET events = '[]' WHERE first = 3", "events 3 to 4 are 0 events", id="count"),
    ],
)
async def test_a_damaged_log_is_not_read_as_if_it_were_whole(path: Path, damage: str, message: str) -> None:
    async with opened(str(path), RUN) as store:
        for first in (1, 3, 5):
            await store.append(ID, first - 1, events(first, first + 1))
        execute(path, damage)

        with pytest.raises(StoreError, match=f"the log of run '01JA' is damaged: {message}"):
            await store.read(ID)
        assert numbers(await store.read(ID, 4)) == [5, 6]


async def test_an_event_of_a_newer_noetl_is_refused(path: Path) -> None:
    async with opened(str(path), RUN) as store:
        await store.append(ID, 0, events(1, 2))
        execute(path, """UPDATE batches SET events = replace(events, '"v":1', '"v":2')""")

        with pytest.raises(StoreError, match="run '01JA' was recorded by a newer noetl: event 1 has version 2"):
            await store.read(ID)


async def test_an_event_of_a_newer_noetl_is_refused_for_its_version_even_when_its_shape_is_unknown(path: Path) -> None:
    async with opened(str(path), RUN) as store:
        await store.append(ID, 0, events(1, 2))
        execute(
            path, """UPDATE batches SET events = replace(replace(events, '"v":1', '"v":2'), '"step":', '"node":')"""
        )

        with pytest.raises(StoreError, match="recorded by a newer noetl"):
            await store.read(ID)


async def test_a_file_that_stays_locked_fails_the_appends_and_names_itself(path: Path) -> None:
    async with opened(str(path), RUN):
        pass
    store = await SqliteStore.open(path, busy_timeout_s=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        first, second = store.append(ID, 0, events(1, 2)), store.append(ID, 2, events(3, 3))
        for done in (first, second):
            with pytest.raises(StoreError, match=r"cannot write to the event log '.*runs\.db': database is locked"):
                await done
        assert await store.read(ID) == []
        other.execute("ROLLBACK")

    await store.append(ID, 0, events(1, 3))
    assert numbers(await store.read(ID)) == [1, 2, 3]
    await store.close()


@pytest.mark.parametrize("awaited", [False, True])
async def test_an_append_waits_for_another_process_without_holding_up_the_loop(path: Path, awaited: bool) -> None:
    async with opened(str(path), RUN) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            done = store.append(ID, 0, events(1, 2), awaited=awaited)
            for _ in range(100):
                await asyncio.sleep(0)
            assert not done.done()
            other.execute("COMMIT")
        await done


def test_a_full_disk_fails_the_append_and_leaves_the_log_readable(path: Path) -> None:
    refused, after, *rest = on_a_full_disk(path, "appends")
    assert refused.startswith(f"refused: cannot write to the event log '{path}': ")
    assert after.removeprefix("after it: ") == refused.removeprefix("refused: ")
    assert rest == ["readable: True", "with room again: True"]


def test_a_snapshot_for_which_there_is_no_room_takes_no_append_with_it(path: Path) -> None:
    assert on_a_full_disk(path, "snapshots") == ["appended: 50 saved: 0", "readable: True", "with room again: True"]


def on_a_full_disk(path: Path, what: str) -> list[str]:
    words = [sys.executable, FULL_DISK, path, what]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_store_that_nobody_closed_does_not_keep_the_process_alive(path: Path) -> None:
    script = f"import asyncio; from noetl.store import open_store; asyncio.run(open_store({str(path)!r}))"

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_loop_that_ended_before_its_appends_were_written_leaves_no_traceback(path: Path) -> None:
    async def begin() -> None:
        store = await open_store(str(path))
        await store.create(RUN, TEXT)
        for seq in range(1, 200):
            store.append(ID, seq - 1, events(seq, seq))

    asyncio.run(begin())


async def test_the_log_of_an_older_noetl_is_brought_up_and_goes_on(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("INSERT INTO playbooks VALUES ('d1', 'text')")
        connection.execute("INSERT INTO runs VALUES (?, 'p', 'running', 1, NULL, NULL, NULL, NULL, 'd1', '/')", (ID,))
        connection.execute("INSERT INTO runs VALUES ('01JB', 'p', 'running', 2, NULL, NULL, NULL, NULL, 'd1', '/')")
        batch = encode_batch(ID, 0, events(1, 2)).text.decode()
        connection.execute("INSERT INTO batches VALUES (?, 1, 2, ?)", (ID, batch))
        connection.execute("PRAGMA user_version = 1")
        connection.commit()

    async with opened(str(path)) as store:
        await store.append(ID, 2, events(3, 3))

        assert await store.read(ID) == events(1, 3)
        assert (await store.find(ID)).fence == 0
        assert [run.execution_id for run in await store.list_runs()] == [ID], "the other one was lost before it began"


async def test_runs_of_one_status_are_found_without_looking_at_the_others(path: Path) -> None:
    async with opened(str(path), RUN):
        with closing(sqlite3.connect(path)) as connection:
            asked = "SELECT * FROM runs WHERE status = 'failed' ORDER BY started_at DESC, rowid DESC LIMIT 5"
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked}")]

    assert plan == ["SEARCH runs USING INDEX runs_by_status (status=?)"]


async def test_a_strict_log_waits_for_the_disk_at_every_commit(path: Path) -> None:
    store = await open_store(str(path), durability=Durability.STRICT)
    try:
        await store.create(RUN, TEXT)
        await asyncio.gather(*(store.append(ID, seq - 1, events(seq, seq), awaited=True) for seq in range(1, 20)))

        assert numbers(await store.read(ID)) == list(range(1, 20))
    finally:
        await store.close()


async def test_a_file_gives_back_the_room_of_what_was_removed(path: Path) -> None:
    async with opened(str(path), RUN, run_named("01JB")) as store:
        for seq in range(200):
            await store.append(ID, seq, [event(seq + 1, {"text": "x" * 50_000})])
        await store.append(ID, 200, [event(201, kind=Kind.RUN_COMPLETED)])
        await store.append("01JB", 0, events(1, 3, run="01JB"))
        await store.prune(before=9_000_000)

        freed = await store.compact()

        assert freed > 9_000_000
        assert path.stat().st_size < 1_000_000
        assert numbers(await store.read("01JB")) == [1, 2, 3]
        await store.append("01JB", 3, events(4, 4, run="01JB"))
