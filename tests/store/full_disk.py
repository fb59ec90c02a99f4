"""A process whose files may not grow beyond a limit, as on a full disk; prints what its event log did.

Usage: full_disk.py PATH appends|snapshots
"""

from __future__ import annotations

import asyncio
import resource
import sys

from sample_runs import RUN, TEXT, events

from noetl.errors import StoreError
from noetl.store import EventStore, Snapshot, open_store

LIMIT = 300_000


def limit(size: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


async def append(store: EventStore) -> None:
    """Until there is no room."""
    last = 0
    while True:
        try:
            await store.append(RUN.execution_id, last, events(last + 1, last + 100), awaited=True)
            last += 100
        except StoreError as error:
            print("refused:", error)
            break
    try:
        await store.append(RUN.execution_id, last + 100, events(last + 101, last + 101))
    except StoreError as error:
        print("after it:", error)
    print("readable:", await store.read(RUN.execution_id) == events(1, last))
    limit(resource.RLIM_INFINITY)
    await store.append(RUN.execution_id, last, events(last + 1, last + 100))
    print("with room again:", await store.read(RUN.execution_id) == events(1, last + 100))


async def save(store: EventStore) -> None:
    """Snapshots for which there is no room, and appends for which there is, all at once."""
    snapshot = Snapshot(seq=1, form="a", state=bytes(LIMIT))
    work = []
    for last in range(50):
        work.append(asyncio.ensure_future(store.append(RUN.execution_id, last, events(last + 1, last + 1))))
        work.append(asyncio.ensure_future(store.save_snapshot(RUN.execution_id, snapshot)))
    found = await asyncio.gather(*work, return_exceptions=True)
    print("appended:", found[::2].count(None), "saved:", found[1::2].count(None))
    print("readable:", await store.read(RUN.execution_id) == events(1, 50))
    limit(resource.RLIM_INFINITY)
    await store.save_snapshot(RUN.execution_id, snapshot)
    print("with room again:", await store.snapshot(RUN.execution_id) == snapshot)


async def main(path: str, what: str) -> None:
    store = await open_store(path)
    await store.create(RUN, TEXT)
    limit(LIMIT)
    await (append(store) if what == "appends" else save(store))
    await store.close()


asyncio.run(main(*sys.argv[1:]))
