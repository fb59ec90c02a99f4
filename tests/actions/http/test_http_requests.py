"""What goes out: method, query, headers, bodies, and the key that tells a retried request from a new one."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from asking import asking, play
from web import answer_of, json_of, serving

from noetl.errors import ErrorKind


async def test_a_url_alone_is_a_get(tmp_path: Path) -> None:
    async with serving({"/": json_of({"a": 1})}) as web, asking(tmp_path) as ask:
        assert await ask.data(web.url()) == {"a": 1}
    assert (web.last.method, web.last.target, web.last.body) == ("GET", "/", b"")
    assert web.last.headers["user-agent"].startswith("noetl/")
    assert web.last.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("method", ["GET", "head", "Post", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
async def test_the_method_is_sent_in_capitals(method: str, tmp_path: Path) -> None:
    async with serving({"/": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url(), method=method)
    assert web.last.method == method.upper()


async def test_params_are_added_to_the_query(tmp_path: Path) -> None:
    params = {"a": "x y&z", "b": [1, 2.5, True], "c": None, "d": False, "ü": ""}
    async with serving({"/p": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url("/p?z=1"), params=params)
    expected = [("z", "1"), ("a", "x y&z"), ("b", "1"), ("b", "2.5"), ("b", "true"), ("d", "false"), ("ü", "")]
    assert parse_qsl(web.last.query, keep_blank_values=True) == expected


async def test_a_query_without_params_stays_as_it_is(tmp_path: Path) -> None:
    async with serving({"/p": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url("/p?a=%2F&b=c+d&empty"))
    assert web.last.query == "a=%2F&b=c+d&empty"


async def test_headers_are_sent_and_null_leaves_one_out(tmp_path: Path) -> None:
    async with serving({"/": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url(), headers={"X-Number": 7, "X-On": True, "X-None": None, "accept": "text/plain"})
    sent = web.last.headers
    assert (sent["x-number"], sent["x-on"], sent["accept"], "x-none" in sent) == ("7", "true", "text/plain", False)


BODIES: dict[str, tuple[dict[str, Any], str | None, bytes]] = {
    "json": ({"json": {"a": [1, None]}}, "application/json", b'{"a":[1,null]}'),
    "json null": ({"json": None}, "application/json", b"null"),
    "json text": ({"json": "ü"}, "application/json", '"ü"'.encode()),
    "form": ({"form": {"a": "x y", "b": [1, 2], "c": None, "d": True}}, "application/x-www-form-urlencoded", b"a=x+y&b=1&b=2&d=true"),
    "an empty form": ({"form": {}}, "application/x-www-form-urlencoded", b""),
    "text": ({"body": "Grüße"}, "text/plain; charset=utf-8", "Grüße".encode()),
    "text of a type": ({"body": "<a/>", "headers": {"content-type": "text/xml"}}, "text/xml", b"<a/>"),
    "a file": ({"body": {"file": "rows.csv"}}, "text/csv", b"a,b\n"),
    "nothing": ({}, None, b""),
}  # fmt: skip


@pytest.mark.parametrize(("options", "type", "body"), [pytest.param(*case, id=name) for name, case in BODIES.items()])
async def test_a_body_is_sent_with_its_type(
    options: dict[str, Any], type: str | None, body: bytes, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a,b\n")
    async with serving({"/": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url(), method="POST", **options)
    assert (web.last.headers.get("content-type"), web.last.body) == (type, body)
    assert web.last.headers["content-length"] == str(len(body))


async def test_files_make_a_multipart_form(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1\n")
    (tmp_path / "b.bin").write_bytes(bytes(300_000))
    files = {
        "one": "a.csv",
        "many": ["b.bin", {"file": "a.csv", "name": "other.txt", "type": "text/x-other"}],
        "made": {"content": {"a": 1}, "name": "made.json"},
    }
    async with serving({"/": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url(), method="POST", form={"kind": "x", "tags": ["p", "q"]}, files=files)
    head = f"Content-Type: {web.last.headers['content-type']}\r\n\r\n".encode()
    parts = [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            None if part.get_filename() is None else part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message_from_bytes(head + web.last.body).walk()
        if not part.is_multipart()
    ]
    assert parts == [
        ("kind", None, None, b"x"),
        ("tags", None, None, b"p"),
        ("tags", None, None, b"q"),
        ("one", "a.csv", "text/csv", b"1\n"),
        ("many", "b.bin", "application/octet-stream", bytes(300_000)),
        ("many", "other.txt", "text/x-other", b"1\n"),
        ("made", "made.json", "application/json", b'{"a":1}'),
    ]


@pytest.mark.parametrize(
    "options", [{"body": {"file": "none.csv"}}, {"files": {"a": "none.csv"}}], ids=["body", "files"]
)
async def test_a_file_that_is_not_there_is_a_permanent_error(options: dict[str, Any], tmp_path: Path) -> None:
    async with serving() as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), method="POST", **options)
    assert (error.kind, error.code, web.asked) == (ErrorKind.PERMANENT, "file_not_found", [])


@pytest.mark.parametrize(
    ("method", "sent"),
    [
        ("GET", False),
        ("HEAD", False),
        ("OPTIONS", False),
        ("POST", True),
        ("PUT", True),
        ("PATCH", True),
        ("DELETE", True),
    ],
)
async def test_an_idempotency_key_goes_with_what_changes_something(method: str, sent: bool, tmp_path: Path) -> None:
    async with serving({"/": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url(), method=method, call={"key": "k-7"})
    assert web.last.headers.get("idempotency-key") == ("k-7" if sent else None)


@pytest.mark.parametrize(("given", "sent"), [("mine", "mine"), (None, None)], ids=["another", "none"])
async def test_an_idempotency_key_of_the_user_stays(given: str | None, sent: str | None, tmp_path: Path) -> None:
    async with serving({"/": answer_of()}) as web, asking(tmp_path) as ask:
        await ask(web.url(), method="POST", headers={"idempotency-key": given})
    assert web.last.headers.get("idempotency-key") == sent


async def test_a_retried_request_has_the_same_key_and_another_one_has_another(tmp_path: Path) -> None:
    async with serving({"/": [answer_of(503), answer_of(200)]}) as web:
        action = f"{{action: http, method: POST, url: '{web.url()}', retry: {{attempts: 2, delay: 0}}}}"
        await play(f"steps: [{{name: A, run: [{action}, {action}]}}]\n", tmp_path)
    keys = [asked.headers["idempotency-key"] for asked in web.asked]
    assert (keys[0] == keys[1], keys[1] == keys[2], len(keys)) == (True, False, 3)


async def test_connections_are_used_again(tmp_path: Path) -> None:
    async with serving({"/": json_of(1), "/no": answer_of(404, b"x" * 1000)}) as web, asking(tmp_path) as ask:
        for _ in range(5):
            await ask(web.url())
            await ask.fail(web.url("/no"))
    assert (len(web.asked), web.connections) == (10, 1)
