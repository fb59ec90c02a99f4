"""A server that costs little itself: run as a program, it prints its port, and ends with its standard input.

`/small` is a JSON object, `/large/N` so many bytes.
"""

from __future__ import annotations

import asyncio
import sys

_SMALL = b'{"id": 7, "item": "kettle", "amount": 74.5, "tags": ["new", "blue"], "stock": {"here": 3, "there": 0}}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_SMALL), _SMALL)
_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n"
_BLOCK = bytes(256 * 1024)


class _Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._waiting = b""
        self._may_write = asyncio.Event()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            if path.startswith("/large/"):
                self._task = asyncio.ensure_future(self._send(int(path.rpartition("/")[2])))
            else:
                self._transport.write(_ANSWER)

    async def _send(self, size: int) -> None:
        self._transport.write(_HEAD.format(size).encode())
        while size and not self._transport.is_closing():
            block = _BLOCK[:size]
            self._transport.write(block)
            size -= len(block)
            await self._may_write.wait()
            await asyncio.sleep(0)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
