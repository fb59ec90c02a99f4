"""Reads from the SQLite file by a connection of its own, beside the writer's. Blocks; knows no event loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from noetl.errors import StoreError
from noetl.model.event import Event
from noetl.store import refusals
from noetl.store.artifacts import Fetch
from noetl.store.base import Command, DeadLetter, Owner, RunRecord, Snapshot, StoreInfo
from noetl.store.encoding import Batch, read_batches
from noetl.store.sqlite.artifact_folder import ArtifactFolder
from noetl.store.sqlite.file import RUN_COLUMNS, connect

T = TypeVar("T")

_RUNS = f"SELECT {', '.join(RUN_COLUMNS)} FROM runs"
_OWNERS = "SELECT engine, host, boot, pid, started, expires_at FROM engines"
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


def events(
    connection: sqlite3.Connection, fetch: Fetch, execution_id: str, after: int, limit: int | None
) -> list[Event]:
    rows = connection.execute(_BATCHES, (execution_id, after))
    return read_batches(execution_id, (Batch(*row) for row in rows), after, limit, fetch)


def record(connection: sqlite3.Connection, execution_id: str) -> RunRecord | None:
    row = connection.execute(f"{_RUNS} WHERE execution_id = ?", (execution_id,)).fetchone()
    return None if row is None else _run(row)


def find(connection: sqlite3.Connection, prefix: str) -> RunRecord:
    exact = record(connection, prefix)
    if exact is not None:
        return exact
    begins = "substr(execution_id, 1, length(?1)) = ?1 COLLATE NOCASE"
    return refusals.the_one(prefix, [_run(row) for row in connection.execute(f"{_RUNS} WHERE {begins}", (prefix,))])


def find_key(connection: sqlite3.Connection, key: str) -> RunRecord | None:
    row = connection.execute(f"{_RUNS} WHERE key = ?", (key,)).fetchone()
    return None if row is None else _run(row)


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


def owners(connection: sqlite3.Connection) -> list[Owner]:
    return [_owner(row) for row in connection.execute(_OWNERS)]


def owner_of(connection: sqlite3.Connection, engine: str) -> Owner | None:
    row = connection.execute(f"{_OWNERS} WHERE engine = ?", (engine,)).fetchone()
    return None if row is None else _owner(row)


def commands(connection: sqlite3.Connection, engine: str) -> list[Command]:
    rows = connection.execute(
        "SELECT id, commands.execution_id, kind, data, at FROM commands JOIN runs USING (execution_id) "
        "WHERE runs.engine = ? ORDER BY id",
        (engine,),
    )
    return [
        Command(id=number, execution_id=run, kind=kind, data=msgspec.json.decode(data), at=at)
        for number, run, kind, data, at in rows
    ]


def snapshot(connection: sqlite3.Connection, execution_id: str) -> Snapshot | None:
    row = connection.execute(
        "SELECT seq, form, state FROM snapshots WHERE execution_id = ?", (execution_id,)
    ).fetchone()
    return None if row is None else Snapshot(seq=row[0], form=row[1], state=row[2])


def dead_letters(connection: sqlite3.Connection) -> list[DeadLetter]:
    rows = connection.execute("SELECT id, kind, execution_id, at, cause, data FROM dead_letters ORDER BY id DESC")
    return [
        DeadLetter(
            id=number,
            kind=kind,
            execution_id=run,
            at=at,
            cause=msgspec.json.decode(cause),
            data=msgspec.json.decode(data),
        )
        for number, kind, run, at, cause, data in rows
    ]


def noted(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def about(connection: sqlite3.Connection, path: Path, folder: ArtifactFolder) -> StoreInfo:
    (version,), (pages,), (page_size,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "page_count", "page_size")
    )
    (events,) = connection.execute("SELECT coalesce(sum(last - first + 1), 0) FROM batches").fetchone()
    return StoreInfo(
        kind="sqlite",
        place=str(path),
        version=version,
        size=pages * page_size + folder.size(),
        runs=dict(connection.execute("SELECT status, count(*) FROM runs GROUP BY status")),
        events=events,
    )


def _owner(row: tuple[Any, ...]) -> Owner:
    engine, host, boot, pid, started, expires_at = row
    return Owner(engine=engine, host=host, boot=boot, pid=pid, started=started, expires_at=expires_at)


def _run(row: tuple[Any, ...]) -> RunRecord:
    return RunRecord(**dict(zip(RUN_COLUMNS, row, strict=True)))
