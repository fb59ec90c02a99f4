"""Connections that fail, break and stall: each has a code and a class, and nothing secret in its words."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from asking import asking, play, shown
from web import Answering, Asked, answer_of, chunked, json_of, never, serving, then_close, then_reset

from noetl.errors import ErrorKind

TRANSIENT, PERMANENT = ErrorKind.TRANSIENT, ErrorKind.PERMANENT

HEAD_OF_TEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n"

BROKEN: dict[str, tuple[Answering, ErrorKind, str]] = {
    "closed before an answer": (then_close(b""), TRANSIENT, "connection_lost"),
    "closed within the head": (then_close(b"HTTP/1.1 200 OK\r\nContent-"), TRANSIENT, "connection_lost"),
    "reset before an answer": (then_reset(), TRANSIENT, "connection_lost"),
    "closed within the body": (then_close(HEAD_OF_TEN + b"abc"), TRANSIENT, "body_cut"),
    "reset within the body": (then_reset(HEAD_OF_TEN + b"abc"), TRANSIENT, "body_cut"),
    "a body shorter than its length": (then_close(HEAD_OF_TEN + b"123456789"), TRANSIENT, "body_cut"),
    "chunks without an end": (then_close(chunked(b"abc", end=b"")), TRANSIENT, "body_cut"),
    "a chunk that is cut": (then_close(chunked(b"abc", end=b"ff\r\nabc")), TRANSIENT, "body_cut"),
    "not HTTP": (then_close(b"220 smtp.example ESMTP\r\n\r\n"), PERMANENT, "bad_response"),
    "a broken header": (then_close(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), PERMANENT, "bad_response"),
    "a length that is none": (then_close(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n"), PERMANENT, "bad_response"),
    "two lengths": (then_close(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), PERMANENT, "bad_response"),
    "an endless head": (then_close(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000), PERMANENT, "bad_response"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "code"), [pytest.param(*case, id=name) for name, case in BROKEN.items()])
async def test_an_answer_that_breaks_has_a_code(answer: Answering, kind: ErrorKind, code: str, tmp_path: Path) -> None:
    async with serving({"/path": answer}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url("/path?q=hidden").replace("://", "://user:passw0rd@"))
        assert (error.kind, error.code) == (kind, code)
        assert web.url("/path") in error.message
    assert "passw0rd" not in error.message
    assert "hidden" not in error.message


async def test_bytes_after_the_body_are_not_part_of_it(tmp_path: Path) -> None:
    async with serving({"/": then_close(HEAD_OF_TEN + b"0123456789abc")}) as web, asking(tmp_path) as ask:
        assert await ask.data(web.url()) == "0123456789"


async def test_an_answer_that_comes_byte_by_byte_is_whole(tmp_path: Path) -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        for byte in HEAD_OF_TEN + b"0123456789":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    async with serving({"/": drip}) as web, asking(tmp_path) as ask:
        assert await ask.data(web.url()) == "0123456789"


async def test_an_answer_after_a_preliminary_one_is_the_answer(tmp_path: Path) -> None:
    raw = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + json_of(1)
    async with serving({"/": raw}) as web, asking(tmp_path) as ask:
        assert await ask.data(web.url()) == 1


async def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with asking(tmp_path) as ask:
        error = await ask.fail(f"http://user:passw0rd@127.0.0.1:{port}/x?q=hidden")
    assert (error.kind, error.code) == (TRANSIENT, "connection_refused")
    assert error.message == f"GET http://127.0.0.1:{port}/x: nobody listens there"
    assert "passw0rd" not in shown(error)


async def test_a_host_without_an_address(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        error = await ask.fail("http://no-such-host.invalid/x")
    assert (error.kind, error.code) == (TRANSIENT, "name_not_found")
    assert error.message.startswith("GET http://no-such-host.invalid/x: the host has no address")


@pytest.mark.parametrize("url", ["http://exa mple/", "http://[::1/", "http://example:port/", "http://a:99999999/"])
async def test_a_url_that_cannot_be_read_is_a_permanent_error(url: str, tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        error = await ask.fail(url)
    assert (error.kind, error.code) == (PERMANENT, "bad_url")


async def test_an_idle_connection_that_the_server_closed_is_not_used(tmp_path: Path) -> None:
    closed = asyncio.Event()

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(json_of(1))
        await writer.drain()
        writer.close()
        closed.set()

    async with serving({"/": answer}) as web, asking(tmp_path) as ask:
        for _ in range(5):
            closed.clear()
            assert await ask.data(web.url()) == 1
            await closed.wait()
            await asyncio.sleep(0.01)
    assert web.connections == 5


async def _slow_body(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD_OF_TEN + b"abc")
    await writer.drain()
    await asyncio.Event().wait()


@pytest.mark.parametrize("answer", [never, _slow_body], ids=["before the answer", "within the body"])
async def test_a_timeout_ends_a_server_that_stalls(answer: Answering, tmp_path: Path) -> None:
    async with serving({"/": answer}) as web:
        text = f"steps: [{{name: A, run: [{{action: http, url: '{web.url()}', timeout: 200ms}}]}}]\n"
        report = await play(text, tmp_path)
    assert report.error is not None
    assert (report.error["kind"], report.error["code"]) == ("transient", "timeout")


async def test_after_a_cancelled_request_the_next_one_is_right(tmp_path: Path) -> None:
    async with serving({"/slow": _slow_body, "/": json_of(1)}) as web, asking(tmp_path) as ask:
        slow = asyncio.ensure_future(ask(web.url("/slow")))
        while not web.asked:
            await asyncio.sleep(0)
        slow.cancel()
        await asyncio.wait([slow])
        assert await ask.data(web.url()) == 1
    assert slow.cancelled()


async def test_hundreds_of_requests_at_once_are_all_answered(tmp_path: Path) -> None:
    async def echo(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(json_of(asked.query))
        await writer.drain()

    async with serving({"/": echo}) as web, asking(tmp_path) as ask:
        found = await asyncio.gather(*(ask.data(web.url(f"/?{number}")) for number in range(150)))
    assert found == [str(number) for number in range(150)]


async def test_a_failure_in_an_earlier_answer_does_not_spoil_the_next(tmp_path: Path) -> None:
    answers = [then_close(HEAD_OF_TEN + b"abc"), answer_of(500, b"no"), json_of("yes")]
    async with serving({"/": answers}) as web:
        retry = "{attempts: 3, delay: 0}"
        text = f"steps: [{{name: A, run: [{{action: http, url: '{web.url()}', retry: {retry}, as: x}}]}}]\n"
        report = await play(text, tmp_path)
    assert (report.outputs, report.steps[0]["attempts"]) == ({"x": "yes"}, 3)
