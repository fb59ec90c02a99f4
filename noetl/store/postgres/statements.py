"""The statements by which the writer creates runs and appends to them: any number of runs in one round trip each.

Each is atomic, and written so that to send it twice does nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from noetl.store.base import RunRecord
from noetl.store.encoding import as_json
from noetl.store.jobs import letter_row
from noetl.store.postgres.server import Connection
from noetl.store.postgres.turns import Turn

#: The columns of `runs`, in the order of RunRecord's fields.
RUN_COLUMNS = RunRecord.__struct_fields__

_TYPES = {"started_at": "bigint", "ended_at": "bigint", "fence": "bigint"}
_GIVEN_RUNS = ", ".join(f"${place}::{_TYPES.get(name, 'text')}[]" for place, name in enumerate(RUN_COLUMNS, 4))
_COLUMNS = ", ".join(RUN_COLUMNS)


def _writing(first: int) -> str:
    """What goes with the runs that a statement has `moved`; its parameters begin with this one."""
    batches, uses, letters = (range(first, first + 4), range(first + 4, first + 6), range(first + 6, first + 12))
    return f"""
    written AS (
        INSERT INTO batches (execution_id, first, last, events)
        SELECT batch.* FROM unnest({_arrays(batches, "text bigint bigint bytea")})
            AS batch (execution_id, first, last, events) JOIN moved USING (execution_id)
    ), used AS (
        INSERT INTO artifact_uses (execution_id, digest)
        SELECT use.* FROM unnest({_arrays(uses, "text text")})
            AS use (execution_id, digest) JOIN moved USING (execution_id)
        ON CONFLICT DO NOTHING
    ), buried AS (
        INSERT INTO dead_letters (kind, execution_id, at, cause, data)
        SELECT kind, letter.execution_id, at, cause, data
        FROM unnest({_arrays(letters, "text text text bigint text text")})
            AS letter (run, kind, execution_id, at, cause, data) JOIN moved ON moved.execution_id = letter.run
    )
    SELECT execution_id FROM moved"""


def _arrays(places: Iterable[int], types: str) -> str:
    return ", ".join(f"${place}::{name}[]" for place, name in zip(places, types.split(), strict=True))


_CREATE = f"""
    WITH texts AS (
        INSERT INTO playbooks (digest, text) SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING
    ), moved AS (
        INSERT INTO runs (last, {_COLUMNS})
        SELECT last, {_COLUMNS} FROM unnest($3::bigint[], {_GIVEN_RUNS})
            WITH ORDINALITY AS given (last, {_COLUMNS}, place) ORDER BY place
        ON CONFLICT DO NOTHING
        RETURNING execution_id
    ), {_writing(4 + len(RUN_COLUMNS))}"""

# The update locks the row, and looks at it again where another transaction has changed it meanwhile: what was true of
# the fence and of the last event is true when this is committed.
_APPEND = f"""
    WITH given AS (
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[])
            AS given (execution_id, after, last, fence, status, ended_at)
    ), moved AS (
        UPDATE runs SET
            last = given.last,
            status = coalesce(given.status, runs.status),
            ended_at = CASE WHEN given.status IS NULL THEN runs.ended_at ELSE given.ended_at END,
            engine = CASE WHEN given.ended_at IS NULL THEN runs.engine END
        FROM given
        WHERE runs.execution_id = given.execution_id AND runs.last = given.after AND runs.fence = given.fence
        RETURNING runs.execution_id
    ), {_writing(7)}"""

# After the statement that appends, in its transaction: it sees what was committed before it began, and by then the rows
# of the runs that have ended are locked, so that nothing more can be posted.
_BURY_UNREAD = """
    WITH ended AS (
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS ended (run, after, ended_at, cause)
    ), taken AS (
        DELETE FROM commands USING ended WHERE execution_id = run RETURNING id, kind, run, after, ended_at, cause, data
    )
    INSERT INTO dead_letters (kind, execution_id, at, cause, data)
    SELECT kind, run, ended_at, cause, data FROM taken WHERE kind = 'signal' AND id > after ORDER BY id"""

# Before the events that name them. That one is used now keeps it from being removed at this moment with the last run
# that had needed it; in order, or two who keep the same ones would wait for each other.
_KEEP = """
    INSERT INTO artifacts (digest, content)
    SELECT * FROM unnest($1::text[], $2::bytea[]) AS artifact (digest, content) ORDER BY digest
    ON CONFLICT (digest) DO UPDATE SET used_at = now()"""

_ENDS = "SELECT execution_id, last, fence FROM runs WHERE execution_id = ANY($1::text[])"
_HOLDS = "SELECT events = $4 FROM batches WHERE execution_id = $1 AND first = $2 AND last = $3"
_RUN_BY_ID_OR_KEY = f"SELECT {_COLUMNS} FROM runs WHERE execution_id = $1 OR key = $2"

_NO_CHANGE = (None, None)

_run_row = attrgetter(*RUN_COLUMNS)


async def create_runs(connection: Connection, turns: Sequence[Turn]) -> set[str]:
    """The ids of the runs that were created: an id, or a key, may be taken."""
    texts = {turn.creation.run.digest: turn.creation.text.encode() for turn in turns if turn.creation is not None}
    await _keep_artifacts(connection, turns)
    runs = _columns(((turn.last, *_run_row(turn.run)) for turn in turns), 1 + len(RUN_COLUMNS))
    rows = await connection.fetch(_CREATE, list(texts), list(texts.values()), *runs, *_written(turns))
    return {row[0] for row in rows}


async def append_all(connection: Connection, turns: Sequence[Turn]) -> set[str]:
    """The ids of the runs that went on: the last event of another, or its fence, is not what it should be."""
    await _keep_artifacts(connection, turns)
    append = partial(connection.fetch, _APPEND, *_columns(map(_head, turns), 6), *_written(turns))
    ending = [turn for turn in turns if turn.unread is not None]
    if not ending:
        return {row[0] for row in await append()}
    async with connection.transaction():
        moved = {row[0] for row in await append()}
        ended = [_ended(turn) for turn in ending if turn.execution_id in moved]
        await connection.execute(_BURY_UNREAD, *_columns(ended, 4))
    return moved


async def _keep_artifacts(connection: Connection, turns: Sequence[Turn]) -> None:
    artifacts = {digest: content for turn in turns for digest, content in turn.artifacts.items()}
    if artifacts:
        await connection.execute(_KEEP, list(artifacts), list(artifacts.values()))


def _written(turns: Sequence[Turn]) -> Iterator[Sequence[Any]]:
    """The parameters of what goes with the runs."""
    batches = [(it.execution_id, it.batch.first, it.batch.last, it.batch.text) for turn in turns for it in turn.batches]
    uses = [(turn.execution_id, digest) for turn in turns for digest in turn.artifacts]
    letters = [(turn.execution_id, *letter_row(letter)) for turn in turns for letter in turn.letters]
    yield from (*_columns(batches, 4), *_columns(uses, 2), *_columns(letters, 6))


def _ended(turn: Turn) -> tuple[Any, ...]:
    assert turn.unread is not None
    assert turn.change is not None
    return turn.execution_id, turn.unread.after, turn.change.ended_at, as_json(turn.unread.cause)


def _columns(rows: Iterable[tuple[Any, ...]], number: int) -> Sequence[Sequence[Any]]:
    """Rows as one array for each column."""
    return list(zip(*rows, strict=True)) or [()] * number


def _head(turn: Turn) -> tuple[Any, ...]:
    return turn.execution_id, turn.after, turn.last, turn.fence, *(turn.change or _NO_CHANGE)


async def ends_of(connection: Connection, runs: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The last event and the fence of each of the runs that there are."""
    return {row[0]: (row[1], row[2]) for row in await connection.fetch(_ENDS, list(runs))}


async def is_written(connection: Connection, turn: Turn) -> bool:
    """Whether the log already has exactly these events."""
    for append in turn.batches:
        batch = append.batch
        if not await connection.fetchval(_HOLDS, append.execution_id, batch.first, batch.last, batch.text):
            return False
    return bool(turn.batches)


async def namesakes(connection: Connection, run: RunRecord) -> list[RunRecord]:
    """The runs with this one's id or key."""
    return [RunRecord(**row) for row in await connection.fetch(_RUN_BY_ID_OR_KEY, run.execution_id, run.key)]
