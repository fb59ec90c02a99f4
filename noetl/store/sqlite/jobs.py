"""What only the writer's thread of the SQLite store is asked to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from noetl.store.jobs import Job


class Close(Job):
    """The last job of a store."""


class Chore(Job):
    """Anything else that writes. `work` refuses by a StoreError before it has written anything.

    One that is `alone` has a transaction of its own, after the others: where there is no room for it, they are spared.
    """

    work: Callable[[sqlite3.Connection], Any]
    alone: bool = False
    result: Any = None
