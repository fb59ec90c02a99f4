"""The tables of the SQLite file, version by version: forward only, each in one transaction. Knows no connection."""

from __future__ import annotations

# One row of `batches` is one append. It keeps its rowid: without one, rows of many kilobytes make SQLite slower and the
# file larger. `events` is for people: it shows what the batches hold as the rows that they would expect.
_FIRST = (
    "CREATE TABLE playbooks (digest TEXT PRIMARY KEY, text TEXT NOT NULL)",
    """CREATE TABLE runs (
        execution_id TEXT PRIMARY KEY,
        playbook     TEXT NOT NULL,
        status       TEXT NOT NULL,
        started_at   INTEGER NOT NULL,
        ended_at     INTEGER,
        key          TEXT,
        parent       TEXT,
        path         TEXT,
        digest       TEXT NOT NULL,
        folder       TEXT NOT NULL
    )""",
    "CREATE INDEX runs_by_start ON runs (started_at)",
    """CREATE TABLE batches (
        execution_id TEXT NOT NULL,
        first        INTEGER NOT NULL,
        last         INTEGER NOT NULL,
        events       TEXT NOT NULL,
        PRIMARY KEY (execution_id, first)
    )""",
    """CREATE VIEW events AS SELECT
        execution_id,
        json_extract(value, '$.seq')   AS seq,
        json_extract(value, '$.at')    AS at,
        json_extract(value, '$.kind')  AS kind,
        json_extract(value, '$.step')  AS step,
        json_extract(value, '$.token') AS token,
        json_extract(value, '$.data')  AS data,
        json_extract(value, '$.v')     AS v
    FROM batches, json_each(batches.events)""",
)

#: What the trigger says of an append whose engine has lost the run.
FENCED = "another engine has taken the run over"

# The fence is compared inside the statement that appends, so that nothing can come between.
_OWNERSHIP = (
    "ALTER TABLE runs ADD COLUMN engine TEXT",
    "ALTER TABLE runs ADD COLUMN fence INTEGER NOT NULL DEFAULT 0",
    "CREATE UNIQUE INDEX runs_by_key ON runs (key) WHERE key IS NOT NULL",
    "CREATE INDEX runs_by_engine ON runs (engine) WHERE engine IS NOT NULL",
    "ALTER TABLE batches ADD COLUMN fence INTEGER NOT NULL DEFAULT 0",
    f"""CREATE TRIGGER fenced BEFORE INSERT ON batches
    WHEN NEW.fence IS NOT (SELECT fence FROM runs WHERE execution_id = NEW.execution_id)
    BEGIN
        SELECT RAISE(ABORT, '{FENCED}');
    END""",
    """CREATE TABLE engines (
        engine     TEXT PRIMARY KEY,
        host       TEXT NOT NULL,
        boot       TEXT NOT NULL,
        pid        INTEGER NOT NULL,
        started    INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
    )""",
    """CREATE TABLE commands (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        execution_id TEXT NOT NULL,
        kind         TEXT NOT NULL,
        data         TEXT NOT NULL,
        at           INTEGER NOT NULL
    )""",
    """CREATE TABLE dead_letters (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        kind         TEXT NOT NULL,
        execution_id TEXT NOT NULL,
        at           INTEGER NOT NULL,
        cause        TEXT NOT NULL,
        data         TEXT NOT NULL
    )""",
    """CREATE TABLE snapshots (
        execution_id TEXT PRIMARY KEY,
        seq          INTEGER NOT NULL,
        form         TEXT NOT NULL,
        state        BLOB NOT NULL
    )""",
)

# Which runs need an artifact; the artifacts themselves are files.
_ARTIFACTS = (
    """CREATE TABLE artifacts (
        execution_id TEXT NOT NULL,
        digest       TEXT NOT NULL,
        PRIMARY KEY (execution_id, digest)
    ) WITHOUT ROWID""",
    "CREATE INDEX artifacts_by_digest ON artifacts (digest)",
    "CREATE INDEX runs_by_end ON runs (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE TABLE notes (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)

# A run is made together with its first events. Of those that were made before, and lost in between, nobody knows how
# they were to begin.
_BEGUN = ("DELETE FROM runs WHERE NOT EXISTS (SELECT 1 FROM batches WHERE batches.execution_id = runs.execution_id)",)

# In the order in which they are listed, where every index ends with the rowid.
_BY_STATUS = ("CREATE INDEX runs_by_status ON runs (status, started_at)",)

#: `MIGRATIONS[n]` brings a file of version n to version n + 1; an empty file has version 0.
MIGRATIONS = (_FIRST, _OWNERSHIP, _ARTIFACTS, _BEGUN, _BY_STATUS)
