from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import asyncpg
import pytest
from command import PLAYBOOKS, Command

from noetl.postgres.embedded import EmbeddedServer

sys.path.append(str(PLAYBOOKS))


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def services() -> Iterator[Any]:
    """The server that comes with the playbooks, on a port of its own."""
    with import_module("demo_server").DemoServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def rows() -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Asks the embedded server, without noetl between."""
    server = EmbeddedServer.of_user()
    parts = server.join()

    async def fetch(query: str) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(**parts)
        try:
            return [dict(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    yield lambda query: asyncio.run(fetch(query))
    server.leave()
