"""The shop that examples of the documentation talk to: `https://shop.example` there, a server on loopback in the tests."""

from __future__ import annotations

import json
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

ADDRESS = "https://shop.example"
TOKEN = "a-token-of-the-shop"

ORDERS = [
    {"id": 1, "item": "kettle", "amount": 74, "changed": "2025-03-01"},
    {"id": 2, "item": "filter paper", "amount": 9, "changed": "2025-03-01"},
    {"id": 3, "item": "tasting set", "amount": 42, "changed": "2025-03-02"},
    {"id": 4, "item": "grinder", "amount": 59, "changed": "2025-03-03"},
    {"id": 5, "item": "scale", "amount": 38, "changed": "2025-03-03"},
]
_PAGE = 2
_NO_ITEM = 13


class Shop:
    """Serves until it is left; counts how often each path was asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.closing = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"shop": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Shop:
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    shop: Shop

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.shop.asked[parts.path] += 1
        times = self.shop.asked[parts.path]
        match parts.path.strip("/").split("/"):
            case ["orders"]:
                self._json(200, self._orders(query))
            case ["items", number]:
                known = int(number) != _NO_ITEM
                self._json(200 if known else 404, {"id": int(number), "price": 10 * int(number)} if known else {})
            case ["busy"]:
                self._json(503 if times <= 2 else 200, {"times": times})
            case ["jobs", _]:
                self._json(200, {"state": "running" if times <= 2 else "done", "rows": 120})
            case ["mirrors", "far"]:
                self.shop.closing.wait()
            case ["mirrors", name]:
                self._json(200, {"mirror": name})
            case ["me"]:
                known = self.headers["Authorization"] == f"Bearer {TOKEN}"
                self._json(200 if known else 401, {"name": "Ada"} if known else {})
            case ["prices.csv"]:
                self._send(200, "text/csv", "item,price\nkettle,74\nscale,38\n")
            case _:
                self._json(404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._json(201, {"received": body})

    def _orders(self, query: dict[str, str]) -> dict[str, Any]:
        """A page of the orders that were changed after a day."""
        wanted = [order for order in ORDERS if str(order["changed"]) > query.get("after", "")]
        page = int(query.get("page", 1))
        end = page * _PAGE
        rest = "&".join(f"{name}={value}" for name, value in {**query, "page": str(page + 1)}.items())
        more = f"{self.shop.url}/orders?{rest}" if end < len(wanted) else None
        return {"orders": wanted[end - _PAGE : end], "next": more}

    def _json(self, status: int, data: Any) -> None:
        self._send(status, "application/json", json.dumps(data))

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what is asked for is part of the test."""
