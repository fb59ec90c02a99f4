"""What actions share: each resource is opened once, on first use, and all are closed with the engine."""

from __future__ import annotations

import asyncio

from noetl.actions.base import Resource


class Resources:
    """One resource for each class and key; those who ask while it opens wait for the same one."""

    def __init__(self) -> None:
        self._opening: dict[tuple[type[Resource], str], asyncio.Task[Resource]] = {}

    async def get(self, kind: type[Resource], key: str) -> Resource:
        task = self._opening.get((kind, key))
        if task is None:
            task = asyncio.ensure_future(kind.open(key))
            self._opening[kind, key] = task
        try:
            # Shielded: who asks may be cancelled, the others still want it.
            return await asyncio.shield(task)
        except BaseException:
            if task.done() and (task.cancelled() or task.exception() is not None):
                self._opening.pop((kind, key), None)
            raise

    async def close(self) -> None:
        opening, self._opening = self._opening, {}
        for task in opening.values():
            if not task.done():
                task.cancel()
        for opened in await asyncio.gather(*opening.values(), return_exceptions=True):
            if not isinstance(opened, BaseException):
                await opened.close()
