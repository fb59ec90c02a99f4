"""A server on the loopback, in threads of its own, for playbooks to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


class _Handler(BaseHTTPRequestHandler):
    """`/two` is 2; `/repeat` is what was asked, a failure at `/refuse`; `/large` is ten megabytes, `/slow` never comes."""

    protocol_version = "HTTP/1.1"
    is_over: Event

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/two":
                self._answer(200, "application/json", b"2")
            case "/large":
                self._answer(200, "text/plain", b"x" * 10_000_000)
            case "/repeat" | "/refuse" as path:
                asked = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
                self._answer(200 if path == "/repeat" else 400, "application/json", asked)
            case "/slow":
                self.is_over.wait()
            case _:
                self._answer(404, "text/plain", b"there is no such page")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at what comes of the requests."""


@contextmanager
def web_server() -> Iterator[str]:
    """The URL of a server, which ends when it is left."""
    is_over = Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"is_over": is_over}))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
