"""What is particular to the Postgres store: its schema, and what becomes of it when a connection or the server ends."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cutting_proxy import CuttingProxy
from sample_runs import RUN, TEXT, event, events, numbers, opened, run_named

from noetl.errors import LostOwnership, StoreError
from noetl.model.event import Kind
from noetl.postgres.embedded import FOLDER_VARIABLE, EmbeddedServer
from noetl.store import DeadLetter, Durability, Owner, open_store
from noetl.store.encoding import encode_batch
from noetl.store.postgres.location import read_location
from noetl.store.postgres.migrations import MIGRATIONS
from noetl.store.postgres.schema import ensure_tables, migrate
from noetl.store.postgres.server import Server

ID = RUN.execution_id
NEWER = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN colour text",))


@pytest.fixture
def data(embedded: EmbeddedServer) -> Path:
    """The data folder of the embedded server, where its socket is."""
    return Path(os.environ[FOLDER_VARIABLE]) / "data"


@pytest.fixture
def schema(postgres_url: str) -> str:
    return postgres_url.rpartition("=")[2]


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="noetl") as folder:
        yield Path(folder)


@asynccontextmanager
async def connected(data: Path, schema: str = "public") -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """What another program does to the database."""
    connection = await asyncpg.connect(
        host=str(data), user="postgres", database="postgres", server_settings={"search_path": schema}
    )
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def server_of(url: str) -> AsyncIterator[Server]:
    server = await Server.open(read_location(url), Durability.RELAXED)
    try:
        yield server
    finally:
        await server.close()


async def test_stores_that_open_an_empty_schema_at_once_all_find_it_ready(postgres_url: str) -> None:
    stores = await asyncio.gather(*(open_store(postgres_url) for _ in range(6)))
    for number, store in enumerate(stores):
        await store.create(run_named(f"01J{number}"), TEXT)

    assert len(await stores[0].list_runs()) == 6
    await asyncio.gather(*(store.close() for store in stores))


async def test_two_schemas_of_a_database_share_nothing(postgres_url: str) -> None:
    async with opened(postgres_url, RUN) as one, opened(f"{postgres_url}_b") as other:
        assert await other.list_runs() == []
        assert len(await one.list_runs()) == 1


async def test_an_older_log_is_brought_up_only_when_that_is_asked_for(postgres_url: str) -> None:
    async with opened(postgres_url, RUN) as store:
        await store.append(ID, 0, events(1, 2))

    async with server_of(postgres_url) as server:
        older, newer = len(MIGRATIONS), len(NEWER)
        with pytest.raises(
            StoreError,
            match=rf"of version {older}, this noetl wants version {newer} \(stop .* 'noetl store migrate'",
        ):
            await ensure_tables(server, create=True, migrations=NEWER)
        upgrades = [server.ask(lambda connection: migrate(connection, server, NEWER)) for _ in range(3)]
        assert sorted(await asyncio.gather(*upgrades)) == [(older, newer), (newer, newer), (newer, newer)]
        await ensure_tables(server, create=True, migrations=NEWER)
        (row,) = await server.ask(lambda connection: connection.fetch("SELECT last, colour FROM runs"))

    assert tuple(row) == (2, None)


async def test_the_log_of_an_older_noetl_is_brought_up_and_goes_on(postgres_url: str) -> None:
    batch = encode_batch(ID, 0, events(1, 2)).text.decode()
    made = "INSERT INTO runs (execution_id, playbook, status, started_at, fence, digest, folder, last) "
    async with server_of(postgres_url) as server:
        await ensure_tables(server, create=True, migrations=MIGRATIONS[:1])
        for statement in (
            "INSERT INTO playbooks VALUES ('d1', 'text')",
            f"{made} VALUES ('{ID}', 'p', 'running', 1, 1, 'd1', '/', 2), ('01JB', 'p', 'running', 2, 1, 'd1', '/', 0)",
            f"INSERT INTO batches VALUES ('{ID}', 1, 2, convert_to($${batch}$$, 'UTF8'))",
        ):
            await server.ask(lambda connection, statement=statement: connection.execute(statement))
        await server.ask(lambda connection: migrate(connection, server))

    async with opened(postgres_url) as store:
        await store.append(ID, 2, events(3, 3), fence=1)

        assert await store.read(ID) == events(1, 3)
        assert [run.execution_id for run in await store.list_runs()] == [ID], "the other one was lost before it began"


async def test_runs_of_one_status_are_found_without_looking_at_the_others(postgres_url: str) -> None:
    asked = "SELECT * FROM runs WHERE status = 'failed' ORDER BY started_at DESC, number DESC LIMIT 5"
    async with opened(postgres_url, RUN), server_of(postgres_url) as server:
        rows = await server.ask(lambda connection: connection.fetch(f"EXPLAIN {asked}"))
    plan = [str(row[0]) for row in rows]

    assert "Index Scan Backward using runs_by_status on runs" in plan[1]
    assert not any("Sort" in line for line in plan)


async def test_a_log_of_a_newer_noetl_is_refused(postgres_url: str) -> None:
    async with server_of(postgres_url) as server:
        await server.ask(lambda connection: migrate(connection, server, NEWER))

    with pytest.raises(StoreError, match=r"written by a newer noetl: its version is \d, this noetl knows up to \d"):
        await open_store(postgres_url)


async def test_a_schema_with_tables_of_others_is_refused_and_left_alone(
    postgres_url: str, schema: str, data: Path
) -> None:
    async with connected(data) as other:
        await other.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.orders (id int)")

        with pytest.raises(StoreError, match=rf"the schema '{schema}' .* has tables that are not an event log's"):
            await open_store(postgres_url)
        assert await other.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = $1", schema) == 1


async def test_a_schema_that_somebody_made_for_it_is_used(postgres_url: str, schema: str, data: Path) -> None:
    async with connected(data) as other:
        await other.execute(f"CREATE SCHEMA {schema}")

    async with opened(postgres_url, RUN) as store:
        assert len(await store.list_runs()) == 1


async def test_nothing_is_made_for_somebody_who_only_looks(postgres_url: str, schema: str, data: Path) -> None:
    with pytest.raises(StoreError, match="there is no event log in the embedded Postgres"):
        await open_store(postgres_url, create=False)
    async with connected(data) as other:
        assert await other.fetchval("SELECT to_regnamespace($1)", schema) is None


async def test_the_view_of_events_has_a_row_for_each_and_shows_a_sign_for_nul(
    postgres_url: str, schema: str, data: Path
) -> None:
    async with opened(postgres_url, RUN) as store:
        await store.append(ID, 0, [event(1, {"a": "é\0\0", "b": "\\u0000"}), event(2)])
        await store.append(ID, 2, [event(3)])

    async with connected(data, schema) as other:
        rows = await other.fetch(
            "SELECT seq, at, kind, step, token, data->>'a', data->>'b', v FROM events ORDER BY seq"
        )
    assert [tuple(row) for row in rows] == [
        (1, 1_000_001, "step.started", "s1", "0.1", "é\ufffd\ufffd", "\\u0000", 1),
        (2, 1_000_002, "step.started", "s2", "0.1", None, None, 1),
        (3, 1_000_003, "step.started", "s3", "0.1", None, None, 1),
    ]


async def test_what_the_server_cannot_hold_fails_alone(postgres_url: str) -> None:
    async with opened(postgres_url) as store:
        bad = store.create(run_named("01JB", playbook="nul \0"), TEXT)
        good = store.create(run_named("01JC"), TEXT)
        refused, made = await asyncio.gather(bad, good, return_exceptions=True)

        assert made is None
        assert isinstance(refused, StoreError)
        assert str(refused).startswith("the event log in the embedded Postgres cannot hold this: ")


async def test_large_values_are_in_a_table_and_go_with_the_last_run_that_needs_them(
    postgres_url: str, schema: str, data: Path
) -> None:
    store = await open_store(postgres_url, artifact_limit=1000)
    page = {"page": "x" * 5000}
    for name in ("01JA", "01JB"):
        await store.create(run_named(name), TEXT)
        await store.append(name, 0, [event(1, page, run=name), event(2, run=name, kind=Kind.RUN_COMPLETED)])
    assert (await store.read("01JA"))[0].data == page

    async with connected(data, schema) as other:
        assert await other.fetchval("SELECT count(*) FROM artifacts") == 1
        await other.execute("UPDATE artifacts SET used_at = now() - interval '1 hour'")
        assert (await store.prune(before=10**9, dry_run=True)).artifacts == 1
        assert (await store.prune(before=10**9)).artifacts == 1
        assert await other.fetchval("SELECT count(*) FROM artifacts") == 0
    await store.close()


async def test_a_missing_artifact_is_an_error_that_names_run_and_event(
    postgres_url: str, schema: str, data: Path
) -> None:
    store = await open_store(postgres_url, artifact_limit=1000)
    await store.create(RUN, TEXT)
    await store.append(ID, 0, [event(1, {"page": "x" * 5000})])
    async with connected(data, schema) as other:
        await other.execute("DELETE FROM artifacts")

    with pytest.raises(StoreError, match=rf"event 1 \(step.started\) of run '{ID}' cannot be read: .* is missing"):
        await store.read(ID)
    await store.close()


async def test_a_command_that_another_process_posts_is_heard_of(postgres_url: str) -> None:
    async with opened(postgres_url, run_named(ID, engine="one")) as engine, opened(postgres_url) as other:
        assert await engine.commands("one") == []

        posted = await other.post(ID, "pause", {}, at=3)

        while not (found := await engine.commands("one")):
            await asyncio.sleep(0.01)
        assert found == [posted]
        assert await engine.commands("one") == [posted]
        await engine.settle([posted.id])
        assert await engine.commands("one") == []


async def test_a_command_is_heard_of_after_the_connection_that_listens_was_lost(postgres_url: str, data: Path) -> None:
    async with opened(postgres_url, run_named(ID, engine="one")) as engine, connected(data) as other:
        assert await engine.commands("one") == []
        await other.execute(terminating("LISTEN%"))
        async with opened(postgres_url) as poster:
            posted = await poster.post(ID, "pause", {}, at=3)

        while not (found := await engine.commands("one")):
            await asyncio.sleep(0.01)
        assert found == [posted]


def terminating(queries: str) -> str:
    """Ends the sessions of noetl whose last statement was like this."""
    return (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        f"WHERE application_name = 'noetl' AND query LIKE '{queries}'"
    )


async def test_appends_go_on_when_their_connections_are_ended_and_none_is_lost_or_written_twice(
    postgres_url: str, data: Path
) -> None:
    runs = [run_named(f"01J{number:02}") for number in range(10)]

    async with opened(postgres_url, *runs) as store, connected(data) as other:

        async def execute(run: str) -> None:
            for seq in range(1, 61):
                await store.append(run, seq - 1, events(seq, seq, run=run))

        executing = [asyncio.create_task(execute(run.execution_id)) for run in runs]
        for _ in range(8):
            await other.execute(terminating("%"))
            await store.read(runs[0].execution_id)
        await asyncio.gather(*executing)

        for run in runs:
            assert await store.read(run.execution_id) == events(1, 60, run=run.execution_id)


@asynccontextmanager
async def cut(data: Path, folder: Path, schema: str) -> AsyncIterator[tuple[CuttingProxy, Any]]:
    """A store behind a proxy that can lose answers, with RUN in it."""
    proxy = CuttingProxy(str(data), folder)
    async with proxy.listening() as dsn, opened(f"{dsn}&schema={schema}", RUN) as store:
        yield proxy, store


async def test_an_append_whose_answer_was_lost_is_found_out_to_be_written(
    data: Path, short_folder: Path, schema: str
) -> None:
    async with cut(data, short_folder, schema) as (proxy, store):
        await store.append(ID, 0, events(1, 1))
        proxy.cut_after(b"step.started")

        first = store.append(ID, 1, events(2, 3))
        second = store.append(ID, 3, events(4, 4))
        await first
        await second

        assert proxy.cuts == 1
        assert numbers(await store.read(ID)) == [1, 2, 3, 4]


async def test_an_append_whose_answer_was_lost_is_not_taken_for_the_same_events_of_another(
    data: Path, short_folder: Path, schema: str
) -> None:
    async with cut(data, short_folder, schema) as (proxy, store), opened(f"embedded:?schema={schema}") as other:
        await other.append(ID, 0, [event(1, {"author": "other"})])
        proxy.cut_after(b"step.started")

        with pytest.raises(StoreError, match="its log ends with event 1, not with event 0"):
            await store.append(ID, 0, [event(1, {"author": "me"})])
        assert proxy.cuts == 1


async def test_a_creation_whose_answer_was_lost_is_no_duplicate(data: Path, short_folder: Path, schema: str) -> None:
    async with cut(data, short_folder, schema) as (proxy, store):
        proxy.cut_after(b"weekly")

        await store.create(run_named("01JB", key="weekly"), TEXT)

        assert proxy.cuts == 1
        with pytest.raises(StoreError, match="already has a run '01JB'"):
            await store.create(run_named("01JB", key="weekly"), TEXT)


async def test_what_is_posted_buried_or_claimed_again_after_a_lost_answer_is_there_once(
    data: Path, short_folder: Path, schema: str
) -> None:
    letter = DeadLetter(id=0, kind="action", execution_id=ID, at=5, cause={"code": "lost"}, data={})
    async with cut(data, short_folder, schema) as (proxy, store):
        proxy.cut_after(b"engine-one")
        assert await store.claim(ID, "engine-one", now=1) == 1
        proxy.cut_after(b"the-signal")
        posted = await store.post(ID, "signal", {"event": "the-signal"}, at=3)
        proxy.cut_after(b"lost")
        await store.bury(letter)

        assert proxy.cuts == 3
        assert await store.commands("engine-one") == [posted]
        assert len(await store.dead_letters()) == 1


@pytest.fixture
def own_server(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """A server of this test alone, which it may stop."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(short_folder))
    server = EmbeddedServer.of_user()
    server.join()
    yield server
    server.leave()


def stop(server: EmbeddedServer) -> None:
    server._cluster.stop()


async def test_a_server_that_is_restarted_in_the_middle_costs_nothing(own_server: EmbeddedServer) -> None:
    dsn = f"postgresql://postgres@/postgres?host={own_server.folder}/data"
    store = await open_store(dsn, durability=Durability.STRICT)
    await store.create(RUN, TEXT)
    written = asyncio.Event()

    async def execute() -> int:
        for seq in count(1):
            await store.append(ID, seq - 1, events(seq, seq))
            if seq == 20:
                written.set()
            if again.is_set():
                return seq
        return 0

    again = asyncio.Event()
    executing = asyncio.create_task(execute())
    await written.wait()
    await asyncio.to_thread(stop, own_server)
    reading = asyncio.create_task(store.list_runs())
    await asyncio.to_thread(own_server.revive)
    assert len(await reading) == 1
    again.set()

    assert await store.read(ID) == events(1, await executing)
    await store.close()


async def test_a_server_that_stays_away_fails_the_appends_when_patience_ends(own_server: EmbeddedServer) -> None:
    dsn = f"postgresql://postgres:s3cret@/postgres?host={own_server.folder}/data&reconnect_timeout=0"
    store = await open_store(dsn)
    await store.create(RUN, TEXT)
    await asyncio.to_thread(stop, own_server)

    first, second = store.append(ID, 0, events(1, 2)), store.append(ID, 2, events(3, 3))
    for done in (first, second):
        with pytest.raises(StoreError, match=r"cannot reach the event log at '.*': .* \(is the server up\?") as failed:
            await done
        assert "s3cret" not in str(failed.value)
    with pytest.raises(StoreError, match="cannot reach the event log"):
        await store.read(ID)

    await asyncio.to_thread(own_server.revive)
    await store.append(ID, 0, events(1, 3))
    assert numbers(await store.read(ID)) == [1, 2, 3]
    await store.close()


async def test_the_embedded_server_is_started_again_when_it_has_died(own_server: EmbeddedServer) -> None:
    async with opened("embedded", RUN) as store:
        await store.append(ID, 0, events(1, 1))
        await asyncio.to_thread(stop, own_server)

        await store.append(ID, 1, events(2, 2))

        assert numbers(await store.read(ID)) == [1, 2]


async def test_of_an_engine_and_one_that_takes_its_run_over_only_one_writes_each_event(postgres_url: str) -> None:
    """However the claim falls between the appends, all that the old engine was told is durable stays, and no more."""
    owner = Owner(engine="one", host="srv", boot="b", pid=1, started=1, expires_at=10)
    async with opened(postgres_url, run_named(ID, engine="one", fence=1)) as one, opened(postgres_url) as two:
        await one.enter(owner)

        async def old() -> int:
            for seq in count(1):
                try:
                    await one.append(ID, seq - 1, [event(seq, {"by": 1})], fence=1)
                except LostOwnership:
                    return seq - 1
            return 0

        driving = asyncio.create_task(old())
        while not await two.read(ID):
            await asyncio.sleep(0)
        fence = await two.claim(ID, "two", now=11)
        seen = len(await two.read(ID))
        await two.append(ID, seen, [event(seen + 1, {"by": 2})], fence=fence)

        assert await driving == seen
        assert [found.data["by"] for found in await two.read(ID)] == [1] * seen + [2]


PASSWORD = "s3cr:t/#p"
QUOTED = "s3cr%3At%2F%23p"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param(
            f"postgresql://me:{QUOTED}@127.0.0.1:1/log",
            "cannot reach the event log at '127.0.0.1:1/log': Connection refused",
            id="nobody there",
        ),
        pytest.param(
            f"postgres://me:{PASSWORD}@host/log",
            "the URL of the event log has a '@', '/', '?' or '#' that must be percent-encoded, as it is in a password; "
            "it looks like 'postgresql://user:password@host:5432/database'",
            id="not encoded",
        ),
        pytest.param(
            f"postgresql://me:{QUOTED}@127.0.0.1:1/log?schema=My+Log",
            "'schema' in the URL of the event log cannot be 'My Log' (lower-case letters, digits and '_', at most 50)",
            id="schema",
        ),
        pytest.param(
            f"postgresql://me:{QUOTED}@127.0.0.1:1/log?reconnect_timeout=soon",
            "'reconnect_timeout' in the URL of the event log is a number of seconds, got 'soon'",
            id="patience",
        ),
        pytest.param(
            f"postgresql://me:{QUOTED}@127.0.0.1:1/log?sslmode=sometimes",
            "the URL of the event log at '127.0.0.1:1/log' cannot be used",
            id="refused by the driver",
        ),
        pytest.param(
            f"oracle://me:{QUOTED}@127.0.0.1:1/log",
            "an event log is opened by 'memory:', 'sqlite:PATH', the path of a file, 'postgresql://HOST/DATABASE' or "
            "'embedded', not by 'oracle:' (a path with a colon in it begins with './')",
            id="scheme",
        ),
        pytest.param(
            "embedded:runs",
            "'embedded:runs' is not the URL of an event log; it is 'embedded' or 'embedded:?schema=NAME'",
            id="embedded",
        ),
    ],
)
async def test_a_url_that_opens_nothing_is_refused_without_its_password(url: str, message: str) -> None:
    with pytest.raises(StoreError) as refused:
        await open_store(url)
    assert str(refused.value) == message


@pytest.fixture
def locked(data: Path) -> Iterator[str]:
    """The role of this name needs its password."""
    rules = data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all keeper scram-sha-256\n{before}")

    async def execute(statement: str) -> None:
        async with connected(data) as other:
            await other.execute(statement)

    asyncio.run(execute(f"CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}'"))
    asyncio.run(execute("GRANT CREATE ON DATABASE postgres TO keeper; SELECT pg_reload_conf()"))
    yield "keeper"
    rules.write_text(before)
    asyncio.run(execute("DROP OWNED BY keeper CASCADE; DROP ROLE keeper; SELECT pg_reload_conf()"))


def test_a_wrong_password_is_said_at_once_and_not_shown(locked: str, data: Path, schema: str) -> None:
    url = f"postgresql://keeper:{{}}@/postgres?host={data}&schema={schema}"

    with pytest.raises(StoreError, match='password authentication failed for user "keeper"') as refused:
        asyncio.run(open_store(url.format("wr0ng-one")))
    assert "wr0ng-one" not in str(refused.value)

    async def use() -> str:
        async with opened(url.format(QUOTED), RUN) as store:
            return (await store.about()).place

    assert PASSWORD not in asyncio.run(use())
