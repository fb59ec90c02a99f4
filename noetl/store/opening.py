"""From a store's URL to the store. Knows the schemes, and loads only the store that is asked for."""

from __future__ import annotations

import re
from pathlib import Path

from noetl.errors import StoreError
from noetl.spelling import did_you_mean
from noetl.store.artifacts import LIMIT
from noetl.store.base import Durability, EventStore

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FORMS = "'memory:', 'sqlite:PATH', the path of a file, 'postgresql://HOST/DATABASE' or 'embedded'"
#: The schemes of those that are kept by a server.
SERVERS = ("postgres", "postgresql", "embedded")
_SCHEMES = ("memory", "sqlite", *SERVERS)


async def open_store(
    url: str, *, create: bool = True, durability: Durability = Durability.RELAXED, artifact_limit: int = LIMIT
) -> EventStore:
    """The store that a URL names: `memory:`, `sqlite:PATH`, a path, `postgresql://...`, `embedded`.

    A missing one is made, or, without `create`, a StoreError. `durability` is for those that outlive the process, and
    so is `artifact_limit`: the size above which what is in an event is kept beside the log.
    """
    scheme, rest = split_url(url)
    if scheme == "memory":
        from noetl.store.memory import MemoryStore

        return MemoryStore()
    if scheme == "sqlite":
        file = _sqlite_file(url, rest)
        if not create and not file.is_file():
            raise StoreError(f"there is no event log '{file}'")
        from noetl.store.sqlite import SqliteStore

        return await SqliteStore.open(file, durability=durability, artifact_limit=artifact_limit)
    from noetl.store.postgres import PostgresStore
    from noetl.store.postgres.location import read_location

    location = read_location(url)
    return await PostgresStore.open(location, create=create, durability=durability, artifact_limit=artifact_limit)


def file_of(url: str) -> Path | None:
    """The file that a store's URL names; None for one that is not a file. Raises StoreError."""
    scheme, rest = split_url(url)
    return _sqlite_file(url, rest) if scheme == "sqlite" else None


def split_url(url: str) -> tuple[str, str]:
    """The scheme of a store's URL, of which a path has `sqlite`, and what follows it. Raises StoreError."""
    found = _SCHEME.match(url)
    if found is None:
        return ("embedded", "") if url == "embedded" else ("sqlite", url)
    scheme, rest = found[1].lower(), url[found.end() :]
    if scheme == "memory" and rest not in ("", "//"):
        raise StoreError(f"'{url}' is not the URL of an event log: 'memory:' takes no path")
    if scheme not in _SCHEMES:
        # What has a '@' may have a password before it.
        written = f"is written './{url}'" if "@" not in url else "begins with './'"
        hint = did_you_mean(scheme, _SCHEMES) or f"a path with a colon in it {written}"
        raise StoreError(f"an event log is opened by {_FORMS}, not by '{scheme}:' ({hint})")
    return scheme, rest


def _sqlite_file(url: str, rest: str) -> Path:
    path = _path_of(url, rest)
    if not path:
        raise StoreError(f"'{url}' names no event log: it is opened by {_FORMS}")
    if path == ":memory:":
        raise StoreError(f"'{url}' is not the URL of an event log (did you mean 'memory:'?)")
    return Path(path).expanduser()


def _path_of(url: str, rest: str) -> str:
    if not rest.startswith("//") or rest == url:
        return rest
    path = rest[2:]
    if not path.startswith("/"):
        raise StoreError(f"'{url}' names a host where SQLite wants a path (did you mean 'sqlite:{path}'?)")
    return "/" + path.lstrip("/")
