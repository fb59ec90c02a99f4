"""Which event log a command works with, and how commands that only look open it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noetl.store import EventStore, RunRecord

DEFAULT = ".noetl/runs.db"

STORE_HELP = (
    "The event log: a file, 'postgresql://...', 'embedded' or 'memory:' "
    f"(default: $NOETL_STORE, or {DEFAULT} in the working folder)."
)

#: More nobody chooses from.
_MOST = 50


def store_url(given: str | None) -> str:
    """What the command line says, else the environment, else the file in the working folder."""
    return given or os.environ.get("NOETL_STORE") or DEFAULT


def look_up(given: str | None) -> str | None:
    """The command that shows a run again, with ID for its id; None where nothing is kept of it.

    An address is not repeated: there may be a password in it.
    """
    if store_url(given).startswith("memory:"):
        return None
    if given is None:
        return "noetl show ID"
    from shlex import quote

    return f"noetl show ID --store {'URL' if '://' in given else quote(given)}"


@asynccontextmanager
async def opened(given: str | None) -> AsyncIterator[EventStore]:
    """The event log, to look into. Raises StoreError, also where there is none yet."""
    from noetl.store import open_store

    store = await open_store(store_url(given), create=False)
    try:
        yield store
    finally:
        await store.close()


def run_ids(begin: str, store: str | None) -> Iterator[tuple[str, str]]:
    """The newest runs whose ids begin so, with their playbooks, for a shell to complete; none where there is no log."""
    yield from _completed(begin, store, open_only=False)


def open_run_ids(begin: str, store: str | None) -> Iterator[tuple[str, str]]:
    """The same, of runs that have not ended."""
    yield from _completed(begin, store, open_only=True)


def _completed(begin: str, store: str | None, *, open_only: bool) -> Iterator[tuple[str, str]]:
    import asyncio

    from noetl.cli.text import local_time
    from noetl.errors import StoreError

    try:
        records = asyncio.run(_newest(store))
    except StoreError:
        return
    for record in records:
        if record.execution_id.startswith(begin.upper()) and not (open_only and record.ended_at is not None):
            yield record.execution_id, f"{record.playbook} {record.status} {local_time(record.started_at)}"


async def _newest(given: str | None) -> list[RunRecord]:
    async with opened(given) as store:
        return await store.list_runs(limit=_MOST)
