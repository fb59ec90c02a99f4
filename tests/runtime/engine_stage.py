"""Runs playbooks, given without their head lines, on a real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from noetl import Engine, Event, Handler, Report, RunHandle
from noetl.machine import Run, evolve

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: test\n"


@dataclass
class Stage:
    """An engine, and all events that it published."""

    engine: Engine
    events: list[Event] = field(default_factory=list)

    async def start(self, text: str, inputs: Mapping[str, Any] | None = None) -> RunHandle:
        return await self.engine.start(self.engine.load(HEAD + text), inputs)

    async def run(self, text: str, inputs: Mapping[str, Any] | None = None) -> Report:
        return await self.engine.run(self.engine.load(HEAD + text), inputs)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def text(self) -> str:
        """All that was recorded, as it stands in a log."""
        return msgspec.json.encode(self.events).decode()


@asynccontextmanager
async def stage(
    store: str = "memory:",
    *,
    rebuilds: bool | None = None,
    handlers: Iterable[Handler] = (),
    folder: Path | None = None,
    concurrency: int | None = None,
) -> AsyncIterator[Stage]:
    async with Engine(
        store, rebuilds=rebuilds, handlers=handlers, working_folder=folder, concurrency=concurrency
    ) as engine:
        found = Stage(engine)
        engine.subscribe(found.events.append)
        yield found


async def run(text: str, inputs: Mapping[str, Any] | None = None, **options: Any) -> Report:
    """Run one playbook on an engine of its own; the run folded again from its log must be the same."""
    async with stage(**options) as on:
        report = await on.run(text, inputs)
        again = Run(on.engine.load(HEAD + text), report.execution_id)
        for event in await on.engine.store.read(report.execution_id):
            evolve(again, event)
        assert (again.status, again.outputs, again.error) == (report.status, report.outputs, report.error)
        return report


def code(report: Report) -> str | None:
    return None if report.error is None else report.error["code"]
