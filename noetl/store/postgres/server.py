"""Connections to the server of a Postgres store, and what is done when they break. Knows no tables."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeAlias, TypeVar

import asyncpg

from noetl.errors import ActionError, StoreError
from noetl.postgres.address import APPLICATION
from noetl.postgres.embedded import EmbeddedServer
from noetl.postgres.reasons import reason_of
from noetl.store import refusals
from noetl.store.base import Durability
from noetl.store.postgres.location import Location

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
_Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

_CONNECTIONS = 8
#: What a server that does not answer any more gets to say goodbye.
_CLOSE_S = 10.0
#: Between two attempts to reach a server that is down.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0
#: What may be gone with the next attempt: the connection (08), a deadlock (40), a server that starts, stops or is full
#: of connections, and one that is still a replica while it takes over.
_PASSING_CLASSES = frozenset({"08", "40"})
_PASSING = frozenset({"57P01", "57P02", "57P03", "57P05", "53300", "25006"})
_REFUSED_CLASSES = frozenset({"22", "54"})
_REFUSED = frozenset({"53200"})


class RefusedData(StoreError):
    """The server, or asyncpg, refuses what it was given, and would again."""


class Server:
    """Up to eight connections to the schema of one log."""

    def __init__(
        self, pool: _Pool, arguments: dict[str, Any], location: Location, embedded: EmbeddedServer | None
    ) -> None:
        self.name = location.name
        self.where = location.where
        self.schema = location.schema
        self._pool = pool
        self._arguments = arguments
        self._patience_s = location.patience_s
        self._embedded = embedded
        self._has_answered = False
        self._is_closed = False
        #: When the first of the attempts failed that have all failed since.
        self._down_since: float | None = None

    @classmethod
    async def open(cls, location: Location, durability: Durability) -> Server:
        """Raises StoreError where nobody answers; only a server that is just starting is waited for."""
        settings = _settings(location.schema, durability)
        embedded = None
        if location.arguments is not None:
            arguments = {**location.arguments, "server_settings": settings}
        else:
            embedded = EmbeddedServer.of_user()
            try:
                arguments = {**await embedded.joined(), "server_settings": settings | {"application_name": APPLICATION}}
            except ActionError as error:
                raise StoreError(f"cannot open the event log: {error.message}") from error
        arguments["command_timeout"] = location.patience_s or None
        pool: _Pool = await asyncpg.create_pool(min_size=0, max_size=_CONNECTIONS, reset=_keep, **arguments)
        server = cls(pool, arguments, location, embedded)
        try:
            await server.ask(_nothing)
        except BaseException:
            await server.close()
            raise
        return server

    async def close(self) -> None:
        self._is_closed = True
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
        finally:
            if self._embedded is not None:
                await asyncio.to_thread(self._embedded.leave)

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection of one's own, beside the shared ones. Raises what asyncpg raises."""
        return await asyncpg.connect(**self._arguments)

    async def ask(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """What `work` gives on a connection; where it breaks, again on another one, until an outage lasts too long.

        A server that has never answered is waited for only while it starts. `work` may have been done when it is called
        again, so to do it twice must come to the same. Raises StoreError.
        """
        pause, failed_at = 0.0, None
        while not self._is_closed:
            try:
                return await self._attempt(work)
            except Exception as error:
                if not (_is_passing(error) if self._has_answered else _is_starting(error)):
                    raise self._failure(error) from error
                failed_at = failed_at or monotonic()
                if not self._may_go_on(failed_at):
                    raise self._gave_up(error) from error
            await asyncio.sleep(pause)
            pause = min(max(2 * pause, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            await self._revive()
        raise refusals.closed()

    async def _attempt(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            async with self._pool.acquire() as connection:
                self._has_answered = True
                answer = await work(connection)
        except ValueError:
            if self._has_answered:
                raise
            # No sentence of asyncpg's: it may show a part of the URL.
            raise StoreError(f"the URL of the event log {self.where} cannot be used") from None
        self._down_since = None
        return answer

    def _may_go_on(self, failed_at: float) -> bool:
        """Whether neither this work, of which the first attempt failed then, nor all work, has failed for too long."""
        now = monotonic()
        self._down_since = self._down_since or now
        return now - min(failed_at, self._down_since) < self._patience_s

    async def _revive(self) -> None:
        """Starts the embedded server again, if it has died."""
        if self._embedded is not None:
            try:
                await asyncio.to_thread(self._embedded.revive)
            except ActionError as error:
                logging.getLogger("noetl").warning("%s", error.message)

    def _failure(self, error: Exception) -> Exception:
        if isinstance(error, StoreError):
            return error
        if _is_refusal(error):
            return RefusedData(f"the event log {self.where} cannot hold this: {_sentence(error)}")
        if isinstance(error, asyncpg.PostgresError):
            return StoreError(f"the event log {self.where} cannot be used: {_sentence(error)}")
        if isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
            return StoreError(f"cannot reach the event log {self.where}: {reason_of(error)}")
        return error

    def _gave_up(self, error: Exception) -> StoreError:
        waited = f", for {self._patience_s:g} s" if self._patience_s else ""
        return StoreError(
            f"cannot reach the event log {self.where}: {reason_of(error)}{waited} (is the server up? what is in "
            "the log is kept, and the run can be resumed)"
        )


def _settings(schema: str, durability: Durability) -> dict[str, str]:
    return {
        "search_path": schema,
        "synchronous_commit": "on" if durability is Durability.STRICT else "off",
        # Of new tables the server knows no sizes, and a plan that reads a whole one would be kept while it grows.
        "enable_seqscan": "off",
        "jit": "off",
    }


async def _keep(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """No statement of ours leaves anything behind in a session, and to clean up would cost a round trip."""


async def _nothing(connection: Connection) -> None:
    """To have a connection is all that is asked."""


def _is_passing(error: Exception) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        sqlstate = error.sqlstate or ""
        return sqlstate[:2] in _PASSING_CLASSES or sqlstate in _PASSING
    broken = isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError)
    return broken and not isinstance(error, ValueError)


def _is_starting(error: Exception) -> bool:
    return isinstance(error, asyncpg.CannotConnectNowError)


def _is_refusal(error: Exception) -> bool:
    """Whether it is the data: out of range, not UTF-8, or larger than anything that the server can hold."""
    if isinstance(error, asyncpg.PostgresError):
        sqlstate = error.sqlstate or ""
        return sqlstate[:2] in _REFUSED_CLASSES or sqlstate in _REFUSED
    # So asyncpg says that it cannot encode a parameter.
    return isinstance(error, UnicodeError) or (
        isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    )


def _sentence(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
