"""A process whose files may not grow beyond a limit, as on a full disk; prints what its event log did.

Usage: full_disk.py PATH
"""

from __future__ import annotations

import asyncio
import resource
import sys

from sample_runs import RUN, TEXT, events

from noetl.errors import StoreError
from noetl.store import open_store

LIMIT = 300_000


async def main(path: str) -> None:
    store = await open_store(path)
    await store.create(RUN, TEXT)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    last = 0
    while True:
        try:
            await store.append(RUN.execution_id, last, events(last + 1, last + 100))
            last += 100
        except StoreError as error:
            print("refused:", error)
            break
    try:
        await store.append(RUN.execution_id, last + 100, events(last + 101, last + 101))
    except StoreError as error:
        print("after it:", error)
    print("readable:", await store.read(RUN.execution_id) == events(1, last))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await store.append(RUN.execution_id, last, events(last + 1, last + 100))
    print("with room again:", await store.read(RUN.execution_id) == events(1, last + 100))
    await store.close()


asyncio.run(main(sys.argv[1]))
