"""A playbook run by one call, for who needs no engine of his own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noetl.errors import NoetlError
from noetl.model.playbook import Playbook
from noetl.runtime.engine import Engine
from noetl.runtime.report import Report


async def arun(
    playbook: Playbook | str | Path, inputs: Mapping[str, Any] | None = None, *, store: str = "memory:"
) -> Report:
    """Run a playbook, or the file or text of one, to its end."""
    async with Engine(store) as engine:
        loaded = playbook if isinstance(playbook, Playbook) else engine.load(playbook)
        return await engine.run(loaded, inputs)


def run(playbook: Playbook | str | Path, inputs: Mapping[str, Any] | None = None, *, store: str = "memory:") -> Report:
    """`arun` for a caller without an event loop. Raises NoetlError where one is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(arun(playbook, inputs, store=store))
    raise NoetlError("an event loop is running here: 'await noetl.arun(...)' instead of 'noetl.run(...)'")
