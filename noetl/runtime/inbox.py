"""What other processes ask of the runs that this engine drives: fetched from the store, and handed on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from noetl.errors import StoreError
from noetl.store.base import Command, EventStore

#: How long somebody at another terminal waits for an answer, in seconds.
PAUSE_S = 0.25


class Inbox:
    """Looks for commands again and again.

    `deliver` carries one out, and gives what waits until that is durable, or None where it cannot be done yet.
    """

    def __init__(
        self, store: EventStore, engine: str, deliver: Callable[[Command], Callable[[], Awaitable[None]] | None]
    ) -> None:
        self._store = store
        self._engine = engine
        self._deliver = deliver
        self._looking = asyncio.get_running_loop().create_task(self._look())

    def close(self) -> None:
        self._looking.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_S)
            try:
                await self._empty()
            except StoreError as error:
                logging.getLogger("noetl").warning("commands could not be read: %s", error)

    async def _empty(self) -> None:
        delivered = [(command.id, self._deliver(command)) for command in await self._store.commands(self._engine)]
        durable = []
        for number, written in delivered:
            if written is not None:
                # One that is not written comes again, to whoever drives the run then.
                with suppress(StoreError):
                    await written()
                    durable.append(number)
        if durable:
            await self._store.settle(durable)
