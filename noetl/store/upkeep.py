"""What keeps an event log in order: its tables are brought up, and its runs are read to see whether they can be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import NamedTuple

from noetl.errors import StoreError
from noetl.store.base import EventStore, RunRecord
from noetl.store.opening import file_of, split_url
from noetl.store.status import status_change

#: So many events are in memory at once.
_PAGE = 1000


class Migrated(NamedTuple):
    """The version of the tables before and after; 0 where there were none."""

    before: int
    after: int


class Checked(NamedTuple):
    """A run, how many of its events could be read, and what is wrong with it."""

    run: RunRecord
    events: int
    problem: str | None


async def migrate_store(url: str) -> Migrated:
    """Brings the tables of an event log to the newest version. Raises StoreError."""
    scheme, _ = split_url(url)
    if scheme == "memory":
        raise StoreError("'memory:' is gone with its process, and has nothing to migrate")
    path = file_of(url)
    if path is None:
        from noetl.store.postgres import PostgresStore
        from noetl.store.postgres.location import read_location

        return Migrated(*await PostgresStore.migrate(read_location(url)))
    if not path.is_file():
        raise StoreError(f"there is no event log '{path}'")
    from noetl.store.sqlite import SqliteStore
    from noetl.store.sqlite.file import VERSION, version_of

    # To open the file is to bring it up: nobody else has it but processes of this machine.
    before = version_of(path)
    await (await SqliteStore.open(path)).close()
    return Migrated(before, VERSION)


async def check_store(store: EventStore) -> AsyncIterator[Checked]:
    """Reads all of every run, the newest first. Raises StoreError where it is the store that cannot be read."""
    for run in await store.list_runs():
        checked = await _check_run(store, run)
        if checked is not None:
            yield checked


async def _check_run(store: EventStore, run: RunRecord) -> Checked | None:
    """None for a run that was removed meanwhile."""
    events, status, listed = 0, "running", run.status
    try:
        # An engine may be writing: what does not fit the first time has to fit the second.
        for _ in range(2):
            record = await store.record(run.execution_id)
            if record is None:
                return None
            while page := await store.read(run.execution_id, events, _PAGE):
                events += len(page)
                change = status_change(page)
                status = status if change is None else change.status
            listed = record.status
            if status == listed:
                break
        else:
            return Checked(run, events, f"its events say '{status}', and the list of runs says '{listed}'")
        if sha256((await store.text(run.digest)).encode()).hexdigest() != run.digest:
            return Checked(run, events, "the text of its playbook was changed")
    except StoreError as error:
        # Where the store cannot be read at all, nothing can be said of a run.
        await store.about()
        return Checked(run, events, str(error))
    return Checked(run, events, None)
