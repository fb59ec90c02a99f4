"""Stands where the runtime stands: builds real Calls for a handler, keeps what it says, and closes what it opened."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from noetl.actions.base import Call, Handler, Outcome, Resource

T = TypeVar("T")


class Stage:
    """`folder` is the folder of the playbook and where the run was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[tuple[str, str]] = []
        self.progress: list[tuple[float, str]] = []
        self.logs: list[tuple[str, str]] = []
        self.pids: list[int] = []
        self._resources: dict[tuple[type[Resource], str], asyncio.Task[Resource]] = {}

    def call(self, **changes: Any) -> Call:
        """A Call as the runtime builds it; `changes` replace some of its parts."""
        parts: dict[str, Any] = {
            "action": "test",
            "key": "key-1",
            "attempt": 1,
            "timeout_s": None,
            "folder": self.folder,
            "working_folder": self.folder,
            "origin": {},
            "progress": lambda share, message: self.progress.append((share, message)),
            "line": lambda stream, text: self.lines.append((stream, text)),
            "log": lambda level, message: self.logs.append((level, message)),
            "spawned": self.pids.append,
            "open_resource": self._open,
            "run_playbook": self._refuse_playbook,
            "runtime": None,
        }
        return Call(**(parts | changes))

    async def perform(self, handler: Handler, options: Mapping[str, Any], **changes: Any) -> Outcome:
        """Checks the options and carries out one action, inside a running loop; `changes` are parts of the Call."""
        checked = msgspec.convert(options, handler.options)
        return await handler.run(checked, self.call(**changes))

    def run(self, handler: Handler, options: Mapping[str, Any], **changes: Any) -> Outcome:
        """`perform` in a loop of its own, whose resources are closed at the end."""
        return self.play(self.perform(handler, options, **changes))

    def play(self, scene: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine in a loop of its own, whose resources are closed at the end."""

        results: list[T] = []

        async def whole() -> None:
            # Not the result of the main task: asyncio.run writes a repr of that, which takes long for megabytes.
            try:
                results.append(await scene)
            finally:
                await self.close()

        asyncio.run(whole())
        return results[0]

    async def close(self) -> None:
        while self._resources:
            _, opening = self._resources.popitem()
            await (await opening).close()

    async def _open(self, kind: type[Resource], key: str) -> Resource:
        if (kind, key) not in self._resources:
            self._resources[kind, key] = asyncio.ensure_future(kind.open(key))
        try:
            return await asyncio.shield(self._resources[kind, key])
        except Exception:
            self._resources.pop((kind, key), None)
            raise

    async def _refuse_playbook(self, request: Any) -> Outcome:
        raise AssertionError(f"a handler asked for a child run: {request!r}")
