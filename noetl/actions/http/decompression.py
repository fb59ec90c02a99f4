"""Bodies that were compressed on their way, unpacked piece by piece: a few bytes may stand for gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from noetl.errors import ActionError, ErrorKind

#: The largest piece that is unpacked at once.
_PIECE = 256 * 1024
#: With 16 added, zlib expects the header of gzip; negative, no header at all.
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS


class Decompressor(Protocol):
    """`feed` takes what came in and gives what it stands for; `finish` is told that nothing follows."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


def decompressor_for(content_encoding: str | None) -> Decompressor:
    """Raises ActionError for encodings that we do not know, and did not ask for."""
    codings = [coding for word in (content_encoding or "").split(",") if (coding := word.strip().lower())]
    found: Decompressor = _Plain()
    for coding in reversed(codings):
        if coding in ("gzip", "x-gzip"):
            found = _Chain(found, _Zlib(_GZIP))
        elif coding == "deflate":
            found = _Chain(found, _Zlib(_ZLIB))
        elif coding != "identity":
            message = f"the body is compressed by '{coding}', which was not asked for and cannot be read"
            raise ActionError(ErrorKind.PERMANENT, "bad_body", message)
    return found


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        if data:
            yield data

    def finish(self) -> None:
        pass


class _Chain:
    """What one decompressor gives is what the next one takes."""

    def __init__(self, first: Decompressor, second: Decompressor) -> None:
        self._first = first
        self._second = second

    def feed(self, data: bytes) -> Iterator[bytes]:
        for piece in self._first.feed(data):
            yield from self._second.feed(piece)

    def finish(self) -> None:
        self._first.finish()
        self._second.finish()


class _Zlib:
    """gzip, of which several may follow each other, or deflate, which some servers send without its header."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._unpacker: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            unpacker = self._unpacker_of(data)
            if unpacker is None:
                return
            yield from self._unpack(unpacker, data)
            data = unpacker.unused_data

    def _unpacker_of(self, data: bytes) -> zlib._Decompress | None:
        """What these bytes belong to; None where they come after the end."""
        if self._unpacker is None:
            if self._window == _ZLIB and data[0] & 0x0F != zlib.DEFLATED:
                self._window = _RAW
        elif not self._unpacker.eof:
            return self._unpacker
        elif self._window != _GZIP or not data.strip(b"\0"):
            # Zeros are padding.
            return None
        self._unpacker = zlib.decompressobj(self._window)
        return self._unpacker

    def _unpack(self, unpacker: zlib._Decompress, data: bytes) -> Iterator[bytes]:
        try:
            piece = unpacker.decompress(data, _PIECE)
            while piece:
                yield piece
                # Behind its end it would take the rest for its own again and again.
                piece = b"" if unpacker.eof else unpacker.decompress(unpacker.unconsumed_tail, _PIECE)
        except zlib.error as error:
            raise _broken(str(error)) from error

    def finish(self) -> None:
        if self._unpacker is not None and not self._unpacker.eof:
            raise _broken("it ends in the middle")


def _broken(reason: str) -> ActionError:
    return ActionError(ErrorKind.PERMANENT, "bad_body", f"the body claims to be compressed, and is not: {reason}")
