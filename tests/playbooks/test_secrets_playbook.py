from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
from pathlib import Path
from urllib.parse import quote

import demo_server
import pytest
from command import PLAYBOOKS, Command
from demo_server import DemoServer

TOKEN = "t0ken/of+the shop"
KEY = "k3y-of-the-chat+1"


@pytest.fixture
def playbook(command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the playbook, with the file of a secret beside it; the token is none that stands in its comments."""
    monkeypatch.setattr(demo_server, "TOKEN", TOKEN)
    folder = command.folder / "mine"
    folder.mkdir()
    (folder / "signing.key").write_text(f"{KEY}\n")
    command.environment["API_TOKEN"] = TOKEN
    return Path(shutil.copy(PLAYBOOKS / "secrets.yaml", folder))


def everything(command: Command, *run: str) -> bytes:
    """All that a run prints, that is said of it afterwards, and that is kept of it."""
    said = [
        command.noetl("run", *run, "--verbose"),
        command.noetl("run", *run, "--json"),
        command.noetl("runs", "--json"),
    ]
    for row in json.loads(said[-1].stdout):
        for look in ("show", "events"):
            said += [command.noetl(look, row["execution_id"]), command.noetl(look, row["execution_id"], "--json")]
    kept = [file.read_bytes() for file in (command.folder / ".noetl").iterdir()]
    return b"".join([*((one.stdout + one.stderr).encode() for one in said), *kept])


def spellings(secret: str) -> set[bytes]:
    text = secret.encode()
    return {text, quote(secret, safe="").encode(), base64.b64encode(text), base64.b64encode(text).rstrip(b"=")}


def test_the_services_get_the_secrets(command: Command, services: DemoServer, playbook: Path) -> None:
    report = command.run(str(playbook), api=services.url)

    ask, post = services.requests
    signature = hmac.new(KEY.encode(), b"hello from ada", hashlib.sha256).hexdigest()
    assert ask.headers["authorization"] == f"Bearer {TOKEN}"
    assert (post.path, post.headers["x-signature"]) == (f"/chat/{KEY}", signature)
    assert report["outputs"] == {"me": {"user": "ada", "token": "***"}, "signature": signature, "size": len(TOKEN)}


@pytest.mark.parametrize("token", [pytest.param(TOKEN, id="success"), pytest.param("wr0ng-token", id="failure")])
def test_no_secret_is_in_anything_that_is_printed_or_kept(
    command: Command, services: DemoServer, playbook: Path, token: str
) -> None:
    command.environment["API_TOKEN"] = token
    said = everything(command, str(playbook), "-i", f"api={services.url}")

    assert b"***" in said or token != TOKEN
    assert len(services.requests) == (4 if token == TOKEN else 2)
    assert [spelling for secret in (token, KEY) for spelling in spellings(secret) if spelling in said] == []


def test_a_secret_address_that_cannot_be_reached_is_not_named(
    command: Command, services: DemoServer, playbook: Path
) -> None:
    text = playbook.read_text()
    assert text.count("{{ api }}/chat") == 1
    playbook.write_text(text.replace("{{ api }}/chat", "http://127.0.0.1:1/chat"))
    said = everything(command, str(playbook), "-i", f"api={services.url}")

    assert b"http://127.0.0.1:1/chat/***" in said
    assert [spelling for spelling in spellings(KEY) if spelling in said] == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        pytest.param("variable", "the environment variable 'API_TOKEN' is not set", id="variable"),
        pytest.param("file", "the file 'signing.key' cannot be read: No such file or directory", id="file"),
    ],
)
def test_without_a_secret_nothing_is_run(
    command: Command, services: DemoServer, playbook: Path, missing: str, said: str
) -> None:
    if missing == "variable":
        del command.environment["API_TOKEN"]
    else:
        (playbook.parent / "signing.key").unlink()
    report = command.run(str(playbook), exit_code=2, api=services.url)

    assert [(problem["code"], said in problem["message"]) for problem in report["problems"]] == [("bad-secret", True)]
    assert services.requests == []
