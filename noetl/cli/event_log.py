"""Which event log a command works with, and how commands that only look open it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from noetl.store import EventStore

DEFAULT = ".noetl/runs.db"

STORE_HELP = f"The event log: a file, or 'memory:' (default: $NOETL_STORE, or {DEFAULT} in the working folder)."


def store_url(given: str | None) -> str:
    """What the command line says, else the environment, else the file in the working folder."""
    return given or os.environ.get("NOETL_STORE") or DEFAULT


@asynccontextmanager
async def opened(given: str | None) -> AsyncIterator[EventStore]:
    """The event log, to look into. Raises StoreError, also where there is none yet."""
    from noetl.store import open_store

    store = await open_store(store_url(given), create=False)
    try:
        yield store
    finally:
        await store.close()
