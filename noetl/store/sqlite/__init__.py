"""The event log in one SQLite file, shared by all processes that open it."""

from noetl.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
