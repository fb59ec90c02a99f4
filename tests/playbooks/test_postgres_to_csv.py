from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
from command import PLAYBOOKS, Command, path

import noetl
from noetl.model.event import Kind
from noetl.postgres.embedded import EmbeddedServer

PLAYBOOK = "postgres_to_csv.yaml"


def test_a_table_becomes_a_csv_file(command: Command) -> None:
    report = command.run(PLAYBOOK, file="out/people.csv")

    assert report["outputs"] == {"file": "out/people.csv", "rows": 3, "failures": 0}
    assert path(report) == ["initialize_db", "export_step"]
    assert (command.folder / "out/people.csv").read_text() == (
        "id,name,since\n1,Ada,2019-04-01\n2,Grace,2021-11-15\n3,Edsger,2024-02-29\n"
    )


def test_an_error_that_will_not_pass_is_reported_at_once(command: Command) -> None:
    report = command.run(PLAYBOOK, exit_code=1, table="shop.nothing")

    assert path(report) == ["initialize_db", "export_step", "handle_error"]
    assert report["error"]["code"] == "42P01"
    assert not report["error"]["retryable"]


def test_an_error_that_may_pass_is_tried_again_until_the_attempts_are_used_up(command: Command) -> None:
    report = command.run(PLAYBOOK, exit_code=1, database="postgresql://127.0.0.1:1/shop", pause="1ms", attempts="3")

    assert path(report) == [*["initialize_db", "handle_error", "pause_step"] * 2, "initialize_db", "handle_error"]
    assert (report["error"]["kind"], report["error"]["code"]) == ("transient", "08001")


def test_the_loop_goes_on_when_the_error_has_passed(tmp_path: Path) -> None:
    asyncio.run(_export_a_locked_table(tmp_path))


async def _export_a_locked_table(folder: Path) -> None:
    await noetl.arun(PLAYBOOKS / PLAYBOOK, {"file": str(folder / "before.csv")})
    async with _server() as parts:
        holder = await asyncpg.connect(**parts)
        await holder.execute("BEGIN; LOCK TABLE shop.customers")
        failed = asyncio.Event()
        async with noetl.Engine(working_folder=folder) as engine:
            engine.subscribe(lambda event: failed.set() if event.kind == Kind.STEP_FAILED else None)
            dsn = f"postgresql://{parts['user']}@/{parts['database']}?" + urlencode(
                {"host": parts["host"], "port": parts["port"], "lock_timeout": "50ms"}
            )
            playbook = engine.load(PLAYBOOKS / PLAYBOOK)
            run = await engine.start(playbook, {"database": dsn, "pause": "1ms", "attempts": 1000})
            await failed.wait()
            await holder.execute("COMMIT")
            report = await run.result()
        await holder.close()

    assert report.outputs["rows"] == 3
    assert report.outputs["failures"] > 0
    assert report.steps[0]["error"]["code"] == "55P03"


@asynccontextmanager
async def _server() -> AsyncIterator[dict[str, Any]]:
    """How to connect to the embedded server, which is up meanwhile."""
    server = EmbeddedServer.of_user()
    parts = await asyncio.to_thread(server.join)
    try:
        yield parts
    finally:
        await asyncio.to_thread(server.leave)
