from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from noetl.postgres.embedded import FOLDER_VARIABLE, EmbeddedServer


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs the tests that are coroutines, each in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(scope="session", autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the embedded Postgres nor the event log of these tests is the one of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("embedded")))
        for name in ("DATABASE_URL", "NOETL_STORE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def embedded(own_surroundings: None) -> Iterator[EmbeddedServer]:
    """The embedded server, up for the whole session."""
    server = EmbeddedServer.of_user()
    server.join()
    yield server
    server.leave()
