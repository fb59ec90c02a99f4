"""What is written beside the log: who drives a run, what is asked of it, and what is kept of it.

Each function may be called again after the connection broke under it, and then does nothing that it has done already.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import msgspec

from noetl.store import refusals
from noetl.store.base import Command, DeadLetter, Owner, Snapshot
from noetl.store.encoding import as_json
from noetl.store.jobs import letter_row
from noetl.store.postgres.reader import owner_of, record
from noetl.store.postgres.server import Connection

_ENTER = """
    INSERT INTO engines (engine, host, boot, pid, started, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (engine) DO UPDATE SET expires_at = excluded.expires_at"""
_LEAVE = """
    WITH left_alone AS (UPDATE runs SET engine = NULL WHERE engine = $1)
    DELETE FROM engines WHERE engine = $1"""
_CLAIM = """
    UPDATE runs SET engine = $2, fence = fence + 1
    WHERE execution_id = $1 AND engine IS DISTINCT FROM $2 AND (
        engine IS NULL OR engine = ANY($4::text[])
        OR NOT EXISTS (SELECT FROM engines WHERE engines.engine = runs.engine AND expires_at > $3)
    )
    RETURNING fence"""
_RELEASE = "UPDATE runs SET engine = NULL WHERE execution_id = $1 AND engine = $2"
# The lock on the run makes its commands visible in the order of their numbers: of what is done, a run remembers only
# the greatest.
_POST = """
    WITH run AS MATERIALIZED (
        SELECT execution_id FROM runs WHERE execution_id = $1 AND ended_at IS NULL FOR NO KEY UPDATE
    ), added AS (
        INSERT INTO commands (execution_id, kind, data, at, token) SELECT execution_id, $2, $3, $4, $5 FROM run
        ON CONFLICT (token) DO UPDATE SET token = excluded.token RETURNING id
    )
    SELECT id, pg_notify($6, '') FROM added"""
_NOTE = """
    INSERT INTO notes (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"""
_SAVE = """
    INSERT INTO snapshots (execution_id, seq, form, state) VALUES ($1, $2, $3, $4)
    ON CONFLICT (execution_id) DO UPDATE SET seq = excluded.seq, form = excluded.form, state = excluded.state"""
_BURY = """
    INSERT INTO dead_letters (kind, execution_id, at, cause, data, token) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (token) DO UPDATE SET token = excluded.token RETURNING id"""


async def enter(connection: Connection, owner: Owner) -> None:
    await connection.execute(_ENTER, owner.engine, owner.host, owner.boot, owner.pid, owner.started, owner.expires_at)


async def leave(connection: Connection, engine: str) -> None:
    await connection.execute(_LEAVE, engine)


async def claim(connection: Connection, execution_id: str, engine: str, now: int, dead: Collection[str]) -> int:
    while True:
        fence = await connection.fetchval(_CLAIM, execution_id, engine, now, list(dead))
        if fence is not None:
            return int(fence)
        run = await record(connection, execution_id)
        if run is None:
            raise refusals.unknown_run(execution_id)
        if run.engine == engine:
            return run.fence
        owner = None if run.engine is None else await owner_of(connection, run.engine)
        # Where the owner has gone since, the run is to be had now.
        if owner is not None and owner.expires_at > now and owner.engine not in dead:
            raise refusals.owned(execution_id, owner, now)


async def release(connection: Connection, execution_id: str, engine: str) -> None:
    await connection.execute(
        "UPDATE runs SET engine = NULL WHERE execution_id = $1 AND engine = $2", execution_id, engine
    )


async def post(connection: Connection, command: Command, token: UUID, channel: str) -> Command:
    number = await connection.fetchval(
        _POST, command.execution_id, command.kind, as_json(command.data), command.at, token, channel
    )
    if number is None:
        run = await record(connection, command.execution_id)
        if run is None:
            raise refusals.unknown_run(command.execution_id)
        raise refusals.ended(run.execution_id, run.status)
    return msgspec.structs.replace(command, id=number)


async def settle(connection: Connection, commands: Collection[int]) -> None:
    await connection.execute("DELETE FROM commands WHERE id = ANY($1::bigint[])", list(commands))


async def save_snapshot(connection: Connection, execution_id: str, snapshot: Snapshot) -> None:
    await connection.execute(_SAVE, execution_id, snapshot.seq, snapshot.form, snapshot.state)


async def bury(connection: Connection, letter: DeadLetter, token: UUID) -> int:
    return int(await connection.fetchval(_BURY, *letter_row(letter), token))


async def unbury(connection: Connection, letter: int) -> None:
    if await connection.fetchval("DELETE FROM dead_letters WHERE id = $1 RETURNING id", letter) is None:
        raise refusals.unknown_letter(letter)


async def note(connection: Connection, name: str, value: int) -> None:
    await connection.execute(_NOTE, name, value)
