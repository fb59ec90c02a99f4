"""Reads from the SQLite file by a connection of its own, beside the writer's. Blocks; knows no event loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from noetl.errors import StoreError
from noetl.model.event import Event
from noetl.store import refusals
from noetl.store.base import RunRecord
from noetl.store.encoding import Batch, read_batches
from noetl.store.sqlite.file import RUN_COLUMNS, connect

T = TypeVar("T")

_RUNS = f"SELECT {', '.join(RUN_COLUMNS)} FROM runs"
# Begins with the batch that holds event `after` + 1. Bytes, because the decoder would otherwise encode the text again.
_BATCHES = """
    SELECT first, last, CAST(events AS BLOB) FROM batches WHERE execution_id = ?1 AND last > ?2 AND first >= (
        SELECT coalesce(max(first), 1) FROM batches WHERE execution_id = ?1 AND first <= ?2 + 1
    )
    ORDER BY first"""


class Reader:
    """Answers one question after the other; the connection is opened by the first one."""

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._connection: sqlite3.Connection | None = None

    def ask(self, question: Callable[..., T], *args: Any) -> T:
        """`question` is one of this module's functions that take a connection."""
        try:
            if self._connection is None:
                self._connection = connect(self._path, busy_timeout_s=self._busy_timeout_s)
            return question(self._connection, *args)
        except sqlite3.Error as error:
            raise StoreError(f"cannot read the event log '{self._path}': {error}") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def events(connection: sqlite3.Connection, execution_id: str, after: int, limit: int | None) -> list[Event]:
    rows = connection.execute(_BATCHES, (execution_id, after))
    return read_batches(execution_id, (Batch(*row) for row in rows), after, limit)


def record(connection: sqlite3.Connection, execution_id: str) -> RunRecord | None:
    row = connection.execute(f"{_RUNS} WHERE execution_id = ?", (execution_id,)).fetchone()
    return None if row is None else _run(row)


def find(connection: sqlite3.Connection, prefix: str) -> RunRecord:
    exact = record(connection, prefix)
    if exact is not None:
        return exact
    begins = "substr(execution_id, 1, length(?1)) = ?1 COLLATE NOCASE"
    return refusals.the_one(prefix, [_run(row) for row in connection.execute(f"{_RUNS} WHERE {begins}", (prefix,))])


def text(connection: sqlite3.Connection, digest: str) -> str:
    row = connection.execute("SELECT text FROM playbooks WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        raise refusals.unknown_text(digest)
    return str(row[0])


def list_runs(connection: sqlite3.Connection, limit: int | None, status: str | None) -> list[RunRecord]:
    newest = "ORDER BY started_at DESC, rowid DESC LIMIT ?"
    bound = -1 if limit is None else limit
    if status is None:
        rows = connection.execute(f"{_RUNS} {newest}", (bound,))
    else:
        rows = connection.execute(f"{_RUNS} WHERE status = ? {newest}", (status, bound))
    return [_run(row) for row in rows]


def _run(row: tuple[Any, ...]) -> RunRecord:
    return RunRecord(**dict(zip(RUN_COLUMNS, row, strict=True)))
