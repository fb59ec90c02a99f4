"""What can be said of an event log from outside: it is neither made nor changed, and need not be one."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from noetl.errors import StoreError
from noetl.store.opening import file_of
from noetl.store.sqlite.file import VERSION

_BUSY_TIMEOUT_S = 1.0


class LogState(NamedTuple):
    """`version` is that of the file's format, `runs` their number; both None where there is no file yet.

    `problem` is a sentence on why it cannot be used.
    """

    path: Path
    version: int | None
    runs: int | None
    free_bytes: int
    problem: str | None


def inspect_log(url: str) -> LogState | None:
    """The state of an event log; None for one that is in memory. Raises StoreError where the URL names none."""
    path = file_of(url)
    if path is None:
        return None
    place = _existing(path)
    free = shutil.disk_usage(place).free
    try:
        version, runs = _look_into(path) if path.exists() else (None, None)
    except (sqlite3.Error, StoreError) as error:
        return LogState(path, None, None, free, str(error))
    return LogState(path, version, runs, free, _obstacle(path, place))


def _existing(path: Path) -> Path:
    """The file, or the folder nearest to where it will be made."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())


def _obstacle(path: Path, place: Path) -> str | None:
    """Why nothing can be written there."""
    folder = place if place.is_dir() else place.parent
    if path.is_dir():
        return "it is a folder"
    if place.is_file() and place != path.absolute():
        return f"'{place}' is no folder"
    if place.is_file() and not os.access(place, os.W_OK):
        return "the file cannot be written"
    # SQLite keeps what is not yet in the file beside it.
    return None if os.access(folder, os.W_OK | os.X_OK) else f"the folder '{folder}' cannot be written"


def _look_into(path: Path) -> tuple[int, int]:
    if path.is_dir():
        return VERSION, 0
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_TIMEOUT_S)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise StoreError(f"its format is {version}, this noetl knows up to {VERSION}")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and tables:
            raise StoreError("it is another program's SQLite database")
        return version, int(connection.execute("SELECT count(*) FROM runs").fetchone()[0]) if tables else 0
