"""The event log in a schema of a Postgres database, shared by all engines that reach the server."""

from noetl.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
