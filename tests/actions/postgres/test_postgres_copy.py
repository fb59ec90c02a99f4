from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest
from database import Database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noetl.actions.postgres import PostgresHandler
from noetl.errors import ErrorKind

ORDERS = """
CREATE TABLE orders (
    id int PRIMARY KEY, amount numeric NOT NULL, note text, tags text[], doc jsonb, raw bytea,
    placed timestamptz DEFAULT '2026-01-01T00:00:00Z', twice int GENERATED ALWAYS AS (id * 2) STORED
)
"""


@pytest.fixture
def orders(database: Database) -> Database:
    database.script(ORDERS)
    return database


def write(database: Database, name: str, content: str | bytes) -> None:
    path = database.stage.folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def load(database: Database, name: str, content: str | bytes, **options: Any) -> list[tuple[Any, ...]]:
    """Loads a file with this content, and gives the ids, amounts and notes that are in the table then."""
    write(database, name, content)
    database.run(copy_from={"file": name, "table": "orders"} | options)
    return database.rows("SELECT id, amount, note FROM orders ORDER BY id")


@pytest.mark.parametrize(
    ("content", "options", "rows"),
    [
        pytest.param("id,amount,note\n1,2.50,x\n", {}, [(1, "2.50", "x")], id="a header"),
        pytest.param("amount,ID, Note\n2.50,1,x\n", {}, [(1, "2.50", "x")], id="a header in another order and case"),
        pytest.param(
            'id,amount,note\n1,2,"a ""b"", c\nd"\n2,3,\n3,4,""\n',
            {},
            [(1, "2", 'a "b", c\nd'), (2, "3", None), (3, "4", "")],
            id="quotes, lines and nothing",
        ),
        pytest.param("id,amount\r\n1,2\r\n", {}, [(1, "2", None)], id="lines of Windows"),
        pytest.param(b"\xef\xbb\xbfid,amount\n1,2\n", {}, [(1, "2", None)], id="a byte order mark"),
        pytest.param(
            "1,2\n3,4",
            {"header": False, "columns": ["id", "amount"]},
            [(1, "2", None), (3, "4", None)],
            id="no header, no final line break",
        ),
        pytest.param(
            "x,y,z\n1,b,2\n", {"columns": ["id", "note", '"amount"']}, [(1, "2", "b")], id="columns over the header"
        ),
        pytest.param(
            "id;amount;note\n1;2;'a;b'\n2;3;NULL\n",
            {"delimiter": ";", "quote": "'", "null": "NULL"},
            [(1, "2", "a;b"), (2, "3", None)],
            id="another dialect",
        ),
        pytest.param(
            "id,amount,note\n1,2,café\n".encode("latin-1"),
            {"encoding": "latin-1"},
            [(1, "2", "café")],
            id="another encoding",
        ),
        pytest.param("id,amount\n", {}, [], id="a header alone"),
        pytest.param("id,amount\n1,2\n", {"table": "public.orders"}, [(1, "2", None)], id="a schema"),
        pytest.param("id,amount\n1,2\n", {"table": "ORDERS"}, [(1, "2", None)], id="a name in capitals"),
    ],
)
def test_csv_is_loaded(
    orders: Database, content: str | bytes, options: dict[str, Any], rows: list[tuple[Any, ...]]
) -> None:
    assert load(orders, "orders.csv", content, **options) == rows


def test_a_load_says_what_it_did(orders: Database) -> None:
    write(orders, "orders.tsv", "id\tamount\n1\t2\n2\t3\n")
    outcome = orders.run(copy_from={"file": "orders.tsv", "table": "orders"})
    assert outcome.data == 2
    path = str(orders.stage.folder / "orders.tsv")
    assert outcome.fields == {"row_count": 2, "columns": ["id", "amount"], "file": path}
    assert orders.rows("SELECT placed FROM orders LIMIT 1") == [("2026-01-01T00:00:00+00:00",)]


@pytest.mark.parametrize(
    ("name", "content", "options", "code", "message"),
    [
        pytest.param(
            "o.csv",
            "id,amount\n1,2\n2,x\n",
            {},
            "22P02",
            "'o.csv' line 3, column 'amount': invalid input syntax for type numeric: \"x\"",
            id="a value",
        ),
        pytest.param(
            "o.csv",
            "id,amount\n1,2\n2\n",
            {},
            "22P04",
            "'o.csv' line 3: missing data for column \"amount\"",
            id="a field too few",
        ),
        pytest.param(
            "o.csv",
            "id,amount\n1,2\n1,3\n",
            {},
            "23505",
            "'o.csv' line 3: duplicate key value violates unique constraint \"orders_pkey\"",
            id="a key twice",
        ),
        pytest.param(
            "o.csv",
            "id,amuont\n1,2\n",
            {},
            "bad_file",
            "'o.csv' has 'amuont', which is no column of 'orders'; did you mean 'amount'?",
            id="an unknown column",
        ),
        pytest.param(
            "o.csv",
            "id,twice,amount\n1,2,3\n",
            {},
            "bad_file",
            "'o.csv' has 'twice', which is no column of 'orders'",
            id="a computed column",
        ),
        pytest.param(
            "o.csv",
            "id,ID,amount\n1,2,3\n",
            {},
            "bad_file",
            "'o.csv' has two fields for the column 'id' of 'orders'",
            id="a column twice",
        ),
        pytest.param(
            "o.csv",
            "",
            {},
            "bad_file",
            "'o.csv' has no header; say 'header: false' if its first line is data",
            id="an empty file",
        ),
        pytest.param(
            "o.csv",
            b"id,amount,note\n1,2,\xff\n",
            {},
            "22021",
            "'o.csv' line 2: invalid byte sequence for encoding \"UTF8\": 0xff",
            id="another encoding",
        ),
        pytest.param(
            "o.csv",
            "id,amount\n1,2\n",
            {"table": "ordrs"},
            "42P01",
            'relation "ordrs" does not exist',
            id="an unknown table",
        ),
        pytest.param(
            "o.csv",
            "id,amount\n1,2\n",
            {"table": "a b"},
            "bad_name",
            "'a b' is not the name of a table; it is written as in SQL: orders, shop.orders, \"My Orders\"",
            id="no name of a table",
        ),
        pytest.param(
            "o.csv", "id,amount\n1,2\n", {"file": "other.csv"}, "file_not_found", "there is no file '", id="no file"
        ),
        pytest.param(
            "o.jsonl",
            '{"id": 1, "amount": 2}\n\n{"id": 2, "amount": "x"}\n',
            {},
            "22P02",
            "'o.jsonl' line 3, column 'amount': invalid input syntax for type numeric: \"x\"",
            id="JSON lines, a value",
        ),
        pytest.param(
            "o.jsonl",
            '{"id": 1, "amount": 2}\n\n{"id": 2, "amuont": 3}\n',
            {},
            "bad_file",
            "'o.jsonl' line 3 has 'amuont', which is no column of 'orders'; did you mean 'amount'?",
            id="JSON lines, an unknown key",
        ),
        pytest.param(
            "o.jsonl",
            '{"id": 1, "amount": 2}\n{"id": 2,\n',
            {},
            "bad_file",
            "'o.jsonl' line 2 is not a JSON object: Input data was truncated",
            id="JSON lines, no JSON",
        ),
        pytest.param(
            "o.jsonl",
            '{"id": 1, "amount": 2}\n[1]\n',
            {},
            "bad_file",
            "'o.jsonl' line 2 is not a JSON object: Expected `object`, got `array`",
            id="JSON lines, no object",
        ),
        pytest.param(
            "o.jsonl",
            '\n{"id": 1, "amount": 2, "raw": "aGk="}\n{"id": 2, "amount": 3, "raw": "?"}',
            {},
            "bad_file",
            "'o.jsonl' line 3, key 'raw': a column of bytes takes base64 text",
            id="JSON lines, no base64",
        ),
    ],
)
def test_a_bad_file_fails_for_good_and_loads_nothing(
    orders: Database, name: str, content: str | bytes, options: dict[str, Any], code: str, message: str
) -> None:
    write(orders, name, content)
    error = orders.fail(copy_from={"file": name, "table": "orders"} | options)
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, code)
    assert error.message.startswith(message)
    assert orders.rows("SELECT * FROM orders") == []


@pytest.mark.parametrize(
    ("content", "options", "rows"),
    [
        pytest.param('{"id": 1, "amount": 2.50, "note": "x"}\n', {}, [(1, "2.50", "x")], id="one line"),
        pytest.param(
            '\ufeff{"id":1,"amount":2}\r\n\r\n{"amount":3,"id":2}',
            {},
            [(1, "2", None), (2, "3", None)],
            id="blank lines, another order, no final line break",
        ),
        pytest.param(
            '{"id":1,"amount":2}\n{"id":2,"amount":3,"note":"late"}\n',
            {},
            [(1, "2", None), (2, "3", "late")],
            id="a key that comes late",
        ),
        pytest.param(
            '{"id":1.0,"amount":"12345678901234567890.50","note":null}\n',
            {},
            [(1, "12345678901234567890.50", None)],
            id="a whole float, a long number, null",
        ),
        pytest.param(
            '{"id":1,"amount":2,"note":{"a": [1,\t2]}}\n{"id":2,"amount":2,"note":true}\n',
            {},
            [(1, "2", '{"a": [1,\t2]}'), (2, "2", "true")],
            id="other values for text",
        ),
        pytest.param(
            '{"ID":1,"Amount":2,"more":3}\n', {"columns": ["ID", "Amount"]}, [(1, "2", None)], id="some of the keys"
        ),
        pytest.param("", {}, [], id="an empty file"),
    ],
)
def test_json_lines_are_loaded(
    orders: Database, content: str, options: dict[str, Any], rows: list[tuple[Any, ...]]
) -> None:
    assert load(orders, "orders.jsonl", content, **options) == rows


def test_json_lines_fill_every_kind_of_column(orders: Database) -> None:
    row = {
        "id": 1,
        "amount": "1.10",
        "note": 'tab\t, quote ", backslash \\, line\nbreak, \\N, \\., é ☃ 😀',
        "tags": ["a", 'b "c" \\ d', "", None, "NULL", "{}"],
        "doc": {"text": 'x\n"\\', "list": [1, None, True]},
        "raw": "AAEC/w==",
        "placed": "2026-05-06T07:08:09+00:00",
    }
    write(orders, "orders.jsonl", json.dumps(row))
    orders.run(copy_from={"file": "orders.jsonl", "table": "orders"})
    assert orders.run(query="SELECT * FROM orders", fetch="one").data == row | {"twice": 2}


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_what_is_exported_can_be_loaded(orders: Database, format_: str) -> None:
    orders.script(
        "INSERT INTO orders (id, amount, note, tags, doc, raw) VALUES "
        """(1, 1.10, E'a\\t"b"\\n\\\\', '{x,"y z",NULL}', '{"a": "\\\\n\\n"}', '\\x00ff'), (2, 2, '', NULL, '[]', ''), """
        "(3, 3, NULL, '{}', NULL, NULL)"
    )
    before = orders.rows("SELECT * FROM orders ORDER BY id")
    columns = ["id", "amount", "note", "tags", "doc", "raw", "placed"]
    file = f"out/orders.{format_}"
    outcome = orders.run(copy_to={"file": file, "table": "orders", "columns": columns})
    path = str(orders.stage.folder / file)
    assert (outcome.data, outcome.fields) == (3, {"row_count": 3, "columns": columns, "file": path})
    orders.run(query="TRUNCATE orders")
    orders.run(copy_from={"file": file, "table": "orders"})
    assert orders.rows("SELECT * FROM orders ORDER BY id") == before


@pytest.mark.parametrize(
    ("options", "params", "text"),
    [
        pytest.param({"query": "SELECT 1 AS a, NULL AS b, 'x,y' AS c"}, None, 'a,b,c\n1,,"x,y"\n', id="a query"),
        pytest.param({"query": "SELECT 1 AS a; -- done", "header": False}, None, "1\n", id="an end and a comment"),
        pytest.param(
            {"query": "SELECT 1 AS a, NULL AS b", "delimiter": ";", "null": "-"},
            None,
            "a;b\n1;-\n",
            id="another dialect",
        ),
        pytest.param(
            {"query": "SELECT :day::date AS day, ':day' AS s, :tags::text[] AS tags, :n::int AS n"},
            {"day": "2026-01-31", "tags": ["it's", "\\"], "n": None},
            'day,s,tags,n\n2026-01-31,:day,"{it\'s,""\\\\""}",\n',
            id="names",
        ),
        pytest.param(
            {"query": "SELECT $1::jsonb AS j, '$1' AS s", "header": False},
            [{"a": 1}],
            '"{""a"": 1}",$1\n',
            id="numbers",
        ),
        pytest.param(
            {"table": "pg_catalog.pg_am", "columns": ["amname"], "header": False, "file": "x/y/z.csv"},
            None,
            "heap\nbtree\nhash\ngist\ngin\nspgist\nbrin\n",
            id="a table",
        ),
        pytest.param(
            {"query": "SELECT 'é' AS a", "encoding": "latin-1", "header": False}, None, b"\xe9\n", id="another encoding"
        ),
        pytest.param(
            {
                "file": "x.jsonl",
                "query": "SELECT 1.10 AS n, '{\"a\":\n 1}'::json AS j, E'\\n\\t\"' AS t, 'hi'::bytea AS b, "
                "now() - now() AS i, NULL AS z ORDER BY 1; -- done",
            },
            None,
            '{"n":1.10,"j":{"a":  1},"t":"\\n\\t\\"","b":"aGk=","i":"00:00:00","z":null}\n',
            id="JSON lines",
        ),
        pytest.param({"file": "x.jsonl", "query": "SELECT 1 AS a WHERE false"}, None, "", id="no JSON lines"),
    ],
)
def test_rows_are_exported(database: Database, options: dict[str, Any], params: Any, text: str | bytes) -> None:
    options = {"file": "out.csv"} | options
    database.run(copy_to=options, **({} if params is None else {"params": params}))
    written = (database.stage.folder / options["file"]).read_bytes()
    assert written == (text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        pytest.param(
            {"query": "SELECT nope"}, "42703", 'column "nope" does not exist (line 1, column 8)', id="a query"
        ),
        pytest.param(
            {"query": "SELECT 1 / (5 - n) FROM generate_series(1, 9) n"},
            "22012",
            "division by zero",
            id="a failure on the way",
        ),
        pytest.param(
            {"query": "SELECT :x"},
            "42601",
            "syntax error at or near \":\"; ':name' needs 'params' to be a mapping (line 1, column 8)",
            id="a name without a mapping",
        ),
        pytest.param({"table": "nope"}, "42P01", 'relation "nope" does not exist (line 1, column 15)', id="no table"),
        pytest.param(
            {"query": "SELECT 1 AS a, 2 AS a", "format": "jsonl"},
            "duplicate_column",
            "the query has 2 columns named 'a'; give them different names with AS",
            id="two keys of a name",
        ),
    ],
)
def test_a_failed_export_leaves_the_old_file(
    database: Database, options: dict[str, Any], code: str, message: str
) -> None:
    target = database.stage.folder / "out.csv"
    target.write_text("old")
    error = database.fail(copy_to={"file": "out.csv"} | options)
    assert (error.kind, error.code, error.message) == (ErrorKind.PERMANENT, code, message)
    assert target.read_text() == "old"
    assert {path.name for path in database.stage.folder.iterdir()} == {"out.csv", "setup.sql"}


def test_an_export_needs_a_place_for_its_file(database: Database) -> None:
    (database.stage.folder / "out").mkdir()
    error = database.fail(copy_to={"file": "out", "format": "csv", "query": "SELECT 1"})
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "file_error")
    assert error.message.endswith("/out': Is a directory")


def test_files_are_read_beside_the_playbook_and_written_where_the_run_was_started(orders: Database) -> None:
    playbooks, started = orders.stage.folder / "playbooks", orders.stage.folder / "started"
    for folder in (playbooks, started):
        folder.mkdir()
    (playbooks / "orders.csv").write_text("id,amount\n1,2\n")
    (started / "orders.csv").write_text("id,amount\n9,9\n")

    def run(**options: Any) -> Any:
        call = {"folder": playbooks, "working_folder": started}
        handler = PostgresHandler()
        return orders.stage.run(handler, {"connection": "embedded"} | options, **call)

    run(copy_from={"file": "orders.csv", "table": "orders"})
    assert orders.rows("SELECT id FROM orders") == [(1,)]
    run(copy_to={"file": "back.csv", "query": "SELECT 5 AS id, 6 AS amount"})
    assert (started / "back.csv").exists()
    run(copy_from={"file": "back.csv", "table": "orders"})
    assert orders.rows("SELECT id FROM orders ORDER BY id") == [(1,), (5,)]


def big_csv(path: Path, rows: int) -> None:
    with path.open("w") as file:
        file.write("id,amount,note\n")
        file.writelines(f"{n},{n}.5,{'long ' * 120}\n" for n in range(rows))


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_large_files_take_little_memory(orders: Database, format_: str) -> None:
    rows = 30_000
    big_csv(orders.stage.folder / "big.csv", rows)
    assert orders.run(copy_from={"file": "big.csv", "table": "orders"}).data == rows
    file = f"out.{format_}"
    orders.run(copy_to={"file": file, "table": "orders", "columns": ["id", "amount", "note"]})
    orders.run(query="TRUNCATE orders")
    assert (orders.stage.folder / file).stat().st_size > 15_000_000
    tracemalloc.start()
    try:
        assert orders.run(copy_from={"file": file, "table": "orders"}).data == rows
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
    assert orders.rows("SELECT count(*), sum(amount) FROM orders") == [(rows, f"{rows * rows // 2}.0")]


@pytest.fixture
def notes(database: Database) -> Database:
    database.script("CREATE TABLE notes (n int, t text, xs text[], j jsonb)")
    return database


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"n": st.none() | st.integers(-1000, 1000)},
        optional={
            "t": st.none() | TEXT,
            "xs": st.none() | st.lists(st.none() | TEXT, max_size=4),
            "j": st.none() | st.dictionaries(TEXT, TEXT | st.integers(-5, 5) | st.none(), max_size=3),
        },
    ),
    max_size=8,
)


def test_any_json_lines_come_back_as_they_went(notes: Database) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(ROWS, st.booleans())
    def check(rows: list[dict[str, Any]], ascii_only: bool) -> None:
        notes.run(query="TRUNCATE notes")
        write(notes, "notes.jsonl", "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows))
        notes.run(copy_from={"file": "notes.jsonl", "table": "notes"})
        empty = {"n": None, "t": None, "xs": None, "j": None}
        assert notes.run(query="SELECT * FROM notes").data == [empty | row for row in rows]
        notes.run(copy_to={"file": "back.jsonl", "table": "notes"})
        lines = (notes.stage.folder / "back.jsonl").read_bytes().splitlines()
        assert [msgspec.json.decode(line) for line in lines] == [empty | row for row in rows]

    check()
