"""What a runner needs of the engine it lives in."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Protocol

from noetl.actions.base import Handler, Outcome, Resource
from noetl.machine import RunAction, StopAction
from noetl.model.event import Event
from noetl.runtime.admission import Admission
from noetl.store.base import EventStore

if TYPE_CHECKING:
    from noetl.runtime.runner import Runner


class Host(Protocol):
    """The engine, as a runner sees it."""

    rebuilds: bool
    #: Whether the engine bounds how many actions run at once.
    bounded: bool
    #: After how many events the state of a run is saved; 0: never.
    snapshot_every: int

    @property
    def store(self) -> EventStore: ...

    @property
    def admission(self) -> Admission: ...

    def handler(self, name: str) -> Handler: ...

    def spawned(self, pid: int) -> None: ...

    def ended(self, pids: Collection[int]) -> None: ...

    def publish(self, events: list[Event]) -> None: ...

    def deliver(self) -> None: ...

    async def resource(self, kind: type[Resource], key: str) -> Resource: ...

    def follow(self, failed: Runner) -> asyncio.Task[Runner]: ...

    async def run_child(self, parent: Runner, command: RunAction, options: Any) -> Outcome: ...

    async def stop_child(self, parent: Runner, command: StopAction) -> None: ...
