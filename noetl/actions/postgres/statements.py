"""Runs statements on one connection and brings their rows into JSON. Knows nothing of files or pools."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import asyncpg

from noetl.actions.base import Outcome
from noetl.actions.postgres.failures import reported
from noetl.actions.postgres.options import Params, Query
from noetl.actions.postgres.parameters import Arguments
from noetl.actions.postgres.placeholders import Placed, is_blank, place, streams_copy, words
from noetl.actions.postgres.pool import Connection
from noetl.actions.postgres.values import column_reader, row_reader
from noetl.errors import ActionError, ErrorKind

Fetch: TypeAlias = Literal["all", "one", "value", "none"]
_Statement: TypeAlias = "asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]"

#: How many rows are brought into JSON before others get their turn on the loop.
_ROWS_AT_ONCE = 500
#: Statements that change nothing: the first row of them is all that is asked for where one is wanted.
_READ_ONLY = frozenset({"select", "table", "values", "show"})
#: What would end the transaction of `queries` before its end; `ROLLBACK TO` a savepoint does not.
_TRANSACTION_WORDS = frozenset({"begin", "start", "commit", "end", "abort", "rollback"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What is wanted of a statement's rows."""

    fetch: Fetch = "all"
    max_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a statement gave: its data, how many rows it gave or changed, and the names of its columns."""

    data: Any = None
    row_count: int = 0
    columns: Sequence[str] = field(default_factory=list)

    def outcome(self) -> Outcome:
        return Outcome(data=self.data, fields={"row_count": self.row_count, "columns": list(self.columns)})


async def run_query(connection: Connection, query: str, params: Params | None, want: Want) -> Result:
    """One statement, in a transaction of its own."""
    placed = place(query, params)
    with reported(placed):
        result = await _run(connection, placed, want)
        await _refuse_open_transaction(connection, "the query")
    return result


async def run_queries(connection: Connection, queries: Sequence[Query], want: Want) -> Result:
    """Several statements in one transaction; the result is that of the last."""
    for number, query in enumerate(queries, 1):
        said = words(query.query)
        word = next(said, "")
        if word in _TRANSACTION_WORDS and not (word == "rollback" and "to" in said):
            title = _title(number, queries)
            raise _bad_query(f"{title} is {word.upper()}, but 'queries' is a transaction of its own; leave it out")
    result = Result()
    with reported():
        async with connection.transaction():
            for number, query in enumerate(queries, 1):
                placed = place(query.query, query.params)
                with reported(placed, title=_title(number, queries)):
                    result = await _run(connection, placed, want if number == len(queries) else Want(fetch="none"))
    return result


async def run_script(connection: Connection, text: str, name: str) -> Result:
    """A whole script, as the server takes it: one transaction, unless it says otherwise itself."""
    _refuse_streams(text)
    if is_blank(text):
        return Result()
    with reported(Placed(text, text, (), ()), file=name):
        status = await connection.execute(text)
        await _refuse_open_transaction(connection, f"'{name}'")
    return Result(row_count=row_count(status))


def row_count(status: str) -> int:
    """How many rows a command tag speaks of: `INSERT 0 5`, `SELECT 3`; `CREATE TABLE` of none."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


async def prepared(connection: Connection, placed: Placed) -> tuple[_Statement, Arguments]:
    """The statement, prepared, and its arguments."""
    statement = await connection.prepare(placed.sql)
    arguments = Arguments(placed, statement.get_parameters())
    if arguments.asked:
        await arguments.resolve(connection)
        statement = await connection.prepare(placed.sql)
    return statement, arguments


async def _run(connection: Connection, placed: Placed, want: Want) -> Result:
    _refuse_streams(placed.sql)
    async with AsyncExitStack() as stack:
        if want.max_rows is not None:
            # A cursor needs a transaction, and what is prepared before it is gone when it begins.
            await stack.enter_async_context(connection.transaction())
        statement, arguments = await prepared(connection, placed)
        attributes = statement.get_attributes()
        if want.fetch in ("all", "one"):
            refuse_duplicates(attributes)
        records, count = await _fetched(statement, arguments.values, placed, want)
        data = await _data(records, attributes, want.fetch)
    return Result(data=data, row_count=count, columns=[attribute.name for attribute in attributes])


async def _fetched(
    statement: _Statement, values: Sequence[Any], placed: Placed, want: Want
) -> tuple[list[asyncpg.Record], int]:
    if want.max_rows is not None and statement.get_attributes():
        cursor = await statement.cursor(*values)
        records = await cursor.fetch(want.max_rows + 1)
        if len(records) > want.max_rows:
            message = f"the query gives more than {want.max_rows} rows, which is its 'max_rows'"
            raise ActionError(ErrorKind.PERMANENT, "too_many_rows", message)
        return records, len(records)
    if want.fetch in ("one", "value") and next(words(placed.sql), "") in _READ_ONLY:
        record = await statement.fetchrow(*values)
        return ([], 0) if record is None else ([record], 1)
    records = await statement.fetch(*values)
    return records, row_count(statement.get_statusmsg() or "") or len(records)


async def _data(records: Sequence[asyncpg.Record], attributes: Sequence[asyncpg.Attribute], fetch: Fetch) -> Any:
    if fetch == "none":
        return None
    if fetch == "value":
        return _first_value(records[0], attributes[0]) if records and attributes else None
    read = row_reader(attributes)
    if fetch == "one":
        return read(records[0]) if records and attributes else None
    rows: list[dict[str, Any]] = []
    for start in range(0, len(records), _ROWS_AT_ONCE):
        rows.extend(map(read, records[start : start + _ROWS_AT_ONCE]))
        await asyncio.sleep(0)
    return rows


def _first_value(record: asyncpg.Record, attribute: asyncpg.Attribute) -> Any:
    convert = column_reader(attribute)
    return record[0] if convert is None else convert(record[0])


def refuse_duplicates(attributes: Sequence[asyncpg.Attribute]) -> None:
    for name, count in Counter(attribute.name for attribute in attributes).items():
        if count > 1:
            message = f"the query has {count} columns named '{name}'; give them different names with AS"
            raise ActionError(ErrorKind.PERMANENT, "duplicate_column", message)


async def _refuse_open_transaction(connection: Connection, what: str) -> None:
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")
        raise _bad_query(
            f"{what} leaves a transaction open, so it was rolled back; end it with COMMIT, or use 'queries'"
        )


def _refuse_streams(sql: str) -> None:
    # The server would wait for data, deaf even to a cancellation.
    if streams_copy(sql):
        raise _bad_query("COPY has no STDIN and no STDOUT here; use 'copy_from' and 'copy_to'")


def _title(number: int, queries: Sequence[Query]) -> str:
    return f"query {number} of {len(queries)}"


def _bad_query(message: str) -> ActionError:
    return ActionError(ErrorKind.PERMANENT, "bad_query", message)
