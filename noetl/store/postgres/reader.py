"""What is asked of the tables, each question on a connection. Decodes nothing while it holds one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import asyncpg
import msgspec

from noetl.store import refusals
from noetl.store.base import Command, DeadLetter, Owner, RunRecord, Snapshot
from noetl.store.encoding import Batch
from noetl.store.postgres.server import Connection
from noetl.store.postgres.statements import RUN_COLUMNS

Row = asyncpg.Record

_RUNS = f"SELECT {', '.join(RUN_COLUMNS)} FROM runs"
_OWNERS = "SELECT engine, host, boot, pid, started, expires_at FROM engines"
# Begins with the batch that holds event `after` + 1.
_BATCHES = """
    SELECT first, last, events FROM batches
    WHERE execution_id = $1 AND last > $2 AND first <= $3 AND first >= (
        SELECT coalesce(max(first), 1) FROM batches WHERE execution_id = $1 AND first <= $2 + 1
    )
    ORDER BY first"""
_BEGINNING = "starts_with(lower(execution_id), lower($1))"
_COMMANDS = """
    SELECT id, commands.execution_id, kind, data, at FROM commands JOIN runs USING (execution_id)
    WHERE runs.engine = $1 ORDER BY id"""
_ARTIFACTS = "SELECT digest, content FROM artifacts WHERE digest = ANY($1::text[])"

#: Bytes on the disk, with indexes and what is kept aside.
SIZE = """
    SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"""

_LAST = 2**62


async def batches(connection: Connection, execution_id: str, after: int, limit: int | None) -> list[Batch]:
    """The batches in which the events after a number are; with a limit, no more than hold so many."""
    highest = _LAST if limit is None else after + limit
    return [Batch(*row) for row in await connection.fetch(_BATCHES, execution_id, after, highest)]


async def record(connection: Connection, execution_id: str) -> RunRecord | None:
    return _one(await connection.fetchrow(f"{_RUNS} WHERE execution_id = $1", execution_id))


async def find(connection: Connection, prefix: str) -> RunRecord:
    exact = await record(connection, prefix)
    if exact is not None:
        return exact
    return refusals.the_one(
        prefix, [RunRecord(**row) for row in await connection.fetch(f"{_RUNS} WHERE {_BEGINNING}", prefix)]
    )


async def find_key(connection: Connection, key: str) -> RunRecord | None:
    return _one(await connection.fetchrow(f"{_RUNS} WHERE key = $1", key))


async def text(connection: Connection, digest: str) -> str:
    found = await connection.fetchval("SELECT text FROM playbooks WHERE digest = $1", digest)
    if found is None:
        raise refusals.unknown_text(digest)
    return bytes(found).decode()


async def list_runs(connection: Connection, limit: int | None, status: str | None) -> list[RunRecord]:
    newest = "ORDER BY started_at DESC, number DESC LIMIT $1"
    if status is None:
        rows = await connection.fetch(f"{_RUNS} {newest}", limit)
    else:
        rows = await connection.fetch(f"{_RUNS} WHERE status = $2 {newest}", limit, status)
    return [RunRecord(**row) for row in rows]


async def owners(connection: Connection) -> list[Owner]:
    return [Owner(**row) for row in await connection.fetch(_OWNERS)]


async def owner_of(connection: Connection, engine: str) -> Owner | None:
    row = await connection.fetchrow(f"{_OWNERS} WHERE engine = $1", engine)
    return None if row is None else Owner(**row)


async def commands(connection: Connection, engine: str) -> list[Command]:
    return [Command(**_decoded(row, "data")) for row in await connection.fetch(_COMMANDS, engine)]


async def snapshot(connection: Connection, execution_id: str) -> Snapshot | None:
    row = await connection.fetchrow("SELECT seq, form, state FROM snapshots WHERE execution_id = $1", execution_id)
    return None if row is None else Snapshot(**row)


async def dead_letters(connection: Connection) -> list[DeadLetter]:
    rows = await connection.fetch("SELECT id, kind, execution_id, at, cause, data FROM dead_letters ORDER BY id DESC")
    return [DeadLetter(**_decoded(row, "cause", "data")) for row in rows]


async def artifacts(connection: Connection, digests: Collection[str]) -> dict[str, bytes]:
    """The contents that there are."""
    return {row[0]: row[1] for row in await connection.fetch(_ARTIFACTS, list(digests))}


async def noted(connection: Connection, name: str) -> int | None:
    found: int | None = await connection.fetchval("SELECT value FROM notes WHERE name = $1", name)
    return found


async def about(connection: Connection) -> tuple[int, int, dict[str, int], int]:
    """Version, size in bytes, runs by status, and the number of events."""
    version, size = await connection.fetchval("SELECT max(number) FROM migrations"), await connection.fetchval(SIZE)
    rows = await connection.fetch("SELECT status, count(*), sum(last)::bigint FROM runs GROUP BY status")
    return version, size, {row[0]: row[1] for row in rows}, sum(row[2] for row in rows)


def _one(row: Row | None) -> RunRecord | None:
    return None if row is None else RunRecord(**row)


def _decoded(row: Row, *columns: str) -> dict[str, Any]:
    return {**row, **{column: msgspec.json.decode(row[column]) for column in columns}}
