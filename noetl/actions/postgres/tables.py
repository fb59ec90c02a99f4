"""Names of tables and columns as SQL writes them, and the columns that a table has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noetl.actions.postgres.pool import Connection
from noetl.errors import ActionError, ErrorKind
from noetl.spelling import did_you_mean

_PLAIN = r"[^\W\d][\w$]*"
_NAME = re.compile(rf'(?:{_PLAIN}|"(?:[^"\0]|"")+")')
_TABLE = re.compile(rf"{_NAME.pattern}(?:\.{_NAME.pattern})?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` is its type in the catalog, or that of its elements where it is an array."""

    name: str
    type: str
    is_array: bool


def table_name(written: str) -> tuple[str | None, str]:
    """Schema and table of `orders`, `shop.orders`, `"Orders"`: without quotes, names fold to lower case."""
    if not _TABLE.fullmatch(written.strip()):
        message = f"'{written}' is not the name of a table; it is written as in SQL: orders, shop.orders, \"My Orders\""
        raise ActionError(ErrorKind.PERMANENT, "bad_name", message)
    names = [_folded(name) for name in _NAME.findall(written.strip())]
    return (names[0], names[1]) if len(names) == 2 else (None, names[0])


def column_name(written: str) -> str:
    """A column as SQL writes it; what could not stand there without quotes is taken as it is."""
    return _folded(written) if _NAME.fullmatch(written) else written


def quoted(*names: str | None) -> str:
    """The names as one SQL name."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name is not None)


async def columns_of(connection: Connection, schema: str | None, table: str) -> list[Column]:
    """The columns of a table that can be given values, in its order."""
    records = await connection.fetch(
        "SELECT a.attname, t.typname, e.typname AS element "
        "FROM pg_catalog.pg_attribute a "
        "JOIN pg_catalog.pg_type d ON d.oid = a.atttypid "
        "JOIN pg_catalog.pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END "
        "LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' "
        "WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' "
        "ORDER BY a.attnum",
        quoted(schema, table),
    )
    return [Column(r["attname"], r["element"] or r["typname"], r["element"] is not None) for r in records]


def match_columns(
    names: Sequence[str], columns: Sequence[Column], file: str, table: str, *, lines: Mapping[str, int] | None = None
) -> list[Column]:
    """The columns that a file's own names mean: by the exact name, else without regard to case and outer blanks.

    `lines` are the lines of the file where the names are.
    """
    exact = {column.name: column for column in columns}
    folded = {column.name.lower(): column for column in columns}
    found = []
    for name in names:
        column = exact.get(name) or folded.get(name.strip().lower())
        if column is None:
            hint = did_you_mean(name, exact)
            where = f"'{file}'" if lines is None else f"'{file}' line {lines[name]}"
            message = f"{where} has '{name}', which is no column of '{table}'"
            raise bad_file(message if hint is None else f"{message}; {hint}")
        if column in found:
            raise bad_file(f"'{file}' has two fields for the column '{column.name}' of '{table}'")
        found.append(column)
    return found


def bad_file(message: str) -> ActionError:
    return ActionError(ErrorKind.PERMANENT, "bad_file", message)


def _folded(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
