"""Who asks: tokens and passwords as headers, and OAuth 2 tokens that are fetched, kept, renewed and never shown."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from asking import asking, play, shown
from web import Answering, Asked, answer_of, json_of, never, serving, then_close

from noetl.errors import ErrorKind


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        pytest.param({"bearer": " t0ken\n"}, "Bearer t0ken", id="bearer"),
        pytest.param({"basic": {"username": "ü", "password": "p:w"}}, f"Basic {base64.b64encode('ü:p:w'.encode()).decode()}", id="basic"),
        pytest.param({"basic": {"username": "u"}}, "Basic dTo=", id="basic without a password"),
    ],
)  # fmt: skip
async def test_auth_becomes_a_header(auth: dict[str, Any], sent: str, tmp_path: Path) -> None:
    async with serving({"/": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url(), auth=auth)
    assert web.last.headers["authorization"] == sent


async def test_a_refused_password_is_not_tried_again(tmp_path: Path) -> None:
    async with serving({"/": answer_of(401)}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), auth={"bearer": "wr0ng"})
    assert (error.kind, error.details["status_code"], len(web.asked)) == (ErrorKind.PERMANENT, 401, 1)
    assert "wr0ng" not in shown(error)


def tokens(**more: Any) -> Answering:
    """Gives out `token-1`, `token-2`, ..."""
    count = 0

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writer.write(json_of({"access_token": f"token-{count}", "token_type": "Bearer", **more}))
        await writer.drain()

    return answer


def oauth(url: str, **more: Any) -> dict[str, Any]:
    return {"oauth2": {"token_url": url, "client_id": "me", "client_secret": "s3cret!", **more}}


def accepting(*accepted: str) -> Answering:
    """Answers 401 to all but these tokens, and says which one it was sent."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        token = asked.headers["authorization"].removeprefix("Bearer ")
        writer.write(json_of({"seen": token}, 200 if token in accepted else 401))
        await writer.drain()

    return answer


async def test_a_token_is_asked_for_as_rfc_6749_says(tmp_path: Path) -> None:
    answers = {"/token": tokens(), "/": accepting("token-1")}
    async with serving(answers) as web, asking(tmp_path) as ask:
        auth = oauth(web.url("/token"), scope="a b", params={"audience": "x"})
        await ask(web.url(), auth=auth)
    asked = web.asked[0]
    assert asked.method == "POST"
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(b'me:s3cret%21').decode()}"
    assert dict(parse_qsl(asked.body.decode())) == {"grant_type": "client_credentials", "scope": "a b", "audience": "x"}


async def test_a_client_may_say_who_it_is_in_the_form(tmp_path: Path) -> None:
    async with serving({"/token": tokens(), "/": accepting("token-1")}) as web, asking(tmp_path) as ask:
        await ask(web.url(), auth=oauth(web.url("/token"), send="body"))
    form = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "s3cret!"}
    assert dict(parse_qsl(web.asked[0].body.decode())) == form
    assert "authorization" not in web.asked[0].headers


async def test_a_token_is_fetched_once_for_all_actions(tmp_path: Path) -> None:
    answers = {"/token": tokens(expires_in=3600), "/": accepting("token-1")}
    async with serving(answers) as web, asking(tmp_path) as ask:
        await asyncio.gather(*(ask(web.url(), auth=oauth(web.url("/token"))) for _ in range(10)))
        await ask(web.url(), auth=oauth(web.url("/token")))
    assert [asked.path for asked in web.asked].count("/token") == 1


async def test_clients_do_not_share_a_token(tmp_path: Path) -> None:
    answers = {"/token": tokens(), "/": accepting("token-1", "token-2")}
    async with serving(answers) as web, asking(tmp_path) as ask:
        await ask(web.url(), auth=oauth(web.url("/token")))
        await ask(web.url(), auth=oauth(web.url("/token"), scope="more"))
    assert [asked.path for asked in web.asked] == ["/token", "/", "/token", "/"]


async def test_a_token_that_expires_is_renewed_before(tmp_path: Path) -> None:
    answers = {"/token": tokens(expires_in=0.000001), "/": accepting("token-1", "token-2")}
    async with serving(answers) as web, asking(tmp_path) as ask:
        await ask(web.url(), auth=oauth(web.url("/token")))
        await ask(web.url(), auth=oauth(web.url("/token")))
    assert [asked.path for asked in web.asked] == ["/token", "/", "/token", "/"]


async def test_a_refused_token_is_renewed_once(tmp_path: Path) -> None:
    async with serving({"/token": tokens(), "/": accepting("token-2")}) as web, asking(tmp_path) as ask:
        outcome = await ask(web.url(), auth=oauth(web.url("/token")), method="POST", json={"a": 1})
        assert outcome.fields["status_code"] == 200
        again = await ask(web.url(), auth=oauth(web.url("/token")))
        assert again.fields["status_code"] == 200
    assert [asked.path for asked in web.asked] == ["/token", "/", "/token", "/", "/"]
    first, second = web.asked[1], web.asked[3]
    assert first.body == second.body == b'{"a":1}'
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


async def test_a_token_that_is_refused_twice_is_an_error(tmp_path: Path) -> None:
    async with serving({"/token": tokens(), "/": accepting()}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), auth=oauth(web.url("/token")))
    assert (error.kind, error.details["status_code"]) == (ErrorKind.PERMANENT, 401)
    assert [asked.path for asked in web.asked] == ["/token", "/", "/token", "/"]
    assert "token-1" not in shown(error)


REFUSALS: dict[str, tuple[bytes, ErrorKind, str]] = {
    "a wrong secret": (
        json_of({"error": "invalid_client", "error_description": "no such client"}, 401),
        ErrorKind.PERMANENT,
        "gave no token but 401 Some Reason: invalid_client: no such client",
    ),
    "too often": (answer_of(429, Retry_After="9"), ErrorKind.TRANSIENT, "gave no token but 429 Some Reason"),
    "out of order": (answer_of(503), ErrorKind.TRANSIENT, "gave no token but 503 Some Reason"),
    "no token": (json_of({"token": "x"}), ErrorKind.PERMANENT, "has no 'access_token'"),
    "no json": (answer_of(200, b"<html>", "text/html"), ErrorKind.PERMANENT, "has no 'access_token'"),
    "moved": (answer_of(302, Location="/other"), ErrorKind.PERMANENT, "gave no token but 302 Some Reason"),
    "a token of two lines": (json_of({"access_token": "a\nb"}), ErrorKind.PERMANENT, "has no 'access_token'"),
}


@pytest.mark.parametrize(("answer", "kind", "said"), [pytest.param(*case, id=name) for name, case in REFUSALS.items()])
async def test_where_there_is_no_token_nothing_is_asked(
    answer: bytes, kind: ErrorKind, said: str, tmp_path: Path
) -> None:
    async with serving({"/token": answer}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), auth=oauth(web.url("/token")))
    assert (error.kind, error.code, len(web.asked)) == (kind, "token_refused", 1)
    assert said in error.message
    assert error.details.get("retry_after") == (9 if "429" in said else None)
    assert "s3cret" not in shown(error)


async def test_a_server_of_tokens_that_breaks_is_a_failed_connection(tmp_path: Path) -> None:
    async with serving({"/token": then_close(b"")}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), auth=oauth(web.url("/token")))
    assert (error.kind, error.code) == (ErrorKind.TRANSIENT, "connection_lost")


async def test_who_waits_for_a_token_may_be_cancelled(tmp_path: Path) -> None:
    answers = {"/token": [never, tokens()], "/": accepting("token-1")}
    async with serving(answers) as web, asking(tmp_path) as ask:
        first = asyncio.ensure_future(ask(web.url(), auth=oauth(web.url("/token"))))
        while not web.asked:
            await asyncio.sleep(0)
        second = asyncio.ensure_future(ask(web.url(), auth=oauth(web.url("/token"))))
        first.cancel()
        assert (await second).fields["status_code"] == 200
        await asyncio.wait([first])


async def test_a_token_that_the_server_repeats_is_masked(tmp_path: Path) -> None:
    answers = {"/token": tokens(), "/": accepting("token-1"), "/no": accepting()}
    async with serving(answers) as web, asking(tmp_path) as ask:
        outcome = await ask(web.url(), auth=oauth(web.url("/token")))
        error = await ask.fail(web.url("/no"), auth=oauth(web.url("/token")))
    assert outcome.data == {"seen": "***"}
    assert error.details["body"] == {"seen": "***"}


async def test_no_secret_is_in_the_log_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2-and-more")

    async def repeat(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(
            json_of({"target": asked.target, "headers": dict(asked.headers), "body": asked.body.decode()}, 400)
        )
        await writer.drain()

    async with serving({"/": repeat}) as web:
        secret = "{{ secrets.s }}"
        report = await play(
            f"""
secrets: {{s: env:SECRET}}
steps:
  - name: A
    run:
      - action: http
        url: "{web.url("/").replace("://", "://u:" + secret + "@")}?key={secret}"
        method: POST
        headers: {{X-Key: "{secret}"}}
        json: {{password: "{secret}"}}
        on_error: continue
      - {{action: http, url: "{web.url()}", auth: {{basic: {{username: u, password: "{secret}"}}}}, on_error: continue, expect: 400, as: x}}
""",
            tmp_path,
        )
    assert report.succeeded, report.error
    everything = msgspec.json.encode(report.as_data()).decode() + repr(report)
    assert "hunter2" not in everything
    assert base64.b64encode(b"u:hunter2-and-more").decode() not in everything
    assert web.asked[0].query == "key=hunter2-and-more"
