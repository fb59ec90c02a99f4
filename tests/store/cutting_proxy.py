"""A way to a Postgres server that can lose an answer: the server has done what was asked, and nobody hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class CuttingProxy:
    """Listens on a socket in `folder`, and passes everything on, both ways."""

    def __init__(self, server: str, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._needle: bytes | None = None
        self.cuts = 0

    def cut_after(self, needle: bytes) -> None:
        """The next request with these bytes in it reaches the server, whose answer is lost with the connection."""
        self._needle = needle

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Gives the DSN of this way."""
        listener = await asyncio.start_unix_server(self._serve, str(self._folder / SOCKET))
        async with listener:
            yield f"postgresql://postgres@/postgres?host={self._folder}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inward, outward = await asyncio.open_unix_connection(f"{self._server}/{SOCKET}")
        cut = asyncio.Event()

        async def forward() -> None:
            while data := await reader.read(1 << 16):
                if self._needle is not None and self._needle in data:
                    self._needle = None
                    self.cuts += 1
                    cut.set()
                outward.write(data)
            outward.close()

        async def back() -> None:
            while data := await inward.read(1 << 16):
                if cut.is_set():
                    break
                writer.write(data)
            writer.close()
            outward.close()

        with suppress(ConnectionError):
            await asyncio.gather(forward(), back())
