"""Whether commands may have come: the server says so (LISTEN), and now and then it is asked all the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Any

import asyncpg

from noetl.store.postgres.server import Server

#: A message that got lost costs no more than so many seconds.
_LONGEST_REST_S = 5.0
_UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Bell:
    """Rings when somebody posts a command to the log, here or elsewhere."""

    def __init__(self, server: Server) -> None:
        self.channel = f"{server.schema}_commands"
        self._server = server
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._calling = asyncio.Lock()
        self._rings = 0
        #: Of each engine that looks, how often it had rung when it last did, and when that was.
        self._looks: dict[str, tuple[int, float]] = {}

    def ring(self) -> None:
        self._rings += 1

    async def has_rung(self, engine: str) -> bool:
        """Whether it is time for an engine to look; the next answer is about what happens from now on."""
        async with self._calling:
            if self._connection is None:
                self._connection = await self._listen()
        now = monotonic()
        rings, looked_at = self._looks.get(engine, (-1, now))
        looks = rings != self._rings or self._connection is None or now - looked_at > _LONGEST_REST_S
        if looks:
            self._looks[engine] = (self._rings, now)
        return looks

    async def close(self) -> None:
        if self._connection is not None:
            with suppress(*_UNREACHABLE):
                await self._connection.close(timeout=1)

    async def _listen(self) -> asyncpg.Connection[asyncpg.Record] | None:
        """A connection by which the server tells us; None while it cannot be reached: then whoever looks finds out."""
        try:
            connection = await self._server.connect()
        except _UNREACHABLE:
            return None
        try:
            connection.add_termination_listener(self._lost)
            await connection.add_listener(self.channel, self._heard)
        except _UNREACHABLE:
            connection.terminate()
            return None
        # What was posted before is not told any more.
        self.ring()
        return connection

    def _heard(self, *message: Any) -> None:
        self.ring()

    def _lost(self, connection: Any) -> None:
        self._connection = None
        self.ring()
