"""Carries out `http` actions, alone or in a playbook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from stage import Stage

from noetl import Engine, Report
from noetl.actions.base import Outcome
from noetl.actions.http import HttpHandler
from noetl.errors import ActionError

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: test\n"


class Asking:
    """Actions that share what an engine would share."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def __call__(self, url: str, *, call: Mapping[str, Any] | None = None, **options: Any) -> Outcome:
        return await self.stage.perform(HttpHandler(), {"url": url, **options}, **(call or {}))

    async def data(self, url: str, **options: Any) -> Any:
        return (await self(url, **options)).data

    async def fail(self, url: str, **options: Any) -> ActionError:
        with pytest.raises(ActionError) as caught:
            await self(url, **options)
        return caught.value


@asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[Asking]:
    stage = Stage(folder)
    try:
        yield Asking(stage)
    finally:
        await stage.close()


async def play(text: str, folder: Path, inputs: Mapping[str, Any] | None = None) -> Report:
    """Run a playbook, given without its head lines, on an engine of its own."""
    async with Engine(working_folder=folder) as engine:
        return await engine.run(engine.load(HEAD + text), inputs)


def shown(error: ActionError) -> str:
    """All of an error that anybody gets to see, its causes included."""
    parts: list[Any] = [error.code, error.message, error.details, error.fields]
    cause: BaseException | None = error
    seen: list[BaseException] = []
    while cause is not None and cause not in seen:
        seen.append(cause)
        parts.append(str(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return repr(parts)
