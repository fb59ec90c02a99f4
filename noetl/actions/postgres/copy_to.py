"""Writes a table, or the rows of a query, to a file: the server makes the text; the file appears when it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg

from noetl.actions.base import Call, Outcome
from noetl.actions.files import touching
from noetl.actions.postgres.failures import reported
from noetl.actions.postgres.files import written
from noetl.actions.postgres.options import CopyTo, Params
from noetl.actions.postgres.placeholders import place, without_end
from noetl.actions.postgres.pool import Connection
from noetl.actions.postgres.statements import prepared, refuse_duplicates, row_count
from noetl.actions.postgres.tables import column_name, quoted, table_name

_BLOCK = 1 << 19
#: JSON holds no such characters, so that in this kind of CSV the text of a row is never quoted.
_JSON_LINES: dict[str, Any] = {"format": "csv", "quote": "\x01", "delimiter": "\x02", "encoding": "utf-8"}


async def copy_to(connection: Connection, options: CopyTo, params: Params | None, call: Call) -> Outcome:
    placed = place(_query(options), params)
    with reported(placed):
        statement, arguments = await prepared(connection, placed)
        attributes = statement.get_attributes()
        query = placed.filled(await arguments.literals(connection)) if placed.values else placed.sql
    # It may end in a comment, which must not swallow what is written after it.
    query = f"{without_end(query)}\n"
    if options.file_format == "jsonl":
        refuse_duplicates(attributes)
        query, copy_options = _as_json(query, attributes), _JSON_LINES
    else:
        copy_options = _csv_options(options)
    path = call.working_folder / Path(options.file).expanduser()
    with written(path) as file, reported():
        sink = _Sink(file, path)
        status = await connection.copy_from_query(query, output=sink.take, **copy_options)
        await sink.flush()
    count = row_count(status)
    columns = [attribute.name for attribute in attributes]
    return Outcome(data=count, fields={"row_count": count, "columns": columns, "file": str(path)})


def _query(options: CopyTo) -> str:
    if options.query is not None:
        return options.query
    assert options.table is not None
    columns = ", ".join(quoted(column_name(name)) for name in options.columns or ()) or "*"
    return f"SELECT {columns} FROM {quoted(*table_name(options.table))}"


def _csv_options(options: CopyTo) -> dict[str, Any]:
    return {
        "format": "csv",
        "header": options.header,
        "delimiter": options.field_delimiter,
        "quote": options.quote,
        "null": options.null,
        "encoding": options.encoding,
    }


def _as_json(query: str, attributes: Sequence[asyncpg.Attribute]) -> str:
    columns = ", ".join(_json_column(attribute) for attribute in attributes)
    line = "row_to_json(r)::text"
    if any(map(_may_hold_lines, attributes)):
        # They stand between the parts of a `json` value, where a blank means the same.
        line = f"replace(replace({line}, E'\\n', ' '), E'\\r', ' ')"
    return f"SELECT {line} FROM (SELECT {columns} FROM ({query}) AS q) AS r"


def _json_column(attribute: asyncpg.Attribute) -> str:
    name = quoted(attribute.name)
    if (attribute.type.schema, attribute.type.name) == ("pg_catalog", "bytea"):
        return f"replace(encode({name}, 'base64'), E'\\n', '') AS {name}"
    return name


def _may_hold_lines(attribute: asyncpg.Attribute) -> bool:
    """Whether the JSON of a column may have line breaks: `json` keeps those it was written with."""
    return attribute.type.schema != "pg_catalog" or attribute.type.name in ("json", "json[]", "record", "record[]")


class _Sink:
    """Gathers what the server sends and writes it in larger blocks, in a thread."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._waiting: list[bytes] = []
        self._size = 0

    async def take(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= _BLOCK:
            await self.flush()

    async def flush(self) -> None:
        block = b"".join(self._waiting)
        self._waiting, self._size = [], 0
        with touching(self._path):
            await asyncio.to_thread(self._file.write, block)
