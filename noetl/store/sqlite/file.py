"""The SQLite file: the version of its tables, and how a connection to it is opened. Knows no events."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

from noetl.errors import StoreError
from noetl.store.base import Durability, RunRecord
from noetl.store.sqlite.migrations import MIGRATIONS

#: Kept in the file's `user_version`.
VERSION = len(MIGRATIONS)

#: The columns of `runs`, in the order of RunRecord's fields.
RUN_COLUMNS = RunRecord.__struct_fields__

_PAUSE_S = 0.005


def open_file(path: Path, *, busy_timeout_s: float, durability: Durability = Durability.RELAXED) -> sqlite3.Connection:
    """A connection for writing to the event log at `path`, which is made, with its folder, if there is none."""
    try:
        _make_folder(path.parent)
        connection = connect(path, busy_timeout_s=busy_timeout_s)
        try:
            _ensure_tables(connection, path, busy_timeout_s)
            # With a write-ahead log NORMAL hands a commit to the system, and waits for the disk at checkpoints;
            # FULL waits at every commit.
            synchronous = "FULL" if durability is Durability.STRICT else "NORMAL"
            connection.execute(f"PRAGMA synchronous = {synchronous}")
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"cannot open the event log '{path}': {error}") from error
    return connection


def version_of(path: Path) -> int:
    """The version of the tables in a file, 0 in an empty one. Raises StoreError where it is no event log."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return _version(connection, path)
    except sqlite3.Error as error:
        raise StoreError(f"cannot open the event log '{path}': {error}") from error


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
    """Makes the tables in a new file, or brings older ones up; of several processes that open it at once, one does."""
    given_up = monotonic() + busy_timeout_s
    while _version(connection, path) < VERSION:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            with connection:  # commits, or rolls back
                connection.execute("BEGIN IMMEDIATE")
                _migrate(connection, _version(connection, path))
        except sqlite3.OperationalError as error:
            # To change the journal's mode SQLite wants the file for itself, and does not wait for it.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > given_up:
                raise
            sleep(_PAUSE_S)


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for migration in MIGRATIONS[version:]:
        for statement in migration:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the tables, 0 in an empty file; an error when the file holds something else."""
    # In one statement, or another process could make the tables between the two answers.
    version, tables = connection.execute(
        "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"
    ).fetchone()
    if version > VERSION:
        known = f"its format is {version}, this noetl knows up to {VERSION}"
        raise StoreError(f"the event log '{path}' was written by a newer noetl: {known}")
    if version == 0 and tables:
        raise StoreError(f"'{path}' is not an event log, but another program's SQLite database")
    return int(version)
