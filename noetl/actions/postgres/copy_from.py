"""Loads a file into a table: the server reads CSV itself, and JSON lines are turned into what it reads, in blocks."""

from __future__ import annotations

import asyncio
import csv
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg

from noetl.actions.base import Call, Outcome
from noetl.actions.files import find_file, touching
from noetl.actions.postgres.failures import details_of, kind_of, reported
from noetl.actions.postgres.json_lines import KeyFinder, LineWriter
from noetl.actions.postgres.options import CopyFrom
from noetl.actions.postgres.pool import Connection
from noetl.actions.postgres.statements import row_count
from noetl.actions.postgres.tables import Column, bad_file, column_name, columns_of, match_columns, table_name
from noetl.errors import ActionError

_BLOCK = 1 << 19
_PROGRESS_S = 1.0
_BOM = b"\xef\xbb\xbf"
_CONTEXT = re.compile(r"COPY .*?, line (\d+)(?:, column ([^:]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """What is to be sent: the bytes of the file as `convert` makes them, for these columns, in this format of COPY."""

    columns: Sequence[Column]
    copy_options: dict[str, Any]
    convert: Callable[[bytes], bytes] | None = None
    line: Callable[[int], int] = int


async def copy_from(connection: Connection, options: CopyFrom, call: Call) -> Outcome:
    path = find_file(options.file, call.folder, call.working_folder)
    schema, table = table_name(options.table)
    with reported():
        known = await columns_of(connection, schema, table)
    prepare = _csv if options.file_format == "csv" else _json_lines
    load = await asyncio.to_thread(prepare, path, options, known)
    names = [column.name for column in load.columns]
    with reported(), _failed_in(path, load.line):
        async with aclosing(_sent(path, load.convert, call)) as source:
            status = await connection.copy_to_table(
                table, schema_name=schema, columns=names, source=source, **load.copy_options
            )
    count = row_count(status)
    return Outcome(data=count, fields={"row_count": count, "columns": names, "file": str(path)})


def _csv(path: Path, options: CopyFrom, known: Sequence[Column]) -> _Load:
    columns = known
    if options.columns is not None:
        columns = match_columns([column_name(name) for name in options.columns], known, path.name, options.table)
    elif options.header:
        columns = match_columns(_header(path, options), known, path.name, options.table)
    copy_options = {
        "format": "csv",
        "header": options.header,
        "delimiter": options.field_delimiter,
        "quote": options.quote,
        "null": options.null,
        "encoding": options.encoding,
    }
    return _Load(columns=columns, copy_options=copy_options)


def _header(path: Path, options: CopyFrom) -> list[str]:
    # The text after the header may be read too, and whether that can be decoded is for the server to say.
    with touching(path), open(path, encoding=options.encoding, errors="replace", newline="") as file:
        try:
            header = next(csv.reader(file, delimiter=options.field_delimiter, quotechar=options.quote), None)
        except csv.Error as error:
            raise bad_file(f"the header of '{path.name}' cannot be read: {error}") from error
    if not header:
        raise bad_file(f"'{path.name}' has no header; say 'header: false' if its first line is data")
    return [header[0].removeprefix("\ufeff"), *header[1:]]


def _json_lines(path: Path, options: CopyFrom, known: Sequence[Column]) -> _Load:
    if options.columns is not None:
        keys: Sequence[str] = options.columns
        columns = match_columns(keys, known, path.name, options.table)
    else:
        # A key may be missing in the first lines, so the whole file says which there are.
        finder = KeyFinder(path.name)
        with touching(path), open(path, "rb") as file:
            for block in _whole_lines(file):
                finder.take(block)
        keys = list(finder.keys)
        columns = match_columns(keys, known, path.name, options.table, lines=finder.keys)
    writer = LineWriter(path.name, keys, columns)
    return _Load(
        columns=columns,
        copy_options={"format": "text", "encoding": "utf-8"},
        convert=writer.write,
        line=writer.reader.line,
    )


async def _sent(path: Path, convert: Callable[[bytes], bytes] | None, call: Call) -> AsyncGenerator[bytes, None]:
    """The blocks of the file, read and converted in a thread, so that the loop is free meanwhile."""
    told = time.monotonic()
    with touching(path), open(path, "rb") as file:
        size = path.stat().st_size
        blocks = _blocks(file) if convert is None else map(convert, _whole_lines(file))
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            yield block
            if time.monotonic() - told >= _PROGRESS_S:
                told = time.monotonic()
                call.progress(min(file.tell() / size, 1.0), f"{file.tell() >> 20} of {size >> 20} MiB of '{path.name}'")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    block = file.read(_BLOCK).removeprefix(_BOM)
    while block:
        yield block
        block = file.read(_BLOCK)


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    begun: list[bytes] = []
    for block in _blocks(file):
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join((*begun, block[:end]))
            begun = []
        begun.append(block[end:])
    if rest := b"".join(begun):
        yield rest


@contextmanager
def _failed_in(path: Path, line: Callable[[int], int]) -> Iterator[None]:
    """Says where in the file a row is that the server refused."""
    try:
        yield
    except asyncpg.PostgresError as error:
        found = _CONTEXT.search(getattr(error, "context", None) or "")
        if found is None or error.sqlstate is None:
            raise
        number = line(int(found[1]))
        column = f", column '{found[2]}'" if found[2] else ""
        message = f"'{path.name}' line {number}{column}: {error.args[0]}"
        details = details_of(error) | {"file": str(path), "line": number}
        raise ActionError(kind_of(error.sqlstate), error.sqlstate, message, details) from error
