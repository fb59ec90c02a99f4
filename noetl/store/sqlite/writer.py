"""Group commit: all jobs at hand, of whatever runs, in one transaction. Knows neither threads nor the event loop.

While SQLite works the interpreter is free, and after each statement the writer has to fight for it again. So a
transaction is made of as few statements as possible: of one, when the jobs do nothing but append.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from operator import attrgetter
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec

from noetl.errors import KeyTaken, StoreError
from noetl.model.event import Event
from noetl.store import artifacts, refusals
from noetl.store.base import RunRecord
from noetl.store.encoding import Batch, encode_batch
from noetl.store.jobs import Append, Creation, Job, letter_row
from noetl.store.sqlite.artifact_folder import ArtifactFolder
from noetl.store.sqlite.file import RUN_COLUMNS
from noetl.store.sqlite.jobs import Chore
from noetl.store.sqlite.migrations import FENCED
from noetl.store.status import Change, status_change

Row = tuple[Any, ...]
Statement = tuple[str, Sequence[Any]]

# SQLite copies the parameters of a statement: bounded in rows by its number of variables, in characters by our memory.
_ROWS = 500
_CHARACTERS = 8_000_000

#: The write-ahead log is brought home when about so much of events is in it.
_LOG_CHARACTERS = 4_000_000

_PAUSE_S = 0.002

_ENDS = """
    SELECT json_group_object(execution_id, (
        SELECT last FROM batches WHERE batches.execution_id = runs.execution_id ORDER BY first DESC LIMIT 1
    ))
    FROM runs WHERE execution_id IN (SELECT value FROM json_each(?))"""
_CHANGE_STATUS = """
    UPDATE runs SET
        status = json_extract(change.value, '$[0]'),
        ended_at = json_extract(change.value, '$[1]'),
        engine = CASE WHEN json_extract(change.value, '$[1]') IS NULL THEN engine END
    FROM json_each(?) AS change WHERE runs.execution_id = change.key"""

# The text is bound as bytes, which the interpreter need not decode; SQLite takes them for the text that they are.
_APPEND, _APPEND_ROW = "INSERT INTO batches (execution_id, first, last, fence, events)", "(?, ?, ?, ?, CAST(? AS TEXT))"
_BURY, _BURY_ROW = "INSERT INTO dead_letters (kind, execution_id, at, cause, data)", "(?, ?, ?, ?, ?)"
_OF_RUNS = "FROM commands WHERE execution_id IN (SELECT value FROM json_each(?))"
_APPEND_ONE = f"{_APPEND} VALUES {_APPEND_ROW}"

_run_row = attrgetter(*RUN_COLUMNS)


class Writer:
    """Owns the connection that writes, and remembers where the log of each run ends.

    What it remembers may be stale when another process appends too: it is looked up again before an append is refused,
    and the primary key of `batches` refuses what would be accepted wrongly.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        patience_s: float,
        folder: ArtifactFolder,
        artifact_limit: int = artifacts.LIMIT,
    ) -> None:
        self._connection = connection
        self._path = path
        self._patience_s = patience_s
        self._folder = folder
        self._artifact_limit = artifact_limit
        self._unchecked = 0
        # The waiting for another writer, and for the disk at a checkpoint, is our own: `write_now` must do neither.
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._ends: dict[str, int] = {}
        self._causes: dict[str, StoreError] = {}

    def write(self, jobs: Sequence[Job]) -> None:
        """Does the jobs and never raises: a job that could not be done has its `error`."""
        for append in _appends(jobs):
            if append.fault is None and not self._is_plain(append.batch):
                self._set_aside(append)
        self._write_together([job for job in jobs if not _is_alone(job)])
        for job in filter(_is_alone, jobs):
            self._write_alone(job)
        self._check()

    def _write_together(self, jobs: Sequence[Job]) -> None:
        try:
            self._commit_patiently(jobs)
        except sqlite3.OperationalError as error:  # the file: locked, full, gone
            for job in jobs:
                self._refuse(job, error)
        except Exception:  # one of the jobs; the others are spared
            self._undo(jobs)
            for job in jobs:
                self._write_alone(job)

    def write_now(self, run: str, after: int, events: Sequence[Event], fence: int) -> bool:
        """Adds events to the end of a run, if that takes no waiting and is all there is to do; else nothing happens."""
        if self._ends.get(run) != after or self._unchecked > _LOG_CHARACTERS or not events or status_change(events):
            return False
        try:
            batch = encode_batch(run, after, events)
            if not self._is_plain(batch):
                return False
            self._connection.execute(_APPEND_ONE, (run, batch.first, batch.last, fence, batch.text))
        except (StoreError, sqlite3.Error):
            self._ends.pop(run, None)  # it may have been stale
            return False
        self._ends[run] = batch.last
        self._unchecked += len(batch.text)
        self._causes.pop(run, None)
        return True

    def _is_plain(self, batch: Batch) -> bool:
        """Whether all of the batch goes into the log itself."""
        return artifacts.is_plain(batch.text, batch.last - batch.first + 1, self._artifact_limit)

    def _set_aside(self, job: Append) -> None:
        """Before the events that name them, the artifacts are written."""
        batch = job.batch
        text, job.artifacts = artifacts.set_aside(batch.text, self._artifact_limit)
        job.batch = Batch(batch.first, batch.last, text)
        try:
            self._keep(job)
        except OSError as error:
            job.fault = StoreError(f"cannot write an artifact of the event log '{self._path}': {error}")
            job.fault.__cause__ = error

    def _keep(self, job: Append) -> None:
        for digest, content in job.artifacts.items():
            self._folder.keep(digest, content)

    def _commit_patiently(self, jobs: Sequence[Job]) -> None:
        """As `_commit`, waiting for another process that writes."""
        given_up = monotonic() + self._patience_s
        while True:
            try:
                return self._commit(jobs)
            except sqlite3.OperationalError as error:
                self._undo(jobs)
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > given_up:
                    raise
                sleep(_PAUSE_S)

    def _check(self) -> None:
        """Bring the write-ahead log home when it has grown."""
        if self._unchecked > _LOG_CHARACTERS:
            self._unchecked = 0
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()

    def _write_alone(self, job: Job) -> None:
        try:
            self._commit_patiently([job])
        except Exception as error:
            self._undo([job])
            self._refuse(job, error)

    def _commit(self, jobs: Sequence[Job]) -> None:
        creations = []
        for job in jobs:
            if isinstance(job, Creation):
                job.error = job.first.fault
                if job.error is None:
                    creations.append(job)
        appends = _appends(jobs)
        chores = [job for job in jobs if isinstance(job, Chore)]
        ends = {job.run.execution_id: 0 for job in creations}
        self._look_up(self._uncertain(appends) - ends.keys())
        accepted = self._accept(appends, ends)
        changes = {job.execution_id: job.change for job in accepted if job.change is not None}
        statements = [*_create(creations), *_append(accepted), *_refer(accepted), *_bury(accepted), *_change(changes)]
        self._execute(statements, chores, accepted)
        self._unchecked += sum(len(job.batch.text) for job in accepted)
        self._ends.update(ends)
        for job in accepted:
            self._causes.pop(job.execution_id, None)
        for execution_id, change in changes.items():
            if change.ended_at is not None:
                self._ends.pop(execution_id, None)

    def _uncertain(self, appends: Sequence[Append]) -> set[str]:
        """The runs whose first append here does not follow what is remembered."""
        first: dict[str, int] = {}
        for job in appends:
            first.setdefault(job.execution_id, job.after)
        return {run for run, after in first.items() if self._ends.get(run) != after}

    def _look_up(self, runs: set[str]) -> None:
        """Learns where the logs of these runs end; of those that do not exist there is nothing to learn."""
        if not runs:
            return
        (found,) = self._connection.execute(_ENDS, (_json(sorted(runs)),)).fetchone()
        for run in runs:
            self._ends.pop(run, None)
        self._ends.update({run: last or 0 for run, last in msgspec.json.decode(found).items()})

    def _accept(self, appends: Sequence[Append], ends: dict[str, int]) -> list[Append]:
        """The appends that follow what is there, in `ends` their new ends; the others have their `error`."""
        accepted = []
        for job in appends:
            run = job.execution_id
            last = ends.get(run, self._ends.get(run))
            job.error = job.fault or refusals.objection(run, last, job.after, self._causes.get(run))
            if job.error is not None and last is not None and self._fence(run) != job.fence:
                job.error = refusals.lost(run)
            if job.error is None:
                ends[run] = job.batch.last
                accepted.append(job)
            else:
                self._causes.setdefault(run, job.error)
        return accepted

    def _fence(self, run: str) -> int:
        (fence,) = self._connection.execute("SELECT fence FROM runs WHERE execution_id = ?", (run,)).fetchone()
        return int(fence)

    def _execute(self, statements: Sequence[Statement], chores: Sequence[Chore], appends: Sequence[Append]) -> None:
        if len(statements) == 1 and not chores:  # atomic by itself
            self._connection.execute(*statements[0])
        elif statements or chores:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in appends:
                # Since they were written, somebody may have removed them with the last run that had needed them.
                self._keep(job)
            for statement in statements:
                self._connection.execute(*statement)
            self._bury_unread(appends)
            for chore in chores:
                self._carry_out(chore)
            self._connection.execute("COMMIT")

    def _bury_unread(self, appends: Sequence[Append]) -> None:
        """What was asked of runs that have ended goes, and of it become dead letters the signals that nobody read."""
        ended = {job.execution_id: job for job in appends if job.unread is not None}
        if not ended:
            return
        runs = (_json(list(ended)),)
        found = self._connection.execute(f"SELECT execution_id, id, kind, data {_OF_RUNS} ORDER BY id", runs).fetchall()
        if not found:
            return
        self._connection.execute(f"DELETE {_OF_RUNS}", runs)
        for run, number, kind, data in found:
            unread, change = ended[run].unread, ended[run].change
            if kind == "signal" and unread is not None and change is not None and number > unread.after:
                letter = unread.letter(run, change.ended_at or 0, msgspec.json.decode(data))
                self._connection.execute(f"{_BURY} VALUES {_BURY_ROW}", letter_row(letter))

    def _carry_out(self, chore: Chore) -> None:
        chore.error = None
        try:
            chore.result = chore.work(self._connection)
        except StoreError as error:
            chore.error = error

    def _undo(self, jobs: Sequence[Job]) -> None:
        """Leaves no transaction open, and forgets what may have been stale."""
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        for job in jobs:
            if isinstance(job, Append):
                self._ends.pop(job.execution_id, None)

    def _refuse(self, job: Job, error: Exception) -> None:
        if isinstance(job, Creation) and isinstance(error, sqlite3.IntegrityError):
            job.error = self._taken(job.run)
        elif isinstance(job, Append) and isinstance(error, sqlite3.IntegrityError) and FENCED in str(error):
            job.error = refusals.lost(job.execution_id)
        elif isinstance(job, Creation | Append | Chore):
            job.error = StoreError(f"cannot write to the event log '{self._path}': {error}")
            job.error.__cause__ = error
        if isinstance(job, Append) and job.error is not None:
            self._causes.setdefault(job.execution_id, job.error)

    def _taken(self, run: RunRecord) -> StoreError:
        """Why a run could not be created: its key, or its id, is another's."""
        if run.key is not None:
            row = self._connection.execute("SELECT execution_id FROM runs WHERE key = ?", (run.key,)).fetchone()
            if row is not None and row[0] != run.execution_id:
                return KeyTaken(run.key, row[0])
        return refusals.duplicate_run(run.execution_id)


def _appends(jobs: Sequence[Job]) -> list[Append]:
    found = []
    for job in jobs:
        if isinstance(job, Append):
            found.append(job)
        elif isinstance(job, Creation):
            found.append(job.first)
    return found


def _is_alone(job: Job) -> bool:
    return isinstance(job, Chore) and job.alone


def _create(creations: Sequence[Creation]) -> Iterator[Statement]:
    texts = {job.run.digest: job.text for job in creations}
    yield from _inserts("INSERT OR IGNORE INTO playbooks (digest, text)", "(?, ?)", texts.items())
    row = f"({', '.join('?' for _ in RUN_COLUMNS)})"
    yield from _inserts(f"INSERT INTO runs ({', '.join(RUN_COLUMNS)})", row, (_run_row(job.run) for job in creations))


def _append(appends: Sequence[Append]) -> Iterator[Statement]:
    written = ((job, job.batch) for job in appends if job.batch.last >= job.batch.first)
    rows = ((job.execution_id, batch.first, batch.last, job.fence, batch.text) for job, batch in written)
    yield from _inserts(_APPEND, _APPEND_ROW, rows)


def _refer(appends: Sequence[Append]) -> Iterator[Statement]:
    rows = ((job.execution_id, digest) for job in appends for digest in job.artifacts)
    yield from _inserts("INSERT OR IGNORE INTO artifacts (execution_id, digest)", "(?, ?)", rows)


def _bury(appends: Sequence[Append]) -> Iterator[Statement]:
    rows = (letter_row(letter) for job in appends for letter in job.letters)
    yield from _inserts(_BURY, _BURY_ROW, rows)


def _change(changes: dict[str, Change]) -> Iterator[Statement]:
    if changes:
        yield _CHANGE_STATUS, (_json(changes),)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _inserts(insert: str, row: str, rows: Iterable[Row]) -> Iterator[Statement]:
    """Multi-row statements; what may be long stands in the last column."""
    for group in _groups(rows):
        yield f"{insert} VALUES {', '.join([row] * len(group))}", list(chain.from_iterable(group))


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += len(row[-1])
        if len(group) == _ROWS or characters > _CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group
