from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from noetl.postgres.embedded import FOLDER_VARIABLE, EmbeddedServer


def _url(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "memory":
        return "memory:"
    return f"sqlite:{folder}/runs.db" if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of each kind."""
    return _url(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def durable_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of each kind that outlives its process."""
    return _url(request.param, request, tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a SQLite store may be."""
    return tmp_path / "runs.db"


@pytest.fixture
def postgres_url(embedded: EmbeddedServer) -> Iterator[str]:
    """The URL of an empty store in the embedded server."""
    schema = f"test_{uuid4().hex}"
    yield f"embedded:?schema={schema}"
    asyncio.run(_drop(schema))


async def _drop(schema: str) -> None:
    connection = await asyncpg.connect(
        host=str(Path(os.environ[FOLDER_VARIABLE]) / "data"), user="postgres", database="postgres"
    )
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; DROP SCHEMA IF EXISTS {schema}_b CASCADE")
    await connection.close()
