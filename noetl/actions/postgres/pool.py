"""The connections to one database that actions share. Knows nothing of statements or options."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import asyncpg

from noetl.actions.postgres.failures import connecting
from noetl.actions.postgres.options import EMBEDDED
from noetl.actions.postgres.values import install_codecs
from noetl.errors import ActionError, ErrorKind
from noetl.postgres.address import APPLICATION, EXAMPLE, BadAddressError, read_address
from noetl.postgres.embedded import EmbeddedServer

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
_Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

MAX_CONNECTIONS = 10
#: A connection that cannot be cleaned is dropped by the pool; what was asked of it is done, or has failed, already.
_NOTHING_LOST = suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
#: What a server that is down, or starts or stops, is known by.
_UNREACHABLE = (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError)


class PostgresPool:
    """A Resource: up to ten connections to the database of a DSN, or to the embedded server.

    Opening it dials nobody, so that a server that is down fails the actions that need it, and not the pool.
    """

    def __init__(self, pool: _Pool, address: str, server: EmbeddedServer | None = None) -> None:
        self._pool = pool
        self._address = address
        self._server = server

    @classmethod
    async def open(cls, key: str) -> PostgresPool:
        if key != EMBEDDED:
            try:
                address = read_address(key)
            except BadAddressError as error:
                raise _bad_dsn(str(error)) from None
            return cls(await _create(address.arguments), address.server)
        server = EmbeddedServer.of_user()
        arguments = await server.joined()
        settings = {"server_settings": {"application_name": APPLICATION}}
        return cls(await _create(arguments | settings), "the embedded Postgres", server)

    async def close(self) -> None:
        try:
            await self._pool.close()
        finally:
            if self._server is not None:
                await asyncio.to_thread(self._server.leave)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of one's own, in the state of a new one."""
        connection = await self._acquire()
        try:
            yield connection
        except BaseException as error:
            await _end_transaction(connection, is_cancelled=isinstance(error, asyncio.CancelledError))
            raise
        finally:
            with _NOTHING_LOST:
                await self._pool.release(connection)

    async def _acquire(self) -> Connection:
        with connecting(self._address):
            try:
                return await self._pool.acquire()
            except _UNREACHABLE:
                if self._server is None:
                    raise
            except ValueError:
                # No sentence of asyncpg's: it may show a part of the DSN.
                raise _bad_dsn("cannot be used") from None
            await asyncio.to_thread(self._server.revive)
            return await self._pool.acquire()


async def _create(arguments: dict[str, Any]) -> _Pool:
    pool: _Pool = await asyncpg.create_pool(
        min_size=0,
        max_size=MAX_CONNECTIONS,
        # Every statement is prepared once for its types; an unnamed one costs no round trip to be closed.
        statement_cache_size=0,
        init=install_codecs,
        reset=_reset,
        **arguments,
    )
    return pool


async def _end_transaction(connection: Connection, *, is_cancelled: bool) -> None:
    """Rolls back what a script began itself before it was stopped."""
    if is_cancelled:
        # Waits until the server has given up, so that it is known what is left.
        with _NOTHING_LOST:
            await connection.execute("SELECT")
    with _NOTHING_LOST:
        if connection.is_in_transaction():
            await connection.execute("ROLLBACK")


async def _reset(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    # Nothing of a session may reach the next action, which gets any connection: neither settings nor temporary tables.
    await connection.execute("DISCARD ALL")


def _bad_dsn(reason: str) -> ActionError:
    message = f"the DSN in 'connection' {reason}; it looks like '{EXAMPLE}'"
    return ActionError(ErrorKind.PERMANENT, "bad_connection", message)
