"""What carries the requests: TLS and its certificates, HTTP/2 where it is offered, proxies."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest
import trustme
from asking import asking, shown
from web import Asked, Web, answer_of, json_of, serving

from noetl.errors import ErrorKind


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return "ca.pem"


def server_side(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_a_certificate_of_a_trusted_authority_is_accepted(
    authority: trustme.CA, ca_file: str, tmp_path: Path
) -> None:
    async with serving({"/": json_of(1)}, tls=server_side(authority), host="localhost") as web, asking(tmp_path) as ask:
        assert await ask.data(web.url(), verify=ca_file) == 1
        assert await ask.data(web.url(), verify=False) == 1


async def test_connections_by_tls_are_used_again(authority: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    tls = server_side(authority)
    async with serving({"/": json_of(1)}, tls=tls, host="localhost") as web, asking(tmp_path) as ask:
        for _ in range(10):
            await ask(web.url(), verify=ca_file)
    # The first one finds out that the server does not speak HTTP/2.
    assert web.connections == 2


async def test_an_authority_that_nobody_trusts_is_a_permanent_error(authority: trustme.CA, tmp_path: Path) -> None:
    async with serving({"/": json_of(1)}, tls=server_side(authority), host="localhost") as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url("/x?q=hidden"))
    assert (error.kind, error.code, web.asked) == (ErrorKind.PERMANENT, "tls", [])
    assert "the server's certificate is not trusted: " in error.message
    assert "hidden" not in error.message


async def test_a_certificate_for_another_host_is_a_permanent_error(
    authority: trustme.CA, ca_file: str, tmp_path: Path
) -> None:
    tls = server_side(authority, "other.example")
    async with serving({"/": json_of(1)}, tls=tls, host="localhost") as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), verify=ca_file)
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "tls")
    assert "Hostname mismatch" in error.message


async def test_tls_where_there_is_none_is_an_error(tmp_path: Path) -> None:
    async def answer_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer_of(400))
        writer.close()

    server = await asyncio.start_server(answer_at_once, "127.0.0.1", 0)
    async with asking(tmp_path) as ask:
        error = await ask.fail(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert (error.kind, error.code) == (ErrorKind.TRANSIENT, "tls")


async def test_a_certificate_of_the_client_is_shown(authority: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    tls = server_side(authority)
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    mine = authority.issue_cert("me@example.org")
    mine.private_key_pem.write_to_path(str(tmp_path / "me.key"))
    for pem in mine.cert_chain_pems:
        pem.write_to_path(str(tmp_path / "me.pem"), append=True)
    async with serving({"/": json_of(1)}, tls=tls, host="localhost") as web, asking(tmp_path) as ask:
        assert await ask.data(web.url(), verify=ca_file, client_cert={"file": "me.pem", "key": "me.key"}) == 1
        error = await ask.fail(web.url(), verify=ca_file)
    assert error.kind is ErrorKind.TRANSIENT


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param({"verify": "none.pem"}, "file_not_found", id="no file of authorities"),
        pytest.param({"verify": "broken.pem"}, "bad_certificate", id="broken authorities"),
        pytest.param({"client_cert": {"file": "none.pem"}}, "file_not_found", id="no certificate"),
        pytest.param({"client_cert": {"file": "broken.pem"}}, "bad_certificate", id="a broken certificate"),
    ],
)
async def test_a_certificate_that_cannot_be_used_is_a_permanent_error(
    options: dict[str, object], code: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.pem").write_text("no certificate\n")
    async with asking(tmp_path) as ask:
        error = await ask.fail("https://localhost:1/", **options)
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, code)


async def _serve_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each stream with its path."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                path = dict(event.headers or [])[b":path"]
                head = [(":status", "200"), ("content-type", "text/plain"), ("content-length", str(len(path)))]
                connection.send_headers(event.stream_id or 0, head)
                connection.send_data(event.stream_id or 0, path, end_stream=True)
        writer.write(connection.data_to_send())
        await writer.drain()
    writer.close()


async def test_http_2_is_spoken_where_it_is_offered(authority: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    tls = server_side(authority)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        with suppress(ConnectionError):
            await _serve_http2(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    async with asking(tmp_path) as ask:
        first = await ask.data(f"{url}/0", verify=ca_file)
        more = await asyncio.gather(*(ask.data(f"{url}/{number}", verify=ca_file) for number in range(1, 20)))
    server.close()
    assert [first, *more] == [f"/{number}" for number in range(20)]
    assert connections == 1


@asynccontextmanager
async def tunnelling() -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy for TLS: its URL, and where it was asked to lead."""
    asked: list[str] = []
    relays: list[asyncio.Task[None]] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.splitlines()[0])
        host, _, port = head.split(" ")[1].rpartition(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        relays.append(asyncio.ensure_future(relay(there_reader, writer)))
        await relay(reader, there_writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        await asyncio.gather(*relays)


async def test_tls_goes_through_a_proxy(authority: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    async with (
        serving({"/": json_of(1)}, tls=server_side(authority), host="localhost") as web,
        tunnelling() as (proxy, asked),
        asking(tmp_path) as ask,
    ):
        assert await ask.data(web.url(), verify=ca_file, proxy=proxy) == 1
    assert asked == [f"CONNECT localhost:{web.port} HTTP/1.1"]


def _as_proxy(web: Web) -> str:
    return web.url("").replace("://", "://user:pr0xy-pass@")


async def test_a_proxy_is_asked_for_everything(tmp_path: Path) -> None:
    async with serving({"http://shop.example/a": json_of("by the proxy")}) as web, asking(tmp_path) as ask:
        assert await ask.data("http://shop.example/a", proxy=_as_proxy(web)) == "by the proxy"
    assert web.last.headers["proxy-authorization"] == "Basic dXNlcjpwcjB4eS1wYXNz"


async def test_the_proxy_of_the_environment_serves_unless_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving({"http://shop.example/a": json_of("by the proxy"), "/a": json_of("direct")}) as web:
        monkeypatch.setenv("http_proxy", web.url(""))
        async with asking(tmp_path) as ask:
            assert await ask.data("http://shop.example/a") == "by the proxy"
            assert await ask.data(web.url("/a"), proxy=False) == "direct"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with asking(tmp_path) as ask:
            assert await ask.data(web.url("/a")) == "direct"


async def test_a_proxy_that_is_down_or_refuses_is_a_transient_error(tmp_path: Path) -> None:
    async def refuse(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(403, b"no", "text/plain"))
        await writer.drain()

    async with serving({"shop.example:443": refuse}) as web, asking(tmp_path) as ask:
        proxy = _as_proxy(web)
        refused = await ask.fail("https://shop.example/a", proxy=proxy)
    async with asking(tmp_path) as ask:
        down = await ask.fail("https://shop.example/a", proxy=proxy)
    assert (refused.kind, refused.code) == (ErrorKind.TRANSIENT, "proxy_error")
    assert (down.kind, down.code) == (ErrorKind.TRANSIENT, "connection_refused")
    assert "pr0xy-pass" not in shown(refused) + shown(down)


@pytest.mark.parametrize(
    "proxy", ["ftp://user:pr0xy-pass@x", "http://user:pr0xy-pass@[::1", "socks5://user:pr0xy-pass@x"]
)
async def test_a_proxy_that_cannot_be_is_a_permanent_error(proxy: str, tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        error = await ask.fail("http://shop.example/", proxy=proxy)
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "bad_proxy")
    assert "pr0xy-pass" not in shown(error)
