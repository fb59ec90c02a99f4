"""The SQLite file: its tables, their version, and how a connection to it is opened. Knows no events."""

from __future__ import annotations

import sqlite3
from dataclasses import fields
from pathlib import Path
from time import monotonic, sleep

from noetl.errors import StoreError
from noetl.store.base import RunRecord

#: Kept in the file's `user_version`; the place of migrations, which bring an older file to this one.
VERSION = 1

#: The columns of `runs`, in the order of RunRecord's fields.
RUN_COLUMNS = tuple(field.name for field in fields(RunRecord))

_PAUSE_S = 0.005

# One row of `batches` is one append. It keeps its rowid: without one, rows of many kilobytes make SQLite slower and the
# file larger. `events` is for people: it shows what the batches hold as the rows that they would expect.
_TABLES = (
    "CREATE TABLE playbooks (digest TEXT PRIMARY KEY, text TEXT NOT NULL)",
    """CREATE TABLE runs (
        execution_id TEXT PRIMARY KEY,
        playbook     TEXT NOT NULL,
        status       TEXT NOT NULL,
        started_at   INTEGER NOT NULL,
        ended_at     INTEGER,
        key          TEXT,
        parent       TEXT,
        path         TEXT,
        digest       TEXT NOT NULL,
        folder       TEXT NOT NULL
    )""",
    "CREATE INDEX runs_by_start ON runs (started_at)",
    """CREATE TABLE batches (
        execution_id TEXT NOT NULL,
        first        INTEGER NOT NULL,
        last         INTEGER NOT NULL,
        events       TEXT NOT NULL,
        PRIMARY KEY (execution_id, first)
    )""",
    """CREATE VIEW events AS SELECT
        execution_id,
        json_extract(value, '$.seq')   AS seq,
        json_extract(value, '$.at')    AS at,
        json_extract(value, '$.kind')  AS kind,
        json_extract(value, '$.step')  AS step,
        json_extract(value, '$.token') AS token,
        json_extract(value, '$.data')  AS data,
        json_extract(value, '$.v')     AS v
    FROM batches, json_each(batches.events)""",
)


def open_file(path: Path, *, busy_timeout_s: float) -> sqlite3.Connection:
    """A connection for writing to the event log at `path`, which is made, with its folder, if there is none."""
    try:
        _make_folder(path.parent)
        connection = connect(path, busy_timeout_s=busy_timeout_s)
        try:
            _ensure_tables(connection, path, busy_timeout_s)
            # With a write-ahead log this hands a commit to the operating system, and waits for the disk at checkpoints.
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"cannot open the event log '{path}': {error}") from error
    return connection


def connect(path: Path, *, busy_timeout_s: float) -> sqlite3.Connection:
    """A connection that begins no transaction by itself; it may be handed to another thread."""
    return sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    if folder.name == ".noetl":
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _ensure_tables(connection: sqlite3.Connection, path: Path, busy_timeout_s: float) -> None:
    """Makes the tables in a new file; of several processes that open it at once, one does."""
    given_up = monotonic() + busy_timeout_s
    while not _is_ready(connection, path):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            with connection:  # commits, or rolls back
                connection.execute("BEGIN IMMEDIATE")
                if not _is_ready(connection, path):
                    _make_tables(connection)
        except sqlite3.OperationalError as error:
            # To change the journal's mode SQLite wants the file for itself, and does not wait for it.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > given_up:
                raise
            sleep(_PAUSE_S)


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _is_ready(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the tables are there; no when the file is empty, an error when it holds something else."""
    # In one statement, or another process could make the tables between the two answers.
    version, tables = connection.execute(
        "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"
    ).fetchone()
    if version > VERSION:
        known = f"its format is {version}, this noetl knows up to {VERSION}"
        raise StoreError(f"the event log '{path}' was written by a newer noetl: {known}")
    if version == VERSION:
        return True
    if tables:
        raise StoreError(f"'{path}' is not an event log, but another program's SQLite database")
    return False
