"""What an action sees of the run and engine around it; what it says on the way becomes events, masked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from noetl.actions.base import Outcome
from noetl.machine import Fact, RunAction, Said
from noetl.model.event import Kind
from noetl.runtime.host import Host
from noetl.values import Masker

#: Lines of output are gathered for this long, or until this many characters, before they become an event.
GATHER_S = 0.05
GATHER_CHARACTERS = 64 * 1024


class Around(Protocol):
    """What surroundings need of the run that an action belongs to."""

    host: Host
    folder: Path
    working_folder: Path
    secrets: Mapping[str, str]
    masker: Masker
    #: By the ids of actions, options that are always the same.
    settled: dict[int, Any]

    def now(self) -> int: ...

    def feed(self, fact: Fact) -> None: ...

    async def run_child(self, command: RunAction, options: Any) -> Outcome: ...


class Surroundings(msgspec.Struct):
    """The surroundings of one attempt of one action."""

    _around: Around
    _command: RunAction
    _lines: list[list[str]] = []
    _size: int = 0
    _flushing: asyncio.TimerHandle | None = None
    _spawned: set[int] = set()

    def run_playbook(self, options: Any) -> Awaitable[Outcome]:
        return self._around.run_child(self._command, options)

    def spawned(self, pid: int) -> None:
        self._spawned.add(pid)
        self._around.host.spawned(pid)

    def progress(self, share: float, message: str) -> None:
        self._say(Kind.ACTION_PROGRESS, {"share": share, "message": self._around.masker.text(message)})

    def log(self, level: str, message: str) -> None:
        self._say(Kind.LOG, {"level": level, "message": self._around.masker.text(message)})

    def line(self, stream: str, text: str) -> None:
        text = self._around.masker.text(text)
        self._lines.append([stream, text])
        self._size += len(text)
        if self._size > GATHER_CHARACTERS:
            self.flush()
        elif self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(GATHER_S, self.flush)

    def end(self) -> None:
        """The action is over, and nothing that it has started goes on."""
        self.flush()
        if self._spawned:
            self._around.host.ended(self._spawned)

    def flush(self) -> None:
        """What was said up to now becomes an event, in order."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if self._lines:
            lines, self._lines, self._size = self._lines, [], 0
            self._tell(Kind.OUTPUT, {"lines": lines})

    def _say(self, kind: str, data: dict[str, Any]) -> None:
        self.flush()
        self._tell(kind, data)

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        place = self._command.work.place
        at = self._around.now()
        self._around.feed(Said(at=at, token=self._command.token, kind=kind, data={"place": place, **data}))
