from __future__ import annotations

import pytest
from database import Database
from stage import Stage

from noetl.postgres.embedded import EmbeddedServer


@pytest.fixture
def database(embedded: EmbeddedServer, stage: Stage) -> Database:
    """The embedded database, without what earlier tests left in it."""
    database = Database(stage)
    database.script("DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public")
    stage.lines.clear()
    return database
