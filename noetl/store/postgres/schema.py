"""The version of the tables in a schema: made where there are none, brought up where somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from noetl.errors import StoreError
from noetl.store.postgres.migrations import MIGRATIONS
from noetl.store.postgres.server import Connection, Server

Migrations = Sequence[Sequence[str]]

# In one statement, or another process could make the tables between the two answers.
_TABLES = """
    SELECT count(*), count(*) FILTER (WHERE relname = 'migrations') FROM pg_class
    WHERE relnamespace = to_regnamespace($1)"""
#: Of all who open the log at once one makes the tables; the others wait for this lock.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('noetl event log ' || $1, 0))"
_RECORDS = "CREATE TABLE migrations (number integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"


async def ensure_tables(server: Server, *, create: bool, migrations: Migrations = MIGRATIONS) -> None:
    """Makes the tables in an empty schema. Raises StoreError where they are missing, older, newer, or not ours.

    Tables of an older version are left alone: other engines, of that version, may be using them.
    """
    version = await server.ask(lambda connection: version_of(connection, server, migrations))
    if version == 0 and not create:
        raise StoreError(f"there is no event log {server.where}")
    if version == 0:
        _, version = await server.ask(lambda connection: migrate(connection, server, migrations))
    if version < len(migrations):
        raise StoreError(
            f"the event log {server.where} is of version {version}, this noetl wants version {len(migrations)} "
            "(stop the engines that use it, then 'noetl store migrate' brings it up)"
        )


async def migrate(connection: Connection, server: Server, migrations: Migrations = MIGRATIONS) -> tuple[int, int]:
    """Brings the tables to the newest version, all in one transaction; gives that which they had, and that one."""
    async with connection.transaction():
        await connection.fetchval(_LOCK, server.schema)
        version = await version_of(connection, server, migrations)
        if version == 0:
            # Who may use a schema need not be allowed to make one.
            if await connection.fetchval("SELECT to_regnamespace($1)", server.schema) is None:
                await connection.execute(f"CREATE SCHEMA {server.schema}")
            await connection.execute(_RECORDS)
        for number, migration in enumerate(migrations[version:], version + 1):
            for statement in migration:
                await connection.execute(statement)
            await connection.execute("INSERT INTO migrations (number) VALUES ($1)", number)
    return version, len(migrations)


async def version_of(connection: Connection, server: Server, migrations: Migrations) -> int:
    """The version of the tables, 0 where there are none; an error when the schema holds something else."""
    tables, ours = await connection.fetchrow(_TABLES, server.schema) or (0, 0)
    if not ours and tables:
        other = f"the schema '{server.schema}' {server.where} has tables that are not an event log's"
        raise StoreError(f"{other} (choose another one: '?schema=NAME' at the end of the URL)")
    if not ours:
        return 0
    version = int(await connection.fetchval("SELECT max(number) FROM migrations") or 0)
    if version > len(migrations):
        known = f"its version is {version}, this noetl knows up to {len(migrations)}"
        raise StoreError(f"the event log {server.where} was written by a newer noetl: {known}")
    return version
