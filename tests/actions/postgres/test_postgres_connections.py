from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from database import Database

from noetl.actions.base import Outcome
from noetl.errors import ActionError, ErrorKind
from noetl.postgres.embedded import FOLDER_VARIABLE

PASSWORD = "s3cr:t/#p"
QUOTED = "s3cr%3At%2F%23p"


@pytest.fixture
def data(database: Database) -> Path:
    """The data folder of the embedded server, where its socket is."""
    return Path(os.environ[FOLDER_VARIABLE]) / "data"


@pytest.fixture
def locked(database: Database, data: Path) -> Iterator[str]:
    """The DSN of a role that needs its password, without the password: `{}` stands for it."""
    rules = data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all locked scram-sha-256\n{before}")
    database.script(f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD}'; SELECT pg_reload_conf()")
    yield f"postgresql://locked:{{}}@/postgres?host={data}"
    rules.write_text(before)
    database.script("DROP ROLE locked; SELECT pg_reload_conf()")


def shown(error: ActionError) -> str:
    """All of an error that anybody gets to see, its causes included."""
    parts: list[Any] = [error.code, error.message, error.details, error.fields]
    cause: BaseException | None = error
    while cause is not None:
        parts.append(str(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return repr(parts)


def test_a_dsn_with_a_quoted_password_connects(database: Database, locked: str) -> None:
    outcome = database.run(connection=locked.format(QUOTED), query="SELECT current_user", fetch="value")
    assert outcome.data == "locked"


def test_a_wrong_password_fails_for_good_and_is_not_shown(database: Database, locked: str) -> None:
    error = database.fail(connection=locked.format("wr0ng-one"), query="SELECT 1")
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "28P01")
    assert error.message == 'password authentication failed for user "locked"'
    assert "wr0ng-one" not in shown(error)


def test_an_unknown_database_fails_for_good(database: Database, data: Path) -> None:
    error = database.fail(connection=f"postgresql://postgres@/nowhere?host={data}", query="SELECT 1")
    assert (error.kind, error.code, error.message) == (
        ErrorKind.PERMANENT,
        "3D000",
        'database "nowhere" does not exist',
    )


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_refused_connection_may_work_later(database: Database, closed_port: int) -> None:
    dsn = f"postgresql://me:{QUOTED}@127.0.0.1:{closed_port}/db"
    error = database.fail(connection=dsn, query="SELECT 1")
    assert (error.kind, error.code) == (ErrorKind.TRANSIENT, "08001")
    assert error.message == f"could not connect to 127.0.0.1:{closed_port}: Connection refused"
    assert QUOTED not in shown(error)
    assert PASSWORD not in shown(error)


def test_a_server_that_does_not_answer_runs_out_of_time(database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        error = database.fail(connection=f"postgresql://me@{address}/db?connect_timeout=0.1", query="SELECT 1")
    assert (error.kind, error.code) == (ErrorKind.TRANSIENT, "08001")
    assert error.message == f"could not connect to {address}: no answer in time"


def test_a_server_that_hangs_up_may_work_later(database: Database) -> None:
    async def scene() -> ActionError:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(8)
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(ActionError) as caught:
                await database.perform(connection=f"postgresql://me@127.0.0.1:{port}/db", query="SELECT 1")
        return caught.value

    error = database.stage.play(scene())
    assert (error.kind, error.code) == (ErrorKind.TRANSIENT, "08001")


@pytest.mark.parametrize(
    ("dsn", "message"),
    [
        pytest.param("host=localhost dbname=x password=s3cr:t", "does not begin with 'postgresql://'", id="key=value"),
        pytest.param("mysql://me:s3cr:t@host/db", "does not begin with 'postgresql://'", id="another scheme"),
        pytest.param("postgresql+asyncpg://me:s3cr:t@host/db", "does not begin with", id="a scheme with a driver"),
        pytest.param("embeded", "does not begin with 'postgresql://'", id="misspelt"),
        pytest.param("postgresql://me:s3cr#t@host/db", "must be percent-encoded", id="a # in the password"),
        pytest.param("postgresql://me:1/s3cr@host/db", "must be percent-encoded", id="a / in the password"),
        pytest.param("postgresql://me:1?s3cr@host/db", "must be percent-encoded", id="a ? in the password"),
        pytest.param("postgresql://me:1@s3cr@host/db", "must be percent-encoded", id="a @ in the password"),
        pytest.param("postgresql://me:s3cr[t@host/db", "cannot be read", id="a [ in the password"),
        pytest.param("postgresql://me:x@host:s3cr/db", "cannot be used", id="a port that is no number"),
        pytest.param("postgresql://me@host/db?connect_timeout=s3cr", "cannot be read", id="no number of seconds"),
        pytest.param("postgresql://me:s3cr@host/db?sslmode=often", "cannot be used", id="an unknown sslmode"),
    ],
)
def test_a_bad_dsn_fails_for_good_and_is_not_shown(database: Database, dsn: str, message: str) -> None:
    error = database.fail(connection=dsn, query="SELECT 1")
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "bad_connection")
    assert message in error.message
    assert "s3cr" not in shown(error)


def test_the_server_knows_who_we_are(database: Database, data: Path) -> None:
    query = "SELECT current_setting('application_name')"
    dsn = f"postgresql://postgres@/postgres?host={data}"
    assert database.run(connection=dsn, query=query, fetch="value").data == "noetl"
    assert database.run(connection=f"{dsn}&application_name=a%20b", query=query, fetch="value").data == "a b"
    assert database.run(connection=f"{dsn}&keepalives=1", query=query, fetch="value").data == "noetl"
    assert database.value(query) == "noetl"


def test_a_session_that_the_server_ends_may_work_later(database: Database) -> None:
    async def scene() -> ActionError:
        action = asyncio.ensure_future(database.perform(query="SELECT pg_sleep(100) AS doomed"))
        end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active'"
        while not action.done():
            await database.perform(query=f"{end} AND pid <> pg_backend_pid()", params=["%doomed%"])
        with pytest.raises(ActionError) as caught:
            await action
        assert (await database.perform(query="SELECT 1", fetch="value")).data == 1
        return caught.value

    error = database.stage.play(scene())
    assert error.kind is ErrorKind.TRANSIENT
    # Which of the two depends on whether its last words were read before the end.
    assert error.code in ("57P01", "08003", "08006")


def test_a_killed_embedded_server_fails_what_runs_and_is_up_again_for_what_follows(
    database: Database, data: Path
) -> None:
    database.script("CREATE TABLE kept (a int); INSERT INTO kept VALUES (7)")

    async def scene() -> ActionError:
        idle = [database.perform(query="SELECT pg_sleep(0.01)") for _ in range(5)]
        await asyncio.gather(*idle)
        action = asyncio.ensure_future(database.perform(query="SELECT pg_sleep(100) AS doomed"))
        query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%doomed' AND state = 'active'"
        while (await database.perform(query=query, fetch="value")).data != 1:
            await asyncio.sleep(0.01)
        os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        with pytest.raises(ActionError) as caught:
            await action
        rows = [retried(query="SELECT a FROM kept", fetch="value") for _ in range(5)]
        assert await asyncio.gather(*rows) == [7] * 5
        return caught.value

    async def retried(**options: Any) -> Any:
        """As a retry would: a connection that was idle may not know yet that it is lost."""
        for _ in range(3):
            [result] = await asyncio.gather(database.perform(**options), return_exceptions=True)
            if isinstance(result, Outcome):
                return result.data
            assert isinstance(result, ActionError)
            assert result.kind is ErrorKind.TRANSIENT
        raise AssertionError("the server is not up again")

    error = database.stage.play(scene())
    assert error.kind is ErrorKind.TRANSIENT
    assert error.code in ("08003", "08006", "57P01", "57P02")
