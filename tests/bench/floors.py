"""The floors: programs that do only what cannot be left out. Run as `python floors.py NAME ARGUMENT...`; import nothing of noetl."""

from __future__ import annotations

import sys


def node(count: int, database: str) -> None:
    """Await an empty coroutine for each node, and insert two rows of the event table, in batches of 1000."""
    import asyncio
    import sqlite3

    async def nothing() -> None:
        return None

    async def chain() -> None:
        connection = sqlite3.connect(database, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "CREATE TABLE events (execution_id TEXT, seq INTEGER, at INTEGER, kind TEXT, step TEXT, token TEXT, "
            "data TEXT, v INTEGER)"
        )
        run, at, token = "01JZ0000000000000000000000", 1_767_225_600_000_000, "."
        started, completed = '{"visit":1}', '{"case":1,"next":["s2"],"changes":[[null,"quick",{"n":1}]]}'
        rows: list[tuple[str, int, int, str, str, str, str, int]] = []
        for number in range(count):
            await nothing()
            seq = 2 * number
            rows.append((run, seq + 1, at, "step.started", "s1", token, started, 1))
            rows.append((run, seq + 2, at, "step.completed", "s1", token, completed, 1))
            if len(rows) >= 1000:
                insert(connection, rows)
                rows.clear()
        insert(connection, rows)
        connection.close()

    def insert(connection: sqlite3.Connection, rows: list[tuple[str, int, int, str, str, str, str, int]]) -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")

    asyncio.run(chain())


def compose(file: str) -> None:
    """Have libyaml make nodes of a file, all of which are kept, so that nothing need look for garbage."""
    import gc

    import yaml

    gc.disable()
    with open(file) as text:
        assert yaml.compose(text.read(), Loader=yaml.CSafeLoader) is not None


def spawn(count: int) -> None:
    """Start `true` and wait for it, again and again."""
    import os

    for _ in range(count):
        _, status = os.waitpid(os.posix_spawnp("true", ["true"], os.environ), 0)
        assert status == 0


def copy(dsn: str, table: str, file: str) -> None:
    """Load a CSV file with a header into a table."""
    import asyncio

    import asyncpg

    async def load() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.copy_to_table(table, source=file, format="csv", header=True)
        await connection.close()

    asyncio.run(load())


def requests(url: str, count: int, at_once: int) -> None:
    """Ask for the same JSON again and again, so many requests at once, by one httpx client."""
    import asyncio

    import httpx

    async def ask() -> None:
        numbers = iter(range(count))

        async def work(client: httpx.AsyncClient) -> None:
            for _ in numbers:
                response = await client.get(url)
                assert response.raise_for_status().json()["id"] == 7

        async with httpx.AsyncClient(timeout=None) as client:
            await asyncio.gather(*(work(client) for _ in range(at_once)))

    asyncio.run(ask())


def download(url: str, file: str) -> None:
    """Write what httpx gets to a file."""
    import asyncio

    import httpx

    async def load() -> None:
        async with httpx.AsyncClient(timeout=None) as client, client.stream("GET", url) as response:
            with open(file, "wb") as target:
                async for block in response.aiter_bytes():
                    target.write(block)

    asyncio.run(load())


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    floors = {
        "node": node,
        "compose": compose,
        "spawn": spawn,
        "copy": copy,
        "requests": requests,
        "download": download,
    }
    floors[name](*(int(a) if a.isdigit() else a for a in arguments))
