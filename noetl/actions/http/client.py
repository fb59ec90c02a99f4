"""The pooled connections that actions share, one pool for each way to trust, to prove oneself and to go by a proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import chain
from pathlib import Path

import httpx
import msgspec

from noetl.actions.base import Call
from noetl.actions.files import find_file
from noetl.actions.http.options import HttpOptions
from noetl.errors import ActionError, ErrorKind
from noetl.version import VERSION

#: How long a server may take to accept a connection, its TLS included. Nothing else has a bound but the action's own.
CONNECT_S = 30.0
#: How many requests to one host there are at once; others wait for their turn.
AT_ONCE = 100
_AGENT = f"noetl/{VERSION}"
#: Clients that wait for another request, at most.
_MOST_IDLE = 200
#: How long a connection is kept for the next request: servers close them themselves soon after.
_KEPT_S = 5.0


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a pool of connections another one; paths are absolute."""

    verify: bool | str = True
    cert: str | None = None
    key: str | None = None
    password: str | None = None
    proxy: str | bool | None = None


def settings_of(options: HttpOptions, call: Call) -> ClientSettings:
    cert = options.client_cert
    return ClientSettings(
        verify=options.verify if isinstance(options.verify, bool) else _path(options.verify, call),
        cert=None if cert is None else _path(cert.file, call),
        key=None if cert is None or cert.key is None else _path(cert.key, call),
        password=None if cert is None else cert.password,
        proxy=options.proxy,
    )


def _path(name: str, call: Call) -> str:
    return str(find_file(name, call.folder, call.working_folder).absolute())


Origin = tuple[str, str, int | None]


class HttpClient:
    """A Resource: the connections of httpx clients. They keep no cookies: nothing of one action may reach another.

    What speaks HTTP/2, or may, goes by one client. Otherwise each request has a client for itself as long as it is
    under way, and the next one takes it over with its connection: a client of many connections looks at all of them for
    each request, which costs more than the request.
    """

    def __init__(self, make: Callable[[bool], httpx.AsyncClient]) -> None:
        self._make = make
        self.shared = make(True)
        self._idle: dict[Origin, list[httpx.AsyncClient]] = {}
        self._slots: dict[Origin, asyncio.Semaphore] = {}
        #: Servers that have answered by TLS without HTTP/2.
        self._plain: set[Origin] = set()

    @classmethod
    async def open(cls, key: str) -> HttpClient:
        settings = msgspec.json.decode(key, type=ClientSettings)
        context = await asyncio.to_thread(_context, settings)
        try:
            return cls(partial(_client, settings, context))
        except ImportError:
            raise _bad_proxy("needs a package that is not installed: 'httpx[socks]'") from None
        except (ValueError, httpx.InvalidURL):
            # No sentence of httpx's: it may show the password of the proxy.
            raise _bad_proxy("is none; it looks like 'http://user:password@host:3128'") from None

    async def close(self) -> None:
        idle, self._idle = self._idle, {}
        for client in [self.shared, *chain.from_iterable(idle.values())]:
            await client.aclose()

    @asynccontextmanager
    async def at(self, url: httpx.URL) -> AsyncIterator[httpx.AsyncClient]:
        """The client for a request to this server, until its answer was read; it may have to wait for others."""
        origin = (url.scheme, url.host, url.port)
        async with self._slots.setdefault(origin, asyncio.Semaphore(AT_ONCE)):
            if url.scheme == "https" and origin not in self._plain:
                yield self.shared
                return
            idle = self._idle.get(origin)
            client = idle.pop() if idle else self._make(False)
            try:
                yield client
            finally:
                await self._give_back(origin, client)

    def learn(self, url: httpx.URL, response: httpx.Response) -> None:
        """What an answer tells of its server."""
        if url.scheme == "https" and response.http_version != "HTTP/2":
            self._plain.add((url.scheme, url.host, url.port))

    async def _give_back(self, origin: Origin, client: httpx.AsyncClient) -> None:
        self._idle.setdefault(origin, []).append(client)
        if sum(map(len, self._idle.values())) > _MOST_IDLE:
            oldest = next(iter(self._idle))
            clients = self._idle[oldest]
            surplus = clients.pop(0)
            if not clients:
                del self._idle[oldest]
            await surplus.aclose()


def _client(settings: ClientSettings, context: ssl.SSLContext, http2: bool) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=context,
        http2=http2,
        proxy=settings.proxy if isinstance(settings.proxy, str) else None,
        trust_env=settings.proxy is None,
        timeout=httpx.Timeout(None, connect=CONNECT_S),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=_KEPT_S),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": _AGENT, "Accept-Encoding": "gzip, deflate"},
    )


async def open_client(options: HttpOptions, call: Call) -> HttpClient:
    """The client for the requests of an action."""
    key = msgspec.json.encode(settings_of(options, call)).decode()
    return await call.resource(HttpClient, key)


def _bad_proxy(reason: str) -> ActionError:
    message = f"the URL of the proxy, in 'proxy' or the process environment, {reason}"
    return ActionError(ErrorKind.PERMANENT, "bad_proxy", message)


def _context(settings: ClientSettings) -> ssl.SSLContext:
    if isinstance(settings.verify, str):
        context = _trusting(Path(settings.verify))
    elif settings.cert is None:
        return _usual(settings.verify)
    else:
        context = httpx.create_ssl_context(verify=settings.verify)
    if settings.cert is not None:
        try:
            context.load_cert_chain(settings.cert, settings.key, lambda: settings.password or "")
        except (OSError, ValueError) as error:
            # The same the next time, and an ssl.SSLError is an OSError.
            raise _bad_certificate(settings.cert, error) from error
    return context


@cache
def _usual(verify: bool) -> ssl.SSLContext:
    """Once for a process: to read the certificates of all authorities takes longer than most requests."""
    return httpx.create_ssl_context(verify=verify)


def _trusting(authorities: Path) -> ssl.SSLContext:
    try:
        if authorities.is_dir():
            return ssl.create_default_context(capath=str(authorities))
        return ssl.create_default_context(cafile=str(authorities))
    except OSError as error:
        raise _bad_certificate(str(authorities), error) from error


def _bad_certificate(path: str, error: Exception) -> ActionError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ActionError(ErrorKind.PERMANENT, "bad_certificate", f"'{path}' cannot be used as a certificate: {reason}")
