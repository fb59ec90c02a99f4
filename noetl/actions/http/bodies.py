"""The body of an answer, read within bounds: its pieces as they come, decompressed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import httpx

from noetl.actions.http.decompression import decompressor_for
from noetl.actions.http.failures import receiving, shown
from noetl.errors import ActionError, ErrorKind

#: So much of a body that nobody wants is read, so that its connection can be used again.
_DRAINED = 64 * 1024


async def pieces(response: httpx.Response, *, bound: int | None, start: int = 0) -> AsyncGenerator[bytes, None]:
    """The body as it comes, at most `bound` bytes after decompression, of which `start` have come before."""
    if bound is not None and start + declared_length(response) > bound:
        raise too_large(response.request, bound)
    decompressor = decompressor_for(response.headers.get("Content-Encoding"))
    size = start
    with receiving(response.request):
        async for raw in response.aiter_raw():
            for piece in decompressor.feed(raw):
                size += len(piece)
                if bound is not None and size > bound:
                    raise too_large(response.request, bound)
                yield piece
    decompressor.finish()


def declared_length(response: httpx.Response) -> int:
    """How long the body says that it is on its way, 0 where it does not say."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() and response.request.method != "HEAD" else 0


async def read(response: httpx.Response, *, bound: int, start: int = 0) -> bytes:
    """The whole body."""
    return b"".join([piece async for piece in pieces(response, bound=bound, start=start)])


async def read_beginning(response: httpx.Response, *, most: int) -> bytes:
    """The first bytes of a body that is only to be shown, whatever state it is in."""
    found = b""
    with suppress(ActionError):
        async with aclosing(pieces(response, bound=None)) as beginning:
            async for piece in beginning:
                found += piece[: most - len(found)]
                if len(found) == most:
                    break
    return found


async def drain(response: httpx.Response) -> None:
    """Read what is left of a short body; the connection of a long one is closed."""
    await read_beginning(response, most=_DRAINED)
    await response.aclose()


def too_large(request: httpx.Request, bound: int) -> ActionError:
    message = f"the body of the answer of {shown(request.url)} is larger than {bound} bytes; 'max_bytes' sets the bound"
    return ActionError(ErrorKind.PERMANENT, "body_too_large", message, {"max_bytes": bound})
