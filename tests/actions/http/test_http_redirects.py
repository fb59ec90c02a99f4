"""Redirects, and what goes along to where they lead: not to another host what is meant for one; cookies within one action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import asking
from web import Web, answer_of, json_of, serving

from noetl.errors import ErrorKind


def _to(location: str, status: int = 302, **headers: str) -> bytes:
    return answer_of(status, b"moved", "text/plain", Location=location, **headers)


async def test_a_chain_of_redirects_is_followed_to_its_end(tmp_path: Path) -> None:
    answers = {"/a": _to("/b", 301), "/b": _to("c?x=1", 302), "/c": _to("/d", 308), "/d": json_of("here")}
    async with serving(answers) as web, asking(tmp_path) as ask:
        outcome = await ask(web.url("/a"))
        assert (outcome.data, outcome.fields["url"]) == ("here", web.url("/d"))
    assert [asked.target for asked in web.asked] == ["/a", "/b", "/c?x=1", "/d"]
    assert web.connections == 1


async def test_a_redirect_that_is_not_followed_is_a_status(tmp_path: Path) -> None:
    async with serving({"/a": _to("/b")}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url("/a"), follow_redirects=False)
        assert (error.kind, error.details["status_code"]) == (ErrorKind.PERMANENT, 302)
        outcome = await ask(web.url("/a"), follow_redirects=False, expect=302)
    assert (outcome.data, outcome.fields["headers"]["location"]) == ("moved", "/b")
    assert len(web.asked) == 2


async def test_a_loop_of_redirects_ends_as_a_permanent_error(tmp_path: Path) -> None:
    async with serving({"/a": _to("/b"), "/b": _to("/a")}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url("/a"))
        assert (error.kind, error.code) == (ErrorKind.PERMANENT, "too_many_redirects")
        assert error.message == f"GET {web.url('/a')} was redirected more than 20 times"
    assert len(web.asked) == 21


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "http://[::1/x"])
async def test_a_redirect_to_nowhere_is_a_permanent_error(location: str, tmp_path: Path) -> None:
    async with serving({"/": _to(location)}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url())
    assert (error.kind, error.code) in [(ErrorKind.PERMANENT, "bad_url"), (ErrorKind.PERMANENT, "bad_response")]


@pytest.mark.parametrize(
    ("status", "method", "sent"),
    [
        (301, "POST", ("GET", b"")),
        (302, "POST", ("GET", b"")),
        (303, "PUT", ("GET", b"")),
        (307, "POST", ("POST", b"{}")),
        (308, "PUT", ("PUT", b"{}")),
    ],
)
async def test_the_status_says_what_becomes_of_method_and_body(
    status: int, method: str, sent: tuple[str, bytes], tmp_path: Path
) -> None:
    async with serving({"/a": _to("/b", status), "/b": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url("/a"), method=method, json={})
    assert (web.last.method, web.last.body) == sent


@pytest.mark.parametrize(
    ("options", "whole"),
    [
        pytest.param({"body": {"file": "big"}}, b"x" * 600_000, id="a file"),
        pytest.param({"files": {"a": "big"}}, None, id="a multipart form"),
    ],
)
async def test_a_body_from_a_file_is_sent_again(options: dict[str, Any], whole: bytes | None, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 600_000)
    async with serving({"/a": _to("/b", 307), "/b": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url("/a"), method="POST", **options)
    first, second = web.asked
    assert first.body == second.body
    assert second.body == whole or (whole is None and second.body.count(b"x") >= 600_000)


CREDENTIALS: dict[str, dict[str, Any]] = {
    "bearer": {"auth": {"bearer": "t0ken"}},
    "basic": {"auth": {"basic": {"username": "u", "password": "p"}}},
    "headers": {"headers": {"Authorization": "x", "X-Api-Key": "x", "Cookie": "a=1", "X-Auth-Token": "x"}},
}


def _credentials(web: Web) -> set[str]:
    return {"authorization", "x-api-key", "cookie", "x-auth-token"} & web.last.headers.keys()


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in CREDENTIALS.items()])
async def test_credentials_do_not_go_along_to_another_host(options: dict[str, Any], tmp_path: Path) -> None:
    async with serving({"/": answer_of()}, host="localhost") as other, asking(tmp_path) as ask:
        async with serving({"/": _to(other.url())}) as web:
            await ask(web.url(), **options)
            assert _credentials(web)
        assert _credentials(other) == set()


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in CREDENTIALS.items()])
async def test_credentials_go_along_on_the_same_host(options: dict[str, Any], tmp_path: Path) -> None:
    async with serving({"/a": _to("/b"), "/b": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url("/a"), **options)
    assert _credentials(web) - {"cookie"}


async def test_a_password_in_the_url_is_sent_and_stays_on_its_host(tmp_path: Path) -> None:
    async with serving({"/": answer_of()}, host="localhost") as other, asking(tmp_path) as ask:
        async with serving({"/": _to(other.url())}) as web:
            await ask(web.url().replace("://", "://user:pa%20ss@"))
            assert web.last.headers["authorization"] == "Basic dXNlcjpwYSBzcw=="
        assert _credentials(other) == set()


async def test_a_cookie_goes_along_within_an_action_and_not_to_the_next(tmp_path: Path) -> None:
    answers = {"/a": _to("/b", Set_Cookie="session=1; Path=/"), "/b": json_of(1)}
    async with serving(answers) as web, asking(tmp_path) as ask:
        await ask(web.url("/a"))
        assert web.last.headers["cookie"] == "session=1"
        await ask(web.url("/b"))
    assert "cookie" not in web.last.headers


async def test_a_cookie_of_one_host_does_not_come_to_another(tmp_path: Path) -> None:
    async with serving({"/": answer_of()}, host="localhost") as other, asking(tmp_path) as ask:
        async with serving({"/": _to(other.url(), Set_Cookie="session=1; Path=/")}) as web:
            await ask(web.url())
        assert "cookie" not in other.last.headers


async def test_the_key_of_a_request_stays_over_redirects(tmp_path: Path) -> None:
    async with serving({"/a": _to("/b", 307), "/b": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url("/a"), method="POST", call={"key": "k-7"})
    assert [asked.headers["idempotency-key"] for asked in web.asked] == ["k-7", "k-7"]
