from __future__ import annotations

from pathlib import Path

import pytest

from noetl.errors import StoreError
from noetl.store import open_store
from noetl.store.memory import MemoryStore


@pytest.mark.parametrize("url", ["memory:", "memory://", "MEMORY:"])
async def test_memory_is_a_store_without_a_file(url: str) -> None:
    assert isinstance(await open_store(url), MemoryStore)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        pytest.param("logs/runs.db", "logs/runs.db", id="relative path"),
        pytest.param("{here}/runs.db", "runs.db", id="absolute path"),
        pytest.param("./a:b.db", "a:b.db", id="path with a colon"),
        pytest.param("sqlite:runs.db", "runs.db", id="relative"),
        pytest.param("sqlite:{here}/runs.db", "runs.db", id="one slash"),
        pytest.param("sqlite://{here}/runs.db", "runs.db", id="three slashes"),
        pytest.param("sqlite:///{here}/runs.db", "runs.db", id="four slashes"),
        pytest.param("SQLite:runs.db", "runs.db", id="capitals"),
        pytest.param("sqlite:~/runs.db", "runs.db", id="home"),
    ],
)
async def test_a_url_or_a_path_opens_a_file(
    url: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    store = await open_store(url.format(here=tmp_path))
    await store.close()

    assert (tmp_path / file).is_file()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param(
            "sqlit:runs.db",
            "an event log is opened by 'memory:', 'sqlite:PATH', the path of a file, 'postgresql://HOST/DATABASE' or 'embedded', not by 'sqlit:' "
            "(did you mean 'sqlite'?)",
            id="misspelt",
        ),
        pytest.param(
            "mysql://host/db",
            "an event log is opened by 'memory:', 'sqlite:PATH', the path of a file, 'postgresql://HOST/DATABASE' or 'embedded', not by 'mysql:' "
            "(a path with a colon in it is written './mysql://host/db')",
            id="unknown",
        ),
        pytest.param(
            "",
            "'' names no event log: it is opened by 'memory:', 'sqlite:PATH', the path of a file, 'postgresql://HOST/DATABASE' or 'embedded'",
            id="empty",
        ),
        pytest.param(
            "sqlite:",
            "'sqlite:' names no event log: it is opened by 'memory:', 'sqlite:PATH', the path of a file, 'postgresql://HOST/DATABASE' or 'embedded'",
            id="no path",
        ),
        pytest.param(
            "sqlite::memory:", "'sqlite::memory:' is not the URL of an event log (did you mean 'memory:'?)", id="memory"
        ),
        pytest.param(
            "memory:runs.db",
            "'memory:runs.db' is not the URL of an event log: 'memory:' takes no path",
            id="memory path",
        ),
        pytest.param(
            "sqlite://runs.db",
            "'sqlite://runs.db' names a host where SQLite wants a path (did you mean 'sqlite:runs.db'?)",
            id="host",
        ),
    ],
)
async def test_a_url_that_opens_nothing_is_refused_with_a_hint(url: str, message: str) -> None:
    with pytest.raises(StoreError) as refused:
        await open_store(url)
    assert str(refused.value) == message
