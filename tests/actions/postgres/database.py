"""The `postgres` action as a test uses it: on the embedded server, or on another connection."""

from __future__ import annotations

from typing import Any

import pytest
from stage import Stage

from noetl.actions.base import Outcome
from noetl.actions.postgres import PostgresHandler
from noetl.errors import ActionError


class Database:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def perform(self, **options: Any) -> Outcome:
        """One action, inside a running loop."""
        return await self.stage.perform(PostgresHandler(), {"connection": "embedded"} | options)

    def run(self, **options: Any) -> Outcome:
        """One action, in a loop of its own."""
        return self.stage.play(self.perform(**options))

    def fail(self, **options: Any) -> ActionError:
        """One action that must fail."""
        with pytest.raises(ActionError) as caught:
            self.run(**options)
        return caught.value

    def script(self, sql: str) -> None:
        """Several statements, to set a test up."""
        path = self.stage.folder / "setup.sql"
        path.write_text(sql)
        self.run(script=str(path))

    def value(self, query: str, *params: Any) -> Any:
        """The first column of the first row."""
        return self.run(query=query, params=list(params), fetch="value").data

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.run(query=query).data]
