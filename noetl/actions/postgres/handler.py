"""The `postgres` action. What needs asyncpg is imported when an action first runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from noetl.actions.base import Call, Outcome
from noetl.actions.postgres.options import PostgresOptions

if TYPE_CHECKING:
    from noetl.actions.touch import Touch


class PostgresHandler:
    """Runs SQL, or copies rows between a table and a file."""

    name: ClassVar[str] = "postgres"
    options: ClassVar[type[msgspec.Struct]] = PostgresOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    def touches(self, options: Mapping[str, Any], folder: Path) -> Iterator[Touch]:
        from noetl.actions.postgres.touches import touches

        return touches(options, folder)

    async def run(self, options: PostgresOptions, call: Call) -> Outcome:
        from noetl.actions.postgres.execution import execute

        return await execute(options, call)
