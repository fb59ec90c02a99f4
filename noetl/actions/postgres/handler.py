"""The `postgres` action. What needs asyncpg is imported when an action first runs."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from noetl.actions.base import Call, Outcome
from noetl.actions.postgres.options import PostgresOptions


class PostgresHandler:
    """Runs SQL, or copies rows between a table and a file."""

    name: ClassVar[str] = "postgres"
    options: ClassVar[type[msgspec.Struct]] = PostgresOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    async def run(self, options: PostgresOptions, call: Call) -> Outcome:
        from noetl.actions.postgres.execution import execute

        return await execute(options, call)
