"""A server on the loopback that answers byte by byte as a test says, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True)
class Asked:
    """One request; headers by lower-case names."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


Answering = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]
#: Raw bytes; what is done for a request; or one of these for each request in turn, the last for all that follow.
Answer = bytes | Answering | list[Any]


@dataclass
class Web:
    """`answers` by path; the connection is closed after an answer that says so, or is not whole."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    scheme: str = "http"
    host: str = "127.0.0.1"

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://{self.host}:{self.port}{path}"

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            asked = await _read(reader)
            self.asked.append(asked)
            answer = self._next(asked)
            if not isinstance(answer, bytes):
                await answer(asked, writer)
                continue
            writer.write(answer)
            await writer.drain()
            if b"connection: close" in answer.lower():
                return

    def _next(self, asked: Asked) -> bytes | Answering:
        answer = self.answers.get(asked.path, answer_of(404, b"no such page", "text/plain"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        assert not isinstance(answer, list)
        return answer


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)


@asynccontextmanager
async def serving(
    answers: Mapping[str, Answer] | None = None, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Web]:
    web = Web(dict(answers or {}), scheme="http" if tls is None else "https", host=host)
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(web.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer_of(
    status: int = 200, body: bytes = b"", type: str | None = None, reason: str = "Some Reason", **headers: str
) -> bytes:
    """A whole answer; `_` in the name of a header stands for `-`."""
    lines = [f"HTTP/1.1 {status} {reason}"]
    if status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    if type is not None:
        lines.append(f"Content-Type: {type}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def json_of(value: Any, status: int = 200, **headers: str) -> bytes:
    return answer_of(status, msgspec.json.encode(value), "application/json", **headers)


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", type: str = "text/plain", **headers: str) -> bytes:
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: {type}\r\n{head}\r\n".encode() + body + end


def then_close(raw: bytes) -> Answering:
    """These bytes, and the connection ends."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    return answer


def then_reset(raw: bytes = b"") -> Answering:
    """These bytes, and the connection is reset."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.transport.abort()

    return answer


async def never(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()
