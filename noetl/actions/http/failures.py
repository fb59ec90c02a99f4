"""What httpx says of a failure, as ActionErrors with codes of our own. Never shows a password or the query of a URL."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from noetl.errors import ActionError, ErrorKind

#: What h11 and httpcore say of a server that hung up before it answered.
_HUNG_UP = ("disconnected", "ConnectionTerminated", "StreamReset", "GOAWAY")


def shown(url: httpx.URL) -> str:
    """A URL as an error calls it: without user, password, query and fragment."""
    port = "" if url.port is None else f":{url.port}"
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}{port}{url.path}"


@contextmanager
def sending(request: httpx.Request) -> Iterator[None]:
    """Turns what fails until the answer begins into ActionErrors."""
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
        raise _not_answered(request, error) from error


@contextmanager
def receiving(request: httpx.Request) -> Iterator[None]:
    """Turns what fails while the body comes in into ActionErrors."""
    try:
        yield
    except httpx.HTTPError as error:
        message = f"the body of the answer of {shown(request.url)} was cut off: {_reason(error)}"
        raise ActionError(ErrorKind.TRANSIENT, "body_cut", message) from error


def _not_answered(request: httpx.Request, error: Exception) -> ActionError:
    asked = f"{request.method} {shown(request.url)}"
    if isinstance(error, httpx.ConnectError):
        return _not_connected(asked, error)
    if isinstance(error, httpx.ConnectTimeout):
        message = f"{asked}: the server did not accept a connection in time"
        return ActionError(ErrorKind.TRANSIENT, "connect_timeout", message)
    if isinstance(error, httpx.ProxyError):
        return ActionError(ErrorKind.TRANSIENT, "proxy_error", f"{asked}: the proxy refused: {_reason(error)}")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ActionError(ErrorKind.PERMANENT, "bad_url", f"{asked}: no such URL can be asked")
    if isinstance(error, httpx.LocalProtocolError):
        return ActionError(ErrorKind.PERMANENT, "bad_request", f"{asked}: this cannot be sent: {_reason(error)}")
    if isinstance(error, httpx.RemoteProtocolError) and not any(word in str(error) for word in _HUNG_UP):
        return ActionError(ErrorKind.PERMANENT, "bad_response", f"{asked}: the answer is not HTTP: {_reason(error)}")
    return ActionError(ErrorKind.TRANSIENT, "connection_lost", f"{asked}: the connection was lost: {_reason(error)}")


def _not_connected(asked: str, error: httpx.ConnectError) -> ActionError:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            # The same the next time, until somebody does something about it.
            message = f"{asked}: the server's certificate is not trusted: {cause.verify_message}"
            return ActionError(ErrorKind.PERMANENT, "tls", message)
        if isinstance(cause, ssl.SSLError):
            return ActionError(ErrorKind.TRANSIENT, "tls", f"{asked}: TLS failed: {cause.reason or cause}")
        if isinstance(cause, socket.gaierror):
            message = f"{asked}: the host has no address: {cause.strerror}"
            return ActionError(ErrorKind.TRANSIENT, "name_not_found", message)
        if isinstance(cause, ConnectionRefusedError):
            return ActionError(ErrorKind.TRANSIENT, "connection_refused", f"{asked}: nobody listens there")
        if isinstance(cause, ConnectionError):
            message = f"{asked}: the connection was lost: {_reason(cause)}"
            return ActionError(ErrorKind.TRANSIENT, "connection_lost", message)
    return ActionError(ErrorKind.TRANSIENT, "connection_failed", f"{asked}: no connection: {_reason(error)}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came of, those of several attempts to connect too."""
    todo = [error]
    seen: set[int] = set()
    while todo:
        found = todo.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        todo += [cause for cause in (found.__context__, found.__cause__) if cause is not None]
        if isinstance(found, BaseExceptionGroup):
            todo += found.exceptions


def _reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
            return os.strerror(cause.errno)
    return str(error).strip().rstrip(".") or type(error).__name__
