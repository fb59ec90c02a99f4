"""What one action and its servers say to each other: requests, redirects, cookies and credentials on the way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from noetl.actions.http.bodies import drain
from noetl.actions.http.client import HttpClient
from noetl.actions.http.credentials import Credentials
from noetl.actions.http.failures import sending, shown
from noetl.actions.http.request import Requests
from noetl.errors import ActionError, ErrorKind

#: How many redirects may follow each other.
MAX_REDIRECTS = 20

#: Headers that must not come to another host than the one they were meant for.
_SECRETIVE = re.compile(r"authorization|cookie|token|secret|passw|api-?key|auth-?key", re.IGNORECASE)


class Conversation:
    """The requests of one action. Cookies are kept from one to the next, and forgotten with it."""

    def __init__(
        self,
        pool: HttpClient,
        requests: Requests,
        credentials: Credentials,
        *,
        home: httpx.URL,
        follow_redirects: bool,
    ) -> None:
        self._pool = pool
        self._requests = requests
        self._credentials = credentials
        #: The server that credentials are meant for.
        self._home = home
        self._follow_redirects = follow_redirects
        self._cookies = httpx.Cookies()

    @asynccontextmanager
    async def ask(
        self, url: httpx.URL, *, number: int = 1, extra: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The answer at the end of all redirects, its body not yet read, to the request `number` of the action."""
        async with self._pool.at(url) as client:
            response = await self._answer(client, url, number, extra or {})
            try:
                yield response
            finally:
                await response.aclose()

    async def _answer(
        self, client: httpx.AsyncClient, url: httpx.URL, number: int, extra: Mapping[str, str]
    ) -> httpx.Response:
        own = await self._credentials.headers()
        response = await self._follow(client, self._requests.build(url, number=number, extra={**own, **extra}))
        if response.status_code == httpx.codes.UNAUTHORIZED and await self._credentials.renew():
            await drain(response)
            own = await self._credentials.headers()
            response = await self._follow(client, self._requests.build(url, number=number, extra={**own, **extra}))
        return response

    async def _follow(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        response = await self._send(client, request)
        self._pool.learn(request.url, response)
        for _ in range(MAX_REDIRECTS):
            following = response.next_request if self._follow_redirects else None
            if following is None:
                return response
            await drain(response)
            response = await self._send(client, following)
        await response.aclose()
        message = f"{request.method} {shown(request.url)} was redirected more than {MAX_REDIRECTS} times"
        raise ActionError(ErrorKind.PERMANENT, "too_many_redirects", message)

    async def _send(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        if not same_origin(self._home, request.url):
            # httpx leaves out `Authorization` where a redirect leads to another host; keys have other names, too.
            for name in [name for name in request.headers if _SECRETIVE.search(name)]:
                del request.headers[name]
        if self._cookies and "Cookie" not in request.headers:
            self._cookies.set_cookie_header(request)
        with sending(request):
            response = await client.send(request, stream=True, follow_redirects=False)
        if "Set-Cookie" in response.headers:
            self._cookies.extract_cookies(response)
        return response


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether both are one server; the same host by TLS instead of without is one."""
    if one.host != other.host:
        return False
    if (one.scheme, one.port) == (other.scheme, other.port):
        return True
    return (one.scheme, other.scheme) == ("http", "https") and one.port is None and other.port is None
