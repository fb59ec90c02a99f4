"""Old runs are removed with all that only they need, part by part, and the room is given back."""

from __future__ import annotations

from contextlib import suppress

import asyncpg

from noetl.store.base import Pruned
from noetl.store.postgres.reader import SIZE
from noetl.store.postgres.server import Connection

#: Somebody may have much to remove, and to move together.
_LONG_S = 3600.0
#: In one part of a prune.
_RUNS = 200
#: Longer than any append may take.
_GRACE = "5 minutes"
_BY_RUN = ("batches", "snapshots", "commands", "dead_letters", "artifact_uses")

_OLD = """
    SELECT execution_id, last FROM runs
    WHERE ended_at < $1 AND NOT ($2 AND status = 'failed') AND NOT EXISTS (
        SELECT FROM runs AS caller WHERE caller.execution_id = runs.parent AND caller.ended_at IS NULL
    )"""
_ALSO_GONE = "".join(
    f", {table}_gone AS (DELETE FROM {table} USING old WHERE {table}.execution_id = old.execution_id)"
    for table in _BY_RUN
)
# One part, the oldest first.
_PRUNE = f"""
    WITH old AS MATERIALIZED ({_OLD} ORDER BY ended_at LIMIT {_RUNS} FOR UPDATE), gone AS (
        DELETE FROM runs USING old WHERE runs.execution_id = old.execution_id
    ) {_ALSO_GONE}
    SELECT count(*), coalesce(sum(last), 0) FROM old"""
_WOULD_PRUNE = f"""
    WITH old AS MATERIALIZED ({_OLD})
    SELECT count(*), coalesce(sum(last), 0), (
        SELECT count(*) FROM (
            SELECT FROM artifact_uses GROUP BY digest HAVING bool_and(execution_id IN (SELECT execution_id FROM old))
        ) AS unused
    ) FROM old"""
_REMOVE_TEXTS = "DELETE FROM playbooks WHERE NOT EXISTS (SELECT FROM runs WHERE runs.digest = playbooks.digest)"
# What is kept for events that are just being written counts as used a moment ago.
_REMOVE_ARTIFACTS = f"""
    DELETE FROM artifacts WHERE used_at < now() - interval '{_GRACE}' AND NOT EXISTS (
        SELECT FROM artifact_uses WHERE artifact_uses.digest = artifacts.digest
    )"""


async def prune(connection: Connection, before: int, keep_failed: bool) -> Pruned:
    """Removes the next few of the old runs; none when no more are left."""
    runs, events = await connection.fetchrow(_PRUNE, before, keep_failed, timeout=_LONG_S) or (0, 0)
    return Pruned(runs=runs, events=int(events))


async def would_prune(connection: Connection, before: int, keep_failed: bool) -> Pruned:
    """What all parts of `prune` together would remove."""
    row = await connection.fetchrow(_WOULD_PRUNE, before, keep_failed, timeout=_LONG_S)
    runs, events, artifacts = row or (0, 0, 0)
    return Pruned(runs=runs, events=int(events), artifacts=artifacts)


async def remove_unused(connection: Connection) -> int:
    """Removes the texts and artifacts that no run needs any more, and gives the number of artifacts."""
    # A run that is just created may need a text that nobody needed: then all stay until the next time.
    with suppress(asyncpg.ForeignKeyViolationError):
        await connection.execute(_REMOVE_TEXTS, timeout=_LONG_S)
    return number_in(await connection.execute(_REMOVE_ARTIFACTS, timeout=_LONG_S))


async def compact(connection: Connection) -> int:
    """Room in the middle of a table is left for what comes: to move all together would lock everybody out."""
    before = await connection.fetchval(SIZE)
    for table in ("runs", *_BY_RUN, "playbooks", "artifacts"):
        await connection.execute(f"VACUUM (ANALYZE) {table}", timeout=_LONG_S)
    # What the server notes about free room may take more than there was.
    return max(0, int(before - await connection.fetchval(SIZE)))


def number_in(status: str) -> int:
    """How many rows it were: `DELETE 3`."""
    return int(status.rpartition(" ")[2])
