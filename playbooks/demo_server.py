"""The services that some of the playbooks talk to, on this machine only: python3 playbooks/demo_server.py

A shop with orders in pages, which wants a token and is too busy once; a travel agency; a chat; rates, as late as asked.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

PORT = 8765
TOKEN = "demo-token"
ORDERS = [{"id": n, "customer": ("Ada", "Grace", "Edsger")[n % 3], "amount": f"{n * 7 % 90}.50"} for n in range(1, 121)]
RATES = {"EUR": 1, "SEK": 11.2, "USD": 1.08}

#: What the travel agency refuses, and how.
REFUSALS = {
    "flights": (404, "nobody flies to Atlantis", lambda order: order["to"] == "Atlantis"),
    "hotels": (409, "no room is free for so long", lambda order: order["nights"] > 14),
    "payments": (402, "the card is declined", lambda order: order["amount"] > 1000),
}


class Request(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float


class Reply(NamedTuple):
    status: int
    data: Any = None
    retry_after: int | None = None


class DemoServer(ThreadingHTTPServer):
    """`requests` is what it was asked, in order; `booked` what the travel agency has booked and not cancelled."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: list[Request] = []
        self.booked: dict[str, Any] = {}
        self.numbers = count(1)
        self.busy = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client may go away: it has lost interest
            super().handle_error(request, client_address)

    def reply(self, request: Request) -> Reply:
        service, _, name = request.path.strip("/").partition("/")
        match request.method, service:
            case "GET", "orders":
                return self.orders(request)
            case "GET", "me":
                return (
                    Reply(200, {"user": "ada", "token": TOKEN})
                    if may(request)
                    else Reply(401, {"error": "who are you?"})
                )
            case "GET", "rates":
                time.sleep(float(request.query.get("after", 0)))
                return Reply(200, RATES)
            case "POST", "chat":
                return Reply(204)
            case "POST", "flights" | "hotels" | "payments":
                return self.book(service, request.body)
            case "DELETE", "flights" | "hotels" | "payments":
                return Reply(204 if self.booked.pop(f"{service}/{name}", None) else 404)
        return Reply(404, {"error": f"there is no {request.method} {request.path}"})

    def orders(self, request: Request) -> Reply:
        """A page of orders, with the address of the next one."""
        if not may(request):
            return Reply(401, {"error": "a token is needed"})
        page, size = int(request.query.get("page", 1)), int(request.query.get("size", 50))
        if page == 2 and self.busy:
            self.busy = False
            return Reply(429, {"error": "too busy"}, retry_after=1)
        more = page * size < len(ORDERS)
        return Reply(
            200,
            {
                "orders": ORDERS[(page - 1) * size : page * size],
                "next": f"{self.url}/orders?page={page + 1}&size={size}" if more else None,
            },
        )

    def book(self, service: str, order: dict[str, Any]) -> Reply:
        status, error, refused = REFUSALS[service]
        if refused(order):
            return Reply(status, {"error": error})
        number = str(next(self.numbers))
        self.booked[f"{service}/{number}"] = order
        return Reply(201, {"id": number})


def may(request: Request) -> bool:
    return request.headers.get("authorization") == f"Bearer {TOKEN}"


class Handler(BaseHTTPRequestHandler):
    server: DemoServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out in one piece

    def serve(self) -> None:
        url = urlsplit(self.path)
        text = self.rfile.read(int(self.headers["Content-Length"] or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(text) if text else None
        request = Request(self.command, url.path, dict(parse_qsl(url.query)), headers, body, time.monotonic())
        self.server.requests.append(request)
        self.send(self.server.reply(request))

    def send(self, reply: Reply) -> None:
        text = b"" if reply.data is None else json.dumps(reply.data).encode()
        self.send_response(reply.status)
        if reply.retry_after is not None:
            self.send_header("Retry-After", str(reply.retry_after))
        if reply.status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = serve


if __name__ == "__main__":
    with DemoServer(PORT) as server:
        print(f"listening on {server.url}, until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
