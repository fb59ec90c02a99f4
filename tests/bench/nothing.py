"""The cheapest action that the runtime carries out: it lets the event loop turn once, and does nothing."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import msgspec

from noetl.actions.base import Call, Outcome


class NoOptions(msgspec.Struct):
    """It has none."""


class Nothing:
    name: ClassVar[str] = "nothing"
    options: ClassVar[type[msgspec.Struct]] = NoOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ()

    async def run(self, options: Any, call: Call) -> Outcome:
        await nothing()
        return Outcome()


async def nothing() -> None:
    await asyncio.sleep(0)
