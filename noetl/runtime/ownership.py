"""The right of one engine to drive runs: a lease that it renews while it lives (architecture.md, "Durability")."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from noetl.errors import OwnedElsewhere, StoreError
from noetl.runtime import identity
from noetl.runtime.clock import microseconds
from noetl.runtime.ids import new_id
from noetl.store.base import EventStore

#: How long a run waits for an engine of which nothing is heard, in seconds.
LEASE_S = 30.0


class Ownership:
    """One engine's claims. The lease covers all of them, so that renewing costs the same for any number of runs.

    `lapsed` is called when the lease had ended before it was renewed: the machine slept, or the process was stopped.
    """

    def __init__(
        self, store: EventStore, lease_s: float = LEASE_S, lapsed: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.engine = new_id()
        self._store = store
        self._lease_s = lease_s
        self._lapsed = lapsed
        self._expires_at = 0
        self._renewing: asyncio.Task[None] | None = None
        #: The engines that are known to be gone; none of them comes back.
        self._dead: frozenset[str] = frozenset()

    async def enter(self) -> None:
        """Make this engine known, before it drives its first run."""
        if self._renewing is None:
            # Before anything is awaited: whoever comes meanwhile must not enter a second time.
            self._renewing = asyncio.get_running_loop().create_task(self._renew())
            await self._enter()

    async def claim(self, execution_id: str) -> int:
        """The fence of a run that is this engine's from now on. Raises OwnedElsewhere."""
        await self.enter()
        known = self._dead
        try:
            return await self._store.claim(execution_id, self.engine, now=microseconds(), dead=known)
        except OwnedElsewhere:
            self._dead = frozenset(other.engine for other in await self._store.owners() if identity.is_dead(other))
            if self._dead <= known:
                raise
        return await self._store.claim(execution_id, self.engine, now=microseconds(), dead=self._dead)

    async def close(self) -> None:
        """Give up all runs."""
        if self._renewing is not None:
            self._renewing.cancel()
            try:
                await self._store.leave(self.engine)
            except StoreError as error:
                # Whoever writes has been told why; the lease will end by itself.
                logging.getLogger("noetl").info("the engine could not be signed off: %s", error)

    async def _enter(self) -> None:
        expires_at = microseconds() + round(self._lease_s * 1e6)
        await self._store.enter(identity.owner(self.engine, expires_at))
        self._expires_at = expires_at

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            late = microseconds() > self._expires_at
            try:
                await self._enter()
                if late and self._lapsed is not None:
                    await self._lapsed()
            except StoreError as error:
                logging.getLogger("noetl").warning("the lease of this engine could not be renewed: %s", error)
