"""What is written to the SQLite file beside the log: who drives a run, what is asked of it, and what is kept of it.

Each function that writes is called inside a transaction, and refuses by a StoreError before it has written anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

import msgspec

from noetl.store import refusals
from noetl.store.base import Command, DeadLetter, Owner, Pruned, Snapshot
from noetl.store.encoding import as_json
from noetl.store.jobs import letter_row
from noetl.store.sqlite.artifact_folder import ArtifactFolder
from noetl.store.sqlite.reader import owner_of, record

_ENTER = """
    INSERT INTO engines (engine, host, boot, pid, started, expires_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (engine) DO UPDATE SET expires_at = excluded.expires_at"""

_OLD = """
    ended_at < :before AND NOT (:keep_failed AND status = 'failed') AND NOT EXISTS (
        SELECT 1 FROM runs AS caller WHERE caller.execution_id = runs.parent AND caller.ended_at IS NULL
    )"""

# One part of a prune: so many runs, of which all but the first together have so many batches.
_RUNS = 200
_BATCHES = 2000
#: So many artifacts are removed while everybody else who writes waits.
ARTIFACTS = 200

#: Less than this share, or so many bytes, is left in the file for what comes.
_FREE_SHARE = 0.25
_FREE_BYTES = 4_000_000


def enter(connection: sqlite3.Connection, owner: Owner) -> None:
    row = (owner.engine, owner.host, owner.boot, owner.pid, owner.started, owner.expires_at)
    connection.execute(_ENTER, row)


def leave(connection: sqlite3.Connection, engine: str) -> None:
    connection.execute("UPDATE runs SET engine = NULL WHERE engine = ?", (engine,))
    connection.execute("DELETE FROM engines WHERE engine = ?", (engine,))


def claim(connection: sqlite3.Connection, execution_id: str, engine: str, now: int, dead: Collection[str]) -> int:
    row = connection.execute("SELECT engine, fence FROM runs WHERE execution_id = ?", (execution_id,)).fetchone()
    if row is None:
        raise refusals.unknown_run(execution_id)
    driver, fence = row
    if driver == engine:
        return int(fence)
    owner = None if driver is None else owner_of(connection, driver)
    if owner is not None and owner.expires_at > now and owner.engine not in dead:
        raise refusals.owned(execution_id, owner, now)
    taken = "UPDATE runs SET engine = ?, fence = fence + 1 WHERE execution_id = ?"
    connection.execute(taken, (engine, execution_id))
    return int(fence) + 1


def release(connection: sqlite3.Connection, execution_id: str, engine: str) -> None:
    connection.execute("UPDATE runs SET engine = NULL WHERE execution_id = ? AND engine = ?", (execution_id, engine))


def post(connection: sqlite3.Connection, command: Command) -> Command:
    run = record(connection, command.execution_id)
    if run is None:
        raise refusals.unknown_run(command.execution_id)
    if run.ended_at is not None:
        raise refusals.ended(run.execution_id, run.status)
    added = connection.execute(
        "INSERT INTO commands (execution_id, kind, data, at) VALUES (?, ?, ?, ?)",
        (command.execution_id, command.kind, as_json(command.data), command.at),
    )
    return msgspec.structs.replace(command, id=added.lastrowid or 0)


def settle(connection: sqlite3.Connection, commands: Collection[int]) -> None:
    connection.executemany("DELETE FROM commands WHERE id = ?", [(number,) for number in commands])


def save_snapshot(connection: sqlite3.Connection, execution_id: str, snapshot: Snapshot) -> None:
    row = (execution_id, snapshot.seq, snapshot.form, snapshot.state)
    connection.execute("INSERT OR REPLACE INTO snapshots (execution_id, seq, form, state) VALUES (?, ?, ?, ?)", row)


def bury(connection: sqlite3.Connection, letter: DeadLetter) -> int:
    added = connection.execute(
        "INSERT INTO dead_letters (kind, execution_id, at, cause, data) VALUES (?, ?, ?, ?, ?)", letter_row(letter)
    )
    return added.lastrowid or 0


def unbury(connection: sqlite3.Connection, letter: int) -> None:
    if connection.execute("DELETE FROM dead_letters WHERE id = ?", (letter,)).rowcount == 0:
        raise refusals.unknown_letter(letter)


def prune(connection: sqlite3.Connection, before: int, keep_failed: bool) -> Pruned:
    """Removes the next few of the old runs, the oldest first; none when no more are left."""
    found = connection.execute(
        f"""SELECT execution_id, (SELECT count(*) FROM batches WHERE batches.execution_id = runs.execution_id),
            (SELECT max(last) FROM batches WHERE batches.execution_id = runs.execution_id)
        FROM runs WHERE {_OLD} ORDER BY ended_at LIMIT {_RUNS}""",
        {"before": before, "keep_failed": keep_failed},
    )
    old: list[tuple[str]] = []
    batches = events = 0
    for execution_id, count, last in found:
        batches += count
        if old and batches > _BATCHES:
            break
        old.append((execution_id,))
        events += last or 0
    found.close()
    for table in ("batches", "snapshots", "commands", "dead_letters", "artifacts", "runs"):
        connection.executemany(f"DELETE FROM {table} WHERE execution_id = ?", old)
    return Pruned(runs=len(old), events=events)


def would_prune(connection: sqlite3.Connection, before: int, keep_failed: bool) -> Pruned:
    """What all parts of `prune` together would remove."""
    old = f"SELECT execution_id FROM runs WHERE {_OLD}"
    runs, events, artifacts = connection.execute(
        f"""SELECT
            (SELECT count(*) FROM ({old})),
            (SELECT coalesce(sum(last - first + 1), 0) FROM batches WHERE execution_id IN ({old})),
            (SELECT count(DISTINCT digest) FROM artifacts WHERE execution_id IN ({old}) AND digest NOT IN (
                SELECT digest FROM artifacts WHERE execution_id NOT IN ({old})
            ))""",
        {"before": before, "keep_failed": keep_failed},
    ).fetchone()
    return Pruned(runs=runs, events=events, artifacts=artifacts)


def remove_texts(connection: sqlite3.Connection) -> None:
    """Removes the playbooks that no run needs any more."""
    connection.execute("DELETE FROM playbooks WHERE digest NOT IN (SELECT digest FROM runs)")


def unused_artifacts(connection: sqlite3.Connection, folder: ArtifactFolder) -> list[str]:
    """The artifacts that no run needs, or no run needs yet; what was left of unfinished ones is removed."""
    folder.remove_drafts()
    used = {digest for (digest,) in connection.execute("SELECT DISTINCT digest FROM artifacts")}
    return [digest for digest in folder.digests() if digest not in used]


def remove_artifacts(connection: sqlite3.Connection, folder: ArtifactFolder, digests: Sequence[str]) -> int:
    """Removes those of the artifacts that nobody needs; nobody can begin to need one meanwhile."""
    removed = 0
    for digest in digests:
        if connection.execute("SELECT 1 FROM artifacts WHERE digest = ?", (digest,)).fetchone() is None:
            folder.remove(digest)
            removed += 1
    return removed


def compact(connection: sqlite3.Connection) -> int:
    """Makes the file smaller where much of it is free; not to be called inside a transaction."""
    before, free, size = _pages(connection)
    if free < before * _FREE_SHARE or free * size < _FREE_BYTES:
        return 0
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (before - _pages(connection)[0]) * size


def _pages(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """All pages of the file, those that are free, and the size of one."""
    row: tuple[int, int, int] = connection.execute(
        "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    ).fetchone()
    return row


def note(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", (name, value))
