"""The keys of the `postgres` action, with their rules. Knows nothing of asyncpg."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

#: The `connection` that means the server of the `embedded` extra.
EMBEDDED = "embedded"

Params = list[Any] | dict[str, Any]
CopyFormat = Literal["csv", "jsonl"]

_SUFFIXES: dict[str, CopyFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One statement of `queries`, with its parameters.

    `{query: "DELETE FROM orders WHERE id = $1", params: [7]}`
    """

    query: Annotated[str, Meta(description="One SQL statement.")]
    params: Annotated[
        Params | None,
        Meta(description="Its parameters: a list for `$1`, `$2`, or a mapping for `:name`."),
    ] = None

    def __post_init__(self) -> None:
        if not self.query.strip():
            raise ValueError("'query' is empty")


class _Copy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    file: Annotated[str, Meta(description="The file.")]
    format: Annotated[
        CopyFormat | None,
        Meta(
            description="`csv`, or `jsonl` for JSON lines (one object a line). By default the ending of the file's "
            "name decides: `.csv` and `.tsv`, or `.jsonl` and `.ndjson`."
        ),
    ] = None
    columns: Annotated[
        list[str] | None,
        Meta(description="The columns, in the order of the file."),
    ] = None
    header: Annotated[bool, Meta(description="CSV only: the first line holds the names of the columns.")] = True
    delimiter: Annotated[
        str | None,
        Meta(description="CSV only: the one character between fields; a comma, or in a `.tsv` file a tab, by default."),
    ] = None
    quote: Annotated[str, Meta(description="CSV only: the one character around fields that need it.")] = '"'
    null: Annotated[
        str,
        Meta(description="CSV only: the unquoted text that means NULL; by default the empty field."),
    ] = ""
    encoding: Annotated[
        str,
        Meta(description="CSV only: the encoding of the file, such as `utf-8`, `latin-1` or `windows-1252`."),
    ] = "utf-8"

    def __post_init__(self) -> None:
        if not self.file.strip():
            raise ValueError("'file' is empty")
        if self.format is None and self._suffix not in _SUFFIXES:
            raise ValueError(
                f"'{self.file}' does not tell its format by its ending; say 'format: csv' or 'format: jsonl'"
            )
        for key, character in (("delimiter", self.field_delimiter), ("quote", self.quote)):
            if len(character.encode()) != 1 or character in "\r\n":
                raise ValueError(f"'{key}' must be one ASCII character")
        if self.columns is not None and not self.columns:
            raise ValueError("'columns' is empty; leave it out to take all columns")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise ValueError(f"'{self.encoding}' is not a known encoding") from None

    @property
    def file_format(self) -> CopyFormat:
        return self.format or _SUFFIXES[self._suffix]

    @property
    def field_delimiter(self) -> str:
        return self.delimiter or ("\t" if self._suffix == ".tsv" else ",")

    @property
    def _suffix(self) -> str:
        stem, dot, suffix = self.file.lower().rpartition(".")
        return dot + suffix if stem else ""


class CopyFrom(_Copy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Load a file into a table.

    `{file: orders.csv, table: orders}`
    """

    file: Annotated[
        str,
        Meta(description="The file to read: beside the playbook, or else where the run was started."),
    ]
    table: Annotated[
        str,
        Meta(description='The table to load, written as in SQL: `orders`, `shop.orders`, `"Orders"`.'),
    ]
    columns: Annotated[
        list[str] | None,
        Meta(
            description="The columns to fill. In CSV they are the fields of the file, in its order; by default those "
            "that the header names, or without a header all columns of the table. In JSON lines they are the keys to "
            "take; by default all keys in the file, each of which must be a column."
        ),
    ] = None


class CopyTo(_Copy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Write a table, or the rows of a query, to a file.

    `{file: out/orders.jsonl, query: "SELECT * FROM orders WHERE day = :day"}`
    """

    file: Annotated[
        str,
        Meta(
            description="The file to write, relative to where the run was started. It appears, or is replaced, when it "
            "is whole; its folder is made if it is missing."
        ),
    ]
    query: Annotated[
        str | None,
        Meta(description="The query whose rows are written; the action's `params` are its parameters."),
    ] = None
    table: Annotated[
        str | None,
        Meta(description='The table whose rows are written, as in SQL: `orders`, `shop.orders`, `"Orders"`.'),
    ] = None
    columns: Annotated[
        list[str] | None,
        Meta(description="With `table`: the columns to write, in this order; all by default."),
    ] = None

    def __post_init__(self) -> None:
        _Copy.__post_init__(self)
        if (self.query is None) == (self.table is None):
            raise ValueError("'copy_to' needs either 'query' or 'table'")
        if self.query is not None and not self.query.strip():
            raise ValueError("'query' is empty")
        if self.columns is not None and self.table is None:
            raise ValueError("'columns' goes with 'table'; a query names its own columns")


#: Each of them is a whole way to use the action, so exactly one stands.
_WAYS = ("query", "queries", "script", "copy_from", "copy_to")
_PARAMS_HINTS = {
    "queries": "'params' goes with 'query'; in 'queries' each statement has its own: {query: ..., params: ...}",
    "script": "'params' goes with 'query'; a script is sent as it stands",
}


class PostgresOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Run SQL in a Postgres database, or move rows between it and a file.

    `{action: postgres, connection: embedded, query: "SELECT * FROM orders WHERE id = $1", params: [7]}`
    """

    connection: Annotated[
        str,
        Meta(
            description="The database: a DSN such as `postgresql://user@host:5432/database`, or `embedded` for the "
            "Postgres of the `embedded` extra, which is started when it does not run and keeps its data. "
            "Actions with the same DSN share up to ten connections."
        ),
    ]
    query: Annotated[
        str | None,
        Meta(description="One SQL statement. It is a transaction of its own."),
    ] = None
    params: Annotated[
        Params | None,
        Meta(
            description="The parameters of `query`, or of the query of `copy_to`: a list for `$1`, `$2`, or a mapping "
            "for `:name`. Dates, times, intervals, UUIDs and numerics are given as text, bytes as base64, arrays as "
            "lists; for a JSON parameter a text is taken as JSON text."
        ),
    ] = None
    queries: Annotated[
        list[str | Query] | None,
        Meta(
            description="Several statements in one transaction, each a text or `{query, params}`. The data is that of "
            "the last one; when one fails, none has happened."
        ),
    ] = None
    script: Annotated[
        str | None,
        Meta(
            description="A file of SQL, relative to the playbook's file. It is sent as it stands: all of it is one "
            "transaction, unless it says BEGIN and COMMIT itself. It has no data."
        ),
    ] = None
    fetch: Annotated[
        Literal["all", "one", "value", "none"] | None,
        Meta(
            description="What the data is: `all` rows (the default) as a list of mappings, `one` for the first row or "
            "null, `value` for the first column of the first row or null, `none` for null."
        ),
    ] = None
    max_rows: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(
            description="With `fetch: all`: a query that gives more rows fails with `too_many_rows`, before they fill "
            "the memory, and is rolled back. There is no bound by default; `copy_to` is the way for large results."
        ),
    ] = None
    copy_from: Annotated[
        CopyFrom | None, Meta(description="Load a file into a table. The data is the number of rows.")
    ] = None
    copy_to: Annotated[CopyTo | None, Meta(description="Write rows to a file. The data is the number of rows.")] = None

    def __post_init__(self) -> None:
        if not self.connection.strip():
            raise ValueError(f"'connection' is empty; give a DSN, or '{EMBEDDED}'")
        way = self._way()
        if self.query is not None and not self.query.strip():
            raise ValueError("'query' is empty")
        if self.script is not None and not self.script.strip():
            raise ValueError("'script' is empty")
        if self.queries is not None and not all(q.strip() for q in self.queries or [""] if isinstance(q, str)):
            raise ValueError("'queries' must hold statements, none of them empty")
        if self.params is not None and way != "query" and (self.copy_to is None or self.copy_to.query is None):
            raise ValueError(
                _PARAMS_HINTS.get(way, "'params' goes with 'query', or with a 'copy_to' that has a 'query'")
            )
        if way not in ("query", "queries"):
            for key in ("fetch", "max_rows"):
                if getattr(self, key) is not None:
                    raise ValueError(f"'{key}' goes with 'query' or 'queries', not with '{way}'")
        if self.max_rows is not None and self.fetch not in (None, "all"):
            raise ValueError("'max_rows' goes with 'fetch: all'")

    def _way(self) -> str:
        given = [way for way in _WAYS if getattr(self, way) is not None]
        if len(given) == 1:
            return given[0]
        found = " and ".join(f"'{way}'" for way in given) or "none"
        raise ValueError(f"needs exactly one of 'query', 'queries', 'script', 'copy_from' and 'copy_to', got {found}")
