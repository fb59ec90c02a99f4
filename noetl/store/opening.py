"""From a store's URL to the store. Knows the schemes, and loads only the store that is asked for."""

from __future__ import annotations

import re
from pathlib import Path

from noetl.errors import StoreError
from noetl.spelling import did_you_mean
from noetl.store.base import EventStore
from noetl.store.memory import MemoryStore

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_FORMS = "'memory:', 'sqlite:PATH' or the path of a file"


async def open_store(url: str, *, create: bool = True) -> EventStore:
    """The store of `memory:`, `sqlite:PATH`, `sqlite:///ABSOLUTE/PATH` or a plain path.

    A missing file is made, or, without `create`, a StoreError.
    """
    file = file_of(url)
    if file is None:
        return MemoryStore()
    if not create and not file.is_file():
        raise StoreError(f"there is no event log '{file}'")
    from noetl.store.sqlite import SqliteStore

    return await SqliteStore.open(file)


def file_of(url: str) -> Path | None:
    """The file that a store's URL names; None for `memory:`. Raises StoreError."""
    found = _SCHEME.match(url)
    if found is None:
        return _sqlite_file(url, url)
    scheme, rest = found[1].lower(), url[found.end() :]
    if scheme == "memory":
        if rest not in ("", "//"):
            raise StoreError(f"'{url}' is not the URL of an event log: 'memory:' takes no path")
        return None
    if scheme == "sqlite":
        return _sqlite_file(url, _path_of(url, rest))
    hint = did_you_mean(scheme, ("memory", "sqlite")) or f"a path with a colon in it is written './{url}'"
    raise StoreError(f"an event log is opened by {_FORMS}, not by '{scheme}:' ({hint})")


def _path_of(url: str, rest: str) -> str:
    if not rest.startswith("//"):
        return rest
    path = rest[2:]
    if not path.startswith("/"):
        raise StoreError(f"'{url}' names a host where SQLite wants a path (did you mean 'sqlite:{path}'?)")
    return "/" + path.lstrip("/")


def _sqlite_file(url: str, path: str) -> Path:
    if not path:
        raise StoreError(f"'{url}' names no event log: it is opened by {_FORMS}")
    if path == ":memory:":
        raise StoreError(f"'{url}' is not the URL of an event log (did you mean 'memory:'?)")
    return Path(path).expanduser()
