"""Loading a million rows into Postgres, against asyncpg alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg
import texts
from interleaving import Interleaved
from process import Usage
from row import Row
from workbench import Workbench

from noetl.postgres.embedded import EmbeddedServer

ROWS = 1_000_000
_TABLE = "orders"
_CREATE = f"CREATE TABLE {_TABLE} (id int, customer text, amount numeric, placed timestamptz, note text)"


def copy_from(bench: Workbench) -> list[Row]:
    """The same file into the same table, which is emptied before each load."""
    file = _rows(bench.scratch / "orders.csv", ROWS)
    tenth = _rows(bench.scratch / "tenth.csv", ROWS // 10)
    with _server(bench.scratch / "postgres") as dsn:
        ours = bench.file("load.yaml", texts.load(dsn, _TABLE, str(file)))
        less = bench.file("load_tenth.yaml", texts.load(dsn, _TABLE, str(tenth)))

        def floor() -> Usage:
            _execute(dsn, f"TRUNCATE {_TABLE}")
            return bench.floor("copy", dsn, _TABLE, file)

        def load(playbook: Path, rows: int) -> Usage:
            _execute(dsn, f"TRUNCATE {_TABLE}")
            usage = bench.run(playbook, events=6, steps=1)
            loaded = _execute(dsn, f"SELECT count(*) FROM {_TABLE}")
            assert loaded == rows, f"{loaded} rows were loaded, not {rows}"
            return usage

        _execute(dsn, _CREATE)
        found = Interleaved(
            bench.turns, floor=floor, ours=lambda: load(ours, ROWS), tenth=lambda: load(less, ROWS // 10)
        )
    return [
        Row(
            name=f"postgres: {ROWS} rows of CSV by `copy_from`",
            floor_s=found.wall_s("floor"),
            ours_s=found.wall_s("ours"),
            ratio=found.wall_s("floor") / found.wall_s("ours"),
            limit=0.9,
            rate=True,
            note=f"{ROWS / found.wall_s('ours') / 1e3:.0f} thousand rows a second; peak {found.peak_mib():.0f} MiB "
            f"(with a tenth of the rows {found.peak_mib('tenth'):.0f} MiB)",
        )
    ]


def _rows(path: Path, count: int) -> Path:
    with path.open("w") as file:
        file.write("id,customer,amount,placed,note\n")
        for number in range(count):
            cents = number * 7919 % 100_000
            file.write(
                f"{number},customer {number % 9973},{cents / 100:.2f},2026-01-{number % 28 + 1:02}T12:00:00Z,"
                f'"paid, not sent"\n'
            )
    return path


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """The embedded Postgres in a folder of its own, and its DSN."""
    server = EmbeddedServer(folder)
    where = server.join()
    try:
        # The host that `join` gives is open in this process only.
        socket = quote(str(folder / "data"))
        yield f"postgresql://{where['user']}@/{where['database']}?host={socket}&port={where['port']}"
    finally:
        server.leave()


def _execute(dsn: str, statement: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())
