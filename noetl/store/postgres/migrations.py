"""The tables of the Postgres store, version by version: forward only, each in one transaction. Knows no connection.

Names have no schema: the connection's `search_path` is the schema of the log.
"""

from __future__ import annotations

# `runs.last` is the number of the last event: an append moves it on, and the lock on the row is what makes appends,
# claims and commands of one run follow each other. Room is left on its pages, so that to move it costs no index entry.
# `batches.events` is JSON as bytes: Postgres refuses NUL in what it takes for text. The view is for people, and shows
# U+FFFD where a text has NUL.
_FIRST = (
    """CREATE TABLE playbooks (
        digest text COLLATE "C" PRIMARY KEY,
        text   bytea NOT NULL
    )""",
    """CREATE TABLE runs (
        execution_id text COLLATE "C" PRIMARY KEY,
        playbook     text NOT NULL,
        status       text NOT NULL,
        started_at   bigint NOT NULL,
        ended_at     bigint,
        key          text COLLATE "C" UNIQUE,
        parent       text,
        path         text,
        engine       text,
        fence        bigint NOT NULL,
        digest       text COLLATE "C" NOT NULL REFERENCES playbooks,
        folder       text NOT NULL,
        last         bigint NOT NULL DEFAULT 0,
        number       bigint NOT NULL GENERATED ALWAYS AS IDENTITY
    ) WITH (fillfactor = 70)""",
    "CREATE INDEX runs_by_start ON runs (started_at, number)",
    "CREATE INDEX runs_by_engine ON runs (engine) WHERE engine IS NOT NULL",
    "CREATE INDEX runs_by_digest ON runs (digest)",
    "CREATE INDEX runs_by_end ON runs (ended_at) WHERE ended_at IS NOT NULL",
    """CREATE TABLE batches (
        execution_id text COLLATE "C" NOT NULL,
        first        bigint NOT NULL,
        last         bigint NOT NULL,
        events       bytea NOT NULL,
        PRIMARY KEY (execution_id, first)
    )""",
    """CREATE TABLE artifacts (
        digest  text COLLATE "C" PRIMARY KEY,
        content bytea NOT NULL,
        used_at timestamptz NOT NULL DEFAULT now()
    )""",
    """CREATE TABLE artifact_uses (
        execution_id text COLLATE "C" NOT NULL,
        digest       text COLLATE "C" NOT NULL,
        PRIMARY KEY (execution_id, digest)
    )""",
    "CREATE INDEX artifact_uses_by_digest ON artifact_uses (digest)",
    r"""CREATE VIEW events AS SELECT
        execution_id,
        (event ->> 'seq')::bigint AS seq,
        (event ->> 'at')::bigint  AS at,
        event ->> 'kind'          AS kind,
        event ->> 'step'          AS step,
        event ->> 'token'         AS token,
        event -> 'data'           AS data,
        (event ->> 'v')::integer  AS v
    FROM batches, json_array_elements(
        regexp_replace(convert_from(events, 'UTF8'), '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json
    ) AS event""",
    """CREATE TABLE engines (
        engine     text COLLATE "C" PRIMARY KEY,
        host       text NOT NULL,
        boot       text NOT NULL,
        pid        bigint NOT NULL,
        started    bigint NOT NULL,
        expires_at bigint NOT NULL
    )""",
    """CREATE TABLE commands (
        id           bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        execution_id text COLLATE "C" NOT NULL,
        kind         text NOT NULL,
        data         text NOT NULL,
        at           bigint NOT NULL,
        token        uuid NOT NULL UNIQUE
    )""",
    "CREATE INDEX commands_by_run ON commands (execution_id)",
    """CREATE TABLE dead_letters (
        id           bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        kind         text NOT NULL,
        execution_id text COLLATE "C" NOT NULL,
        at           bigint NOT NULL,
        cause        text NOT NULL,
        data         text NOT NULL,
        token        uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()
    )""",
    "CREATE INDEX dead_letters_by_run ON dead_letters (execution_id)",
    """CREATE TABLE notes (
        name  text PRIMARY KEY,
        value bigint NOT NULL
    )""",
    """CREATE TABLE snapshots (
        execution_id text COLLATE "C" PRIMARY KEY,
        seq          bigint NOT NULL,
        form         text NOT NULL,
        state        bytea NOT NULL
    )""",
)

# A run is made together with its first events. Of those that were made before, and lost in between, nobody knows how
# they were to begin.
_BEGUN = ("DELETE FROM runs WHERE last = 0",)

_BY_STATUS = ("CREATE INDEX runs_by_status ON runs (status, started_at, number)",)

#: `MIGRATIONS[n]` brings a log of version n to version n + 1; an empty schema has version 0.
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _BEGUN, _BY_STATUS)
