"""The `postgres` action: queries, scripts and bulk copies. Knows nothing of steps, rules or the store."""

from noetl.actions.postgres.handler import PostgresHandler

__all__ = ["PostgresHandler"]
