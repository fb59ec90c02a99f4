"""`noetl new`: playbooks to begin with, and the files that they are written to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cli_case import Case
from jsonschema import Draft202012Validator

from noetl.language.reader import read
from noetl.language.report import Report
from noetl.language.templating import data
from noetl.postgres.embedded import FOLDER_VARIABLE, EmbeddedServer
from noetl.span import Source
from noetl.starters import STARTERS, starter


@pytest.mark.parametrize("which", STARTERS)
def test_every_starter_is_without_problems_even_to_the_strict(case: Case, which: str) -> None:
    case.args("new", "--template", which).run()
    case.args("validate", "playbook.yaml", "--strict").stdout("no problems\n").exit(0)


@pytest.mark.parametrize("which", STARTERS)
def test_every_starter_is_what_editors_expect(case: Case, which: str) -> None:
    schema = json.loads(case.args("schema").run().stdout)
    report = Report()
    root = read(Source("starter.yaml", starter(which)), report.problems)
    assert root is not None
    errors = Draft202012Validator(schema).iter_errors(data(report, root))
    assert [error.message for error in errors] == []
    assert starter(which).startswith("# yaml-language-server: $schema=playbook.schema.json\n")


def outputs_of(case: Case, *words: str) -> dict[str, Any]:
    report = case.args("run", "playbook.yaml", "--json", "-q", *words).run().json()
    assert report["error"] is None
    outputs: dict[str, Any] = report["outputs"]
    return outputs


def test_the_minimal_starter_runs(case: Case) -> None:
    case.args("new").run()
    assert outputs_of(case, "-i", "name=Ada", "-i", "times=2") == {"greeting": "hello Ada", "said": 2}


def test_the_starter_for_jobs_runs_and_deploys_from_the_main_branch_only(case: Case) -> None:
    case.args("new", "-t", "ci").run()
    assert outputs_of(case) == {"built": "out/built.txt", "deployed": False}
    assert outputs_of(case, "-i", "branch=main") == {"built": "out/built.txt", "deployed": True}


def test_the_starter_for_rows_runs(case: Case, embedded: EmbeddedServer) -> None:
    case.args("new", "-t", "etl").run()
    case.env(**{FOLDER_VARIABLE: str(embedded.folder)})
    assert outputs_of(case, "-i", "smallest=50") == {"kept": 4, "amount": 255.0}
    assert (case.folder / "out" / "orders.csv").read_text().splitlines()[:2] == ["id,amount", "7,52.5"]


class _Shop(BaseHTTPRequestHandler):
    told: list[Any]

    def do_GET(self) -> None:
        page = int(self.path.rpartition("=")[2]) if "page=" in self.path else 1
        following = None if page == 2 else f"http://127.0.0.1:{self.server.server_address[1]}/items?page={page + 1}"
        self._answer(json.dumps({"items": [page], "next": following}).encode())

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"{}")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[tuple[str, list[Any]]]:
    """The address of a server with two pages of items, and what it has been told."""
    told: list[Any] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Shop", (_Shop,), {"told": told}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_starter_for_an_api_reads_all_pages_and_tells_somebody(case: Case, shop: tuple[str, list[Any]]) -> None:
    address, told = shop
    case.args("new", "-t", "api").run()
    assert outputs_of(case, "-i", f"url={address}/items", "-i", f"hook={address}/hook") == {"count": 2}
    assert told == [{"count": 2}]


def test_what_was_written_and_what_comes_next_is_told(case: Case) -> None:
    case.args("new").stdout(
        """
        playbook.yaml is written: steps, rules, inputs and outputs
          noetl run playbook.yaml
          noetl validate playbook.yaml
          noetl schema > playbook.schema.json   # for editors to complete and check it
        """
    ).exit(0)


def test_a_file_that_is_there_is_left_alone_unless_it_is_forced(case: Case) -> None:
    case.file("playbook.yaml", "mine\n").args("new").stderr(
        """
        error: 'playbook.yaml' is there already ('--force' writes over it)
        'noetl new --help' tells more
        """
    ).exit(2)
    assert (case.folder / "playbook.yaml").read_text() == "mine\n"
    assert case.args("new", "--force").run().code == 0
    assert (case.folder / "playbook.yaml").read_text() == starter("minimal")


def test_a_dangling_link_is_not_written_through(case: Case) -> None:
    (case.folder / "playbook.yaml").symlink_to("elsewhere.yaml")
    assert case.args("new").run().code == 2
    assert not (case.folder / "elsewhere.yaml").exists()


def test_a_dash_prints_it(case: Case) -> None:
    case.args("new", "-", "--template", "ci").stdout(starter("ci")).exit(0)
    assert list(case.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "written", "name"),
    [
        pytest.param("orders.yaml", "orders.yaml", "orders", id="plain"),
        pytest.param("orders", "orders.yaml", "orders", id="no ending"),
        pytest.param("jobs/night/orders.yml", "jobs/night/orders.yml", "orders", id="folders that are made"),
        pytest.param("my orders.yaml", "my orders.yaml", "my_orders", id="blank"),
        pytest.param("null.yaml", "null.yaml", "_null", id="a word of YAML"),
        pytest.param("24.yaml", "24.yaml", "_24", id="number"),
        pytest.param("täglich.yaml", "täglich.yaml", "t_glich", id="other letters"),
        pytest.param("é.yaml", "é.yaml", "playbook", id="no letter at all"),
        pytest.param("a\nname: b.yaml", "a\nname: b.yaml", "a_name_b", id="line break"),
    ],
)
def test_the_playbook_is_called_as_its_file(case: Case, file: str, written: str, name: str) -> None:
    assert case.args("new", file).run().code == 0
    assert f"\nname: {name}\n" in (case.folder / written).read_text()
    case.args("validate", written).stdout("no problems\n").exit(0)


def test_the_schema_is_written_beside_it_if_asked_for(case: Case) -> None:
    ended = case.args("new", "jobs/a.yaml", "--schema").run()
    assert json.loads((case.folder / "jobs/playbook.schema.json").read_text()) == json.loads(
        case.args("schema").run().stdout
    )
    assert "noetl schema" not in ended.stdout
    assert case.args("new", "jobs/b.yaml", "--schema").run().code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["."], "'.' is a folder (did you mean 'playbook.yaml'?)", id="folder"),
        pytest.param(
            ["a.json"], "a playbook's file ends with '.yaml', got 'a.json' (did you mean 'a.yaml'?)", id="ending"
        ),
        pytest.param(["a.yaml", "-t", "elt"], "option '-t' does not take 'elt' (did you mean 'etl'?)", id="template"),
        pytest.param(["-", "--schema"], "'--schema' writes beside a file, so it does not go with '-'", id="dash"),
        pytest.param(["file/a.yaml"], "'file/a.yaml' cannot be written: ", id="in a file"),
    ],
)
def test_what_cannot_be_written_is_explained(case: Case, words: list[str], sentence: str) -> None:
    ended = case.file("file", "").args("new", *words).run()
    assert ended.stderr.startswith(f"error: {sentence}")
    assert ended.code == 2
    assert list(case.folder.iterdir()) == [case.folder / "file"]


def test_the_package_holds_every_starter_and_no_other() -> None:
    import noetl.starters

    folder = Path(noetl.starters.__file__).parent
    assert {file.stem for file in folder.glob("*.yaml")} == set(STARTERS)
