"""The embedded Postgres of a user: one server for all processes, which the first starts and the last one stops.

Nothing here relies on a process ending well: the locks of a dead process end with it, and the next one finds a server
that nobody stopped, or what is left of it. Everything but `joined` blocks, and is called in a thread.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from noetl.postgres.cluster import DATABASE, PORT, USER, Cluster, short_path
from noetl.postgres.installation import embedded_failed

FOLDER_VARIABLE = "NOETL_EMBEDDED_DIR"


class EmbeddedServer:
    """One use of the server of a folder, from `join` to `leave`; `revive` starts it again if it has died."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cluster = Cluster(folder)
        self._use = ExitStack()

    @classmethod
    def of_user(cls) -> EmbeddedServer:
        """The server of whoever we are; the environment may name another folder."""
        if chosen := os.environ.get(FOLDER_VARIABLE):
            return cls(Path(chosen).expanduser().absolute())
        shared = os.environ.get("XDG_DATA_HOME", "")
        base = Path(shared) if os.path.isabs(shared) else Path.home() / ".local" / "share"
        return cls(base / "noetl" / "postgres")

    def join(self) -> dict[str, Any]:
        """Has the server run, and gives what asyncpg needs to connect to it."""
        with self._alone(), ExitStack() as use:
            use.enter_context(self._locked("users", fcntl.LOCK_SH))
            self._cluster.ensure_running()
            host = use.enter_context(short_path(self._cluster.data))
            self._use = use.pop_all()
        return {"host": host, "port": PORT, "user": USER, "database": DATABASE, "ssl": False}

    async def joined(self) -> dict[str, Any]:
        """As `join`, without blocking; whoever is cancelled meanwhile has not joined."""
        joining = asyncio.ensure_future(asyncio.to_thread(self.join))
        try:
            return await asyncio.shield(joining)
        except asyncio.CancelledError:
            # The thread cannot be stopped, and nobody else would leave the server that it joins.
            await asyncio.wait([joining])
            if joining.exception() is None:
                await asyncio.to_thread(self.leave)
            raise

    def revive(self) -> None:
        with self._alone():
            self._cluster.ensure_running()

    def leave(self) -> None:
        with self._alone():
            self._use.close()
            try:
                self._locked("users", fcntl.LOCK_EX | fcntl.LOCK_NB).close()
            except BlockingIOError:
                return
            self._cluster.stop()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process joins, revives or leaves meanwhile."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked("lock", fcntl.LOCK_EX):
                yield
        except (OSError, subprocess.SubprocessError) as error:
            raise embedded_failed(f"the embedded Postgres in '{self.folder}' cannot be used: {error}") from error

    def _locked(self, name: str, mode: int) -> IO[bytes]:
        # Read-only, so that what root has made in the folder of a user does not lock that user out.
        descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_CREAT, 0o644)
        with ExitStack() as opened:
            file = opened.enter_context(os.fdopen(descriptor, "rb"))
            fcntl.flock(file, mode)
            opened.pop_all()
        return file
