"""Carries out one `postgres` action: finds its connection, and its way among queries, scripts and copies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg

from noetl.actions.base import Call, Outcome
from noetl.actions.files import find_file
from noetl.actions.postgres.copy_from import copy_from
from noetl.actions.postgres.copy_to import copy_to
from noetl.actions.postgres.files import read_text
from noetl.actions.postgres.options import PostgresOptions, Query
from noetl.actions.postgres.pool import Connection, PostgresPool
from noetl.actions.postgres.statements import Want, run_queries, run_query, run_script


async def execute(options: PostgresOptions, call: Call) -> Outcome:
    pool = await call.resource(PostgresPool, options.connection.strip())
    async with pool.connection() as connection:
        with _heard(connection, call):
            return await _carry_out(options, call, connection)


async def _carry_out(options: PostgresOptions, call: Call, connection: Connection) -> Outcome:
    want = Want(fetch=options.fetch or "all", max_rows=options.max_rows)
    if options.query is not None:
        return (await run_query(connection, options.query, options.params, want)).outcome()
    if options.queries is not None:
        queries = [Query(query=query) if isinstance(query, str) else query for query in options.queries]
        return (await run_queries(connection, queries, want)).outcome()
    if options.script is not None:
        path = find_file(options.script, call.folder)
        text = await asyncio.to_thread(read_text, path)
        return (await run_script(connection, text, path.name)).outcome()
    if options.copy_from is not None:
        return await copy_from(connection, options.copy_from, call)
    assert options.copy_to is not None
    return await copy_to(connection, options.copy_to, options.params, call)


@contextmanager
def _heard(connection: Connection, call: Call) -> Iterator[None]:
    """What the server says beside its answers becomes lines of output, as psql shows them."""

    def hear(_: Any, message: asyncpg.PostgresLogMessage) -> None:
        call.line("notice", f"{message.severity}:  {message.message}")

    connection.add_log_listener(hear)
    try:
        yield
    finally:
        # One that was lost has let go of its listeners.
        with suppress(asyncpg.InterfaceError):
            connection.remove_log_listener(hear)
