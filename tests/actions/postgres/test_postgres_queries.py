from __future__ import annotations

import asyncio
from typing import Any

import pytest
from database import Database

from noetl.errors import ActionError, ErrorKind

THREE = "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, NULL)) AS t (n, s) ORDER BY n"


@pytest.mark.parametrize(
    ("options", "data", "row_count", "columns"),
    [
        pytest.param(
            {"query": THREE},
            [{"n": 1, "s": "a"}, {"n": 2, "s": "b"}, {"n": 3, "s": None}],
            3,
            ["n", "s"],
            id="all rows by default",
        ),
        pytest.param({"query": THREE, "fetch": "one"}, {"n": 1, "s": "a"}, 1, ["n", "s"], id="one"),
        pytest.param({"query": THREE, "fetch": "value"}, 1, 1, ["n", "s"], id="value"),
        pytest.param({"query": THREE, "fetch": "none"}, None, 3, ["n", "s"], id="none"),
        pytest.param({"query": "SELECT 1 AS n WHERE false"}, [], 0, ["n"], id="no rows"),
        pytest.param({"query": "SELECT 1 AS n WHERE false", "fetch": "one"}, None, 0, ["n"], id="one of no rows"),
        pytest.param({"query": "SELECT 1 AS n WHERE false", "fetch": "value"}, None, 0, ["n"], id="value of no rows"),
        pytest.param({"query": "CREATE TABLE t (a int)"}, [], 0, [], id="a definition"),
        pytest.param({"query": "CREATE TABLE t (a int)", "fetch": "value"}, None, 0, [], id="value of a definition"),
        pytest.param({"query": "INSERT INTO orders SELECT generate_series(4, 8)"}, [], 5, [], id="a change"),
        pytest.param(
            {"query": "UPDATE orders SET id = id + 10 RETURNING id", "fetch": "value"},
            11,
            3,
            ["id"],
            id="the first of what a change returns",
        ),
        pytest.param(
            {"query": "WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) AS n FROM gone", "fetch": "one"},
            {"n": 3},
            1,
            ["n"],
            id="a change within a query",
        ),
        pytest.param({"query": "SELECT 1 AS a, 2 AS a", "fetch": "value"}, 1, 1, ["a", "a"], id="value needs no names"),
        pytest.param({"query": "SELECT 1 AS n; -- done"}, [{"n": 1}], 1, ["n"], id="a semicolon at the end"),
        pytest.param({"query": "-- nothing"}, [], 0, [], id="a comment"),
        pytest.param(
            {"query": "SELECT relkind AS k FROM pg_class WHERE relname = 'orders'"},
            [{"k": "r"}],
            1,
            ["k"],
            id="a kind from the catalog",
        ),
        pytest.param(
            {"query": THREE, "max_rows": 3, "fetch": "all"},
            [{"n": 1, "s": "a"}, {"n": 2, "s": "b"}, {"n": 3, "s": None}],
            3,
            ["n", "s"],
            id="as many rows as may be",
        ),
        pytest.param({"query": "INSERT INTO orders VALUES (9)", "max_rows": 5}, [], 1, [], id="a change with a bound"),
        pytest.param(
            {"query": "SELECT :a::int + :b AS sum", "params": {"a": 1, "b": 2, "c": 3}},
            [{"sum": 3}],
            1,
            ["sum"],
            id="names",
        ),
        pytest.param(
            {"query": "SELECT $2::int - $1 AS rest", "params": [1, 5]}, [{"rest": 4}], 1, ["rest"], id="numbers"
        ),
    ],
)
def test_a_query_gives_what_is_fetched(
    database: Database, options: dict[str, Any], data: Any, row_count: int, columns: list[str]
) -> None:
    database.script("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2), (3)")
    outcome = database.run(**options)
    assert outcome.data == data
    assert outcome.fields == {"row_count": row_count, "columns": columns}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        pytest.param(
            {"query": "SELECT *\nFROM ordrs"},
            "42P01",
            'relation "ordrs" does not exist (line 2, column 6)',
            id="an unknown table",
        ),
        pytest.param(
            {"query": "SELECT :größe::int,\n wrong(:größe)", "params": {"größe": 1}},
            "42883",
            "function wrong(integer) does not exist (line 2, column 2)",
            id="a position after names",
        ),
        pytest.param({"query": "SELECT 1 / 0"}, "22012", "division by zero", id="no position"),
        pytest.param(
            {"query": "SELECT 1; SELECT 2"},
            "42601",
            "cannot insert multiple commands into a prepared statement; list the statements under 'queries', or put "
            "them into a 'script'",
            id="several statements",
        ),
        pytest.param(
            {"query": "SELECT :id"},
            "42601",
            "syntax error at or near \":\"; ':name' needs 'params' to be a mapping (line 1, column 8)",
            id="a name without a mapping",
        ),
        pytest.param(
            {"query": "\\d"},
            "42601",
            'syntax error at or near "\\"; a command of psql is not SQL (line 1, column 1)',
            id="a command of psql",
        ),
        pytest.param(
            {"query": "SELECT 1 AS a, 2 AS a"},
            "duplicate_column",
            "the query has 2 columns named 'a'; give them different names with AS",
            id="two columns of one name",
        ),
        pytest.param(
            {"query": "SELECT generate_series(1, 10)", "max_rows": 9},
            "too_many_rows",
            "the query gives more than 9 rows, which is its 'max_rows'",
            id="more rows than may be",
        ),
        pytest.param(
            {"query": "BEGIN"},
            "bad_query",
            "the query leaves a transaction open, so it was rolled back; end it with COMMIT, or use 'queries'",
            id="an open transaction",
        ),
        pytest.param(
            {"query": "COPY orders FROM STDIN"},
            "bad_query",
            "COPY has no STDIN and no STDOUT here; use 'copy_from' and 'copy_to'",
            id="a copy from nowhere",
        ),
        pytest.param(
            {"query": "SELECT $1", "params": []},
            "bad_parameter",
            "the query takes 1 parameter, but 'params' has none",
            id="a parameter too few",
        ),
        pytest.param(
            {"query": "SELECT 1", "params": [1, 2]},
            "bad_parameter",
            "the query takes no parameters, but 'params' has 2",
            id="parameters too many",
        ),
        pytest.param(
            {"queries": ["SELECT 1", "INSERT INTO orders VALUES ('x')"]},
            "22P02",
            'query 2 of 2: invalid input syntax for type integer: "x" (line 1, column 28)',
            id="the second query",
        ),
        pytest.param(
            {"queries": ["SELECT 1", {"query": "SELECT :a", "params": {"b": 1}}]},
            "bad_parameter",
            "the query has ':a' but 'params' does not",
            id="a parameter of the second query",
        ),
        pytest.param(
            {"queries": ["INSERT INTO orders VALUES (7)", "commit"]},
            "bad_query",
            "query 2 of 2 is COMMIT, but 'queries' is a transaction of its own; leave it out",
            id="a commit",
        ),
    ],
)
def test_a_bad_query_fails_for_good_with_its_code(
    database: Database, options: dict[str, Any], code: str, message: str
) -> None:
    database.script("CREATE TABLE orders (id int)")
    error = database.fail(**options)
    assert (error.kind, error.code, error.message) == (ErrorKind.PERMANENT, code, message)
    assert database.rows("SELECT id FROM orders") == []


def test_an_error_says_what_the_server_knows(database: Database) -> None:
    database.script("CREATE TABLE orders (id int PRIMARY KEY, amount int NOT NULL); INSERT INTO orders VALUES (1, 1)")
    error = database.fail(query="INSERT INTO orders VALUES (1, 2)")
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "23505")
    assert error.details == {
        "sqlstate": "23505",
        "severity": "ERROR",
        "detail": "Key (id)=(1) already exists.",
        "schema": "public",
        "table": "orders",
        "constraint": "orders_pkey",
    }
    assert database.fail(query="INSERT INTO orders VALUES (2)").details["column"] == "amount"
    assert database.fail(query="SELECT\n nope").details.items() >= {"line": 2, "position": 9}.items()


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        pytest.param("08006", ErrorKind.TRANSIENT, id="connection"),
        pytest.param("40001", ErrorKind.TRANSIENT, id="serialization"),
        pytest.param("40P01", ErrorKind.TRANSIENT, id="deadlock"),
        pytest.param("53300", ErrorKind.TRANSIENT, id="too many connections"),
        pytest.param("57014", ErrorKind.TRANSIENT, id="statement timeout"),
        pytest.param("55P03", ErrorKind.TRANSIENT, id="lock not available"),
        pytest.param("55006", ErrorKind.PERMANENT, id="object in use"),
        pytest.param("23514", ErrorKind.PERMANENT, id="check"),
        pytest.param("28000", ErrorKind.PERMANENT, id="not allowed in"),
        pytest.param("42501", ErrorKind.PERMANENT, id="not allowed"),
        pytest.param("P0001", ErrorKind.PERMANENT, id="raised by a function"),
        pytest.param("ZZ999", ErrorKind.PERMANENT, id="unknown"),
    ],
)
def test_the_class_of_an_error_follows_its_code(database: Database, sqlstate: str, kind: ErrorKind) -> None:
    error = database.fail(query=f"DO $$ BEGIN RAISE 'on purpose' USING ERRCODE = '{sqlstate}'; END $$")
    assert (error.kind, error.code, error.message) == (kind, sqlstate, "on purpose")


def test_queries_are_one_transaction_and_give_the_last_data(database: Database) -> None:
    outcome = database.run(
        queries=[
            "CREATE TABLE orders (id int)",
            {"query": "INSERT INTO orders VALUES (:id), (:id + 1)", "params": {"id": 7}},
            "SAVEPOINT before",
            "DELETE FROM orders",
            "ROLLBACK TO before",
            {"query": "SELECT id FROM orders WHERE id > $1", "params": [7]},
        ],
        fetch="value",
    )
    assert outcome.data == 8
    database.fail(queries=["DELETE FROM orders", "SELECT 1 / 0"])
    assert database.rows("SELECT count(*) FROM orders") == [(2,)]


def test_a_script_is_one_transaction(database: Database) -> None:
    script = database.stage.folder / "setup.sql"
    script.write_text("\ufeffCREATE TABLE orders (id int);\n-- ':x' $$\nINSERT INTO orders VALUES (1), (2);\n")
    outcome = database.run(script="setup.sql")
    assert (outcome.data, outcome.fields["row_count"]) == (None, 2)
    script.write_text("DELETE FROM orders;\n\nSELECT ordr FROM orders;\n")
    error = database.fail(script="setup.sql")
    assert (error.code, error.details["line"]) == ("42703", 3)
    assert error.message == 'column "ordr" does not exist (setup.sql:3:8)'
    assert database.rows("SELECT count(*) FROM orders") == [(2,)]


def test_a_script_may_have_transactions_of_its_own(database: Database) -> None:
    script = database.stage.folder / "two.sql"
    script.write_text("BEGIN; CREATE TABLE orders (id int); COMMIT; INSERT INTO orders VALUES (1)")
    database.run(script="two.sql")
    assert database.rows("SELECT id FROM orders") == [(1,)]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        pytest.param(
            b"BEGIN; SELECT 1;",
            "bad_query",
            "'bad.sql' leaves a transaction open, so it was rolled back; end it with COMMIT, or use 'queries'",
            id="an open transaction",
        ),
        pytest.param(
            b"CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\n\\.\n",
            "bad_query",
            "COPY has no STDIN and no STDOUT here; use 'copy_from' and 'copy_to'",
            id="data of pg_dump",
        ),
        pytest.param(b"SELECT 1;\n-- \xff", "bad_file", "is not UTF-8 text in line 2", id="no text"),
        pytest.param(None, "file_not_found", "there is no file", id="no file"),
    ],
)
def test_a_bad_script_fails_for_good(database: Database, text: bytes | None, code: str, message: str) -> None:
    if text is not None:
        (database.stage.folder / "bad.sql").write_bytes(text)
    error = database.fail(script="bad.sql")
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, code)
    assert message in error.message


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_script_that_ends_within_its_transaction_leaves_nothing_of_it(database: Database, cancelled: bool) -> None:
    database.script("CREATE TABLE orders (id int)")
    last = "SELECT pg_sleep(100) AS within" if cancelled else "SELECT 1 / 0"
    (database.stage.folder / "stopped.sql").write_text(f"BEGIN; INSERT INTO orders VALUES (1); {last}; COMMIT;")
    surprises: list[object] = []

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: surprises.append(context))
        action = asyncio.ensure_future(database.perform(script="stopped.sql"))
        if cancelled:
            await wait_until_active(database, "within", 1)
            action.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else ActionError):
            await action

    database.stage.play(scene())
    assert surprises == []
    assert database.rows("SELECT * FROM orders") == []


@pytest.mark.parametrize("text", ["", "-- nothing\n", ";;"])
def test_an_empty_script_does_nothing(database: Database, text: str) -> None:
    (database.stage.folder / "empty.sql").write_text(text)
    assert database.run(script="empty.sql").fields == {"row_count": 0, "columns": []}


def test_notices_are_lines_of_output(database: Database) -> None:
    database.run(query="DO $$ BEGIN RAISE NOTICE 'step %', 1; RAISE WARNING 'careful'; END $$")
    database.run(query="DROP TABLE IF EXISTS nothing")
    assert database.stage.lines == [
        ("notice", "NOTICE:  step 1"),
        ("notice", "WARNING:  careful"),
        ("notice", 'NOTICE:  table "nothing" does not exist, skipping'),
    ]


def test_nothing_of_a_session_reaches_the_next_action(database: Database) -> None:
    async def scene() -> Any:
        await database.perform(query="SET statement_timeout = 12345")
        await database.perform(query="CREATE TEMP TABLE leftover (a int)")
        await database.perform(query="SELECT pg_advisory_lock(1)", fetch="none")
        return await database.perform(
            query="SELECT current_setting('statement_timeout') AS timeout, to_regclass('leftover') AS leftover, "
            "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks",
            fetch="one",
        )

    outcome = database.stage.play(scene())
    assert outcome.data == {"timeout": "0", "leftover": None, "locks": 0}


def test_more_actions_than_connections_take_turns(database: Database) -> None:
    async def scene() -> list[Any]:
        queries = ["SELECT $1::int, pg_sleep(0.01)"] * 40
        actions = [database.perform(query=q, params=[n], fetch="value") for n, q in enumerate(queries)]
        return [outcome.data for outcome in await asyncio.gather(*actions)]

    assert database.stage.play(scene()) == list(range(40))


async def wait_until_active(database: Database, marker: str, count: int) -> None:
    """Until the server is at work on so many statements with the marker."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()"
    while (await database.perform(query=query, params=[f"%{marker}%"], fetch="value")).data != count:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"query": "SELECT pg_sleep(100) AS endless"}, id="a query"),
        pytest.param({"queries": ["SELECT 1", "SELECT pg_sleep(100) AS endless"]}, id="queries"),
        pytest.param({"script": "endless.sql"}, id="a script"),
        pytest.param({"copy_to": {"file": "x.csv", "query": "SELECT pg_sleep(100) AS endless"}}, id="an export"),
        pytest.param({"copy_from": {"file": "endless.csv", "table": "endless"}}, id="a load"),
        pytest.param({"query": "SELECT pg_sleep(100) AS endless", "max_rows": 5}, id="a query with a bound"),
    ],
)
def test_a_cancelled_action_ends_on_the_server_and_leaves_its_connections_well(
    database: Database, options: dict[str, Any]
) -> None:
    (database.stage.folder / "endless.sql").write_text("SELECT 1; SELECT pg_sleep(100) AS endless;")
    (database.stage.folder / "endless.csv").write_text("a\n1\n2\n")
    database.script(
        "CREATE TABLE endless (a int); CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(100); RETURN new; END $$; "
        "CREATE TRIGGER wait BEFORE INSERT ON endless FOR EACH ROW EXECUTE FUNCTION wait()"
    )

    async def scene() -> list[Any]:
        action = asyncio.ensure_future(database.perform(**options))
        await wait_until_active(database, "endless", 1)
        action.cancel()
        with pytest.raises(asyncio.CancelledError):
            await action
        await wait_until_active(database, "endless", 0)
        again = [database.perform(query="SELECT $1::int", params=[n], fetch="value") for n in range(20)]
        return [outcome.data for outcome in await asyncio.gather(*again)]

    assert database.stage.play(scene()) == list(range(20))
    assert database.rows("SELECT count(*) FROM endless") == [(0,)]
    assert sorted(path.name for path in database.stage.folder.iterdir()) == ["endless.csv", "endless.sql", "setup.sql"]


def test_an_action_out_of_time_is_cancelled_on_the_server(database: Database) -> None:
    async def scene() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await database.perform(query="SELECT pg_sleep(100) AS overdue")
        await wait_until_active(database, "overdue", 0)

    database.stage.play(scene())


def test_ten_megabytes_go_and_come(database: Database) -> None:
    text = "0123456789" * (1 << 20)
    assert database.value("SELECT $1::text", text) == text
    assert database.value("SELECT $1::jsonb", {"text": text}) == {"text": text}
    outcome = database.run(query="SELECT n, repeat('x', 100) AS s FROM generate_series(1, 100000) AS n")
    assert (len(outcome.data), outcome.data[-1]["n"]) == (100000, 100000)


def test_the_loop_is_free_while_many_rows_are_read(database: Database) -> None:
    async def scene() -> int:
        turns = 0
        action = asyncio.ensure_future(
            database.perform(query="SELECT n, n::numeric AS m FROM generate_series(1, 50000) n")
        )
        while not action.done():
            await asyncio.sleep(0)
            turns += 1
        assert len((await action).data) == 50000
        return turns

    assert database.stage.play(scene()) > 50


def test_a_type_that_changes_between_actions_is_learnt_anew(database: Database) -> None:
    async def scene() -> list[Any]:
        await database.perform(query="CREATE TYPE pair AS (a int)")
        first = await database.perform(query="SELECT ROW(1)::pair AS p", fetch="value")
        await database.perform(query="DROP TYPE pair")
        await database.perform(query="CREATE TYPE pair AS (a int, b text)")
        second = await database.perform(query="SELECT ROW(1, 'x')::pair AS p", fetch="value")
        return [first.data, second.data]

    assert database.stage.play(scene()) == [{"a": 1}, {"a": 1, "b": "x"}]


def test_a_type_that_grows_fails_one_action_for_now(database: Database) -> None:
    async def scene() -> list[Any]:
        await database.perform(query="CREATE TYPE pair AS (a int)")
        await database.perform(query="SELECT ROW(1)::pair AS p")
        await database.perform(query="ALTER TYPE pair ADD ATTRIBUTE b text")
        with pytest.raises(ActionError) as caught:
            await database.perform(query="SELECT ROW(1, 'x')::pair AS p")
        again = await database.perform(query="SELECT ROW(1, 'x')::pair AS p", fetch="value")
        return [caught.value.kind, again.data]

    assert database.stage.play(scene()) == [ErrorKind.TRANSIENT, {"a": 1, "b": "x"}]
