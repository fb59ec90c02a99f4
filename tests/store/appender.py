"""A process that appends to the run of `sample_runs` until it is killed, and says which events are durable.

Usage: appender.py URL
"""

from __future__ import annotations

import asyncio
import sys

from sample_runs import RUN, TEXT, events

from noetl.store import open_store

SIZE = 7


async def main(url: str) -> None:
    store = await open_store(url)
    await store.create(RUN, TEXT)
    last = 0
    while True:
        store.append(RUN.execution_id, last, events(last + 1, last + SIZE))
        last += SIZE
        done = store.append(RUN.execution_id, last, events(last + 1, last + SIZE))
        last += SIZE
        await done
        print(last, flush=True)


asyncio.run(main(sys.argv[1]))
