"""An action under way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from stage import Stage

from noetl.actions.base import Handler


class Running:
    """Its first line of output tells process ids: that is when it has `started`."""

    def __init__(self, stage: Stage, handler: Handler, options: Mapping[str, Any]) -> None:
        self._said = asyncio.Event()
        self._pids: list[int] = []
        self.task = asyncio.ensure_future(stage.perform(handler, options, line=self._hear))

    def _hear(self, stream: str, text: str) -> None:
        if stream == "stdout" and not self._pids:
            self._pids = [int(word) for word in text.split()]
            self._said.set()

    async def started(self) -> list[int]:
        """The process ids."""
        said = asyncio.ensure_future(self._said.wait())
        await asyncio.wait((said, self.task), return_when=asyncio.FIRST_COMPLETED)
        said.cancel()
        assert self._pids, self.task
        return self._pids

    async def cancelled(self) -> None:
        """Cancels it, and waits for its end."""
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task
