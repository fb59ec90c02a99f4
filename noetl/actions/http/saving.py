"""`save_to`: an answer that becomes a file, whole or not at all; what broke off is completed (RFC 9110, 14)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import aclosing, closing
from pathlib import Path
from time import perf_counter

import httpx

from noetl.actions.base import Call, Outcome
from noetl.actions.http.answers import fields_of, refusal
from noetl.actions.http.bodies import declared_length, drain, pieces
from noetl.actions.http.conversation import Conversation
from noetl.actions.http.options import HttpOptions
from noetl.actions.http.partial_file import PartialFile
from noetl.errors import ActionError, ErrorKind

#: How large a compressed body may become in a file, unless `max_bytes` says otherwise.
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
_BLOCK = 1024 * 1024
_TOLD_EVERY_S = 1.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)", re.IGNORECASE)


async def save(options: HttpOptions, call: Call, conversation: Conversation, url: httpx.URL) -> Outcome:
    """The data is the path of the file."""
    assert options.save_to is not None
    target = call.working_folder / Path(options.save_to).expanduser()
    with closing(PartialFile.open(target, str(url))) as part:
        return await _Download(options, call, conversation, url, part, target).run()


class _Download:
    def __init__(
        self,
        options: HttpOptions,
        call: Call,
        conversation: Conversation,
        url: httpx.URL,
        part: PartialFile,
        target: Path,
    ) -> None:
        self._options = options
        self._call = call
        self._conversation = conversation
        self._url = url
        self._part = part
        self._target = target
        self._started = perf_counter()

    async def run(self) -> Outcome:
        size, validator = self._part.size, self._part.validator
        if size and validator is not None and self._may_resume:
            # Where it is another version by now, the server sends all of it.
            outcome = await self._ask({"Range": f"bytes={size}-", "If-Range": validator})
            if outcome is not None:
                return outcome
        outcome = await self._ask({})
        assert outcome is not None
        return outcome

    @property
    def _may_resume(self) -> bool:
        return self._options.verb == "GET" and not any(name.lower() == "range" for name in self._options.headers)

    async def _ask(self, extra: Mapping[str, str]) -> Outcome | None:
        """None where the server cannot go on from where the part ends."""
        # A part of a compressed body is a part of nothing.
        headers = {"Accept-Encoding": "identity", **extra}
        async with self._conversation.ask(self._url, extra=headers) as response:
            status = response.status_code
            if extra and status in (httpx.codes.PARTIAL_CONTENT, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE):
                if not self._goes_on(response):
                    await drain(response)
                    return None
                return await self._receive(response, start=self._part.size)
            if status not in self._options.expected:
                raise await refusal(response, self._options.expected, self._elapsed_s)
            self._part.begin(_validator(response) if self._may_resume else None)
            return await self._receive(response, start=0)

    def _goes_on(self, response: httpx.Response) -> bool:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        return found is not None and int(found[1]) == self._part.size and not _is_packed(response)

    async def _receive(self, response: httpx.Response, *, start: int) -> Outcome:
        try:
            size = await self._write(response, start)
        except ActionError as error:
            if error.kind is not ErrorKind.TRANSIENT:
                # What is too large or broken now will be so the next time.
                self._part.discard()
            raise
        self._part.finish()
        own = {"file": str(self._target), "bytes": size, "resumed_at": start}
        return Outcome(data=str(self._target), fields={**fields_of(response, self._elapsed_s), **own})

    async def _write(self, response: httpx.Response, start: int) -> int:
        """The size of the whole."""
        bound = self._options.bound
        if bound is None and _is_packed(response):
            bound = MAX_UNPACKED_BYTES
        total = start + declared_length(response) if not _is_packed(response) else 0
        waiting: list[bytes] = []
        length, size, told_at = 0, start, time.monotonic()
        try:
            async with aclosing(pieces(response, bound=bound, start=start)) as body:
                async for piece in body:
                    waiting.append(piece)
                    length += len(piece)
                    size += len(piece)
                    if length < _BLOCK:
                        continue
                    block, waiting, length = b"".join(waiting), [], 0
                    await self._append(block)
                    if total and time.monotonic() - told_at > _TOLD_EVERY_S:
                        told_at = time.monotonic()
                        self._tell(size, total)
        finally:
            self._part.append(b"".join(waiting))
        return size

    def _tell(self, size: int, total: int) -> None:
        self._call.progress(size / total, f"{size >> 20} of {total >> 20} MiB of '{self._target.name}'")

    async def _append(self, block: bytes) -> None:
        """In a thread, to its end even where the action is cancelled: what follows must not come before it."""
        writing = asyncio.ensure_future(asyncio.to_thread(self._part.append, block))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    @property
    def _elapsed_s(self) -> float:
        return perf_counter() - self._started


def _is_packed(response: httpx.Response) -> bool:
    encoding: str = response.headers.get("Content-Encoding", "identity")
    return encoding.strip().lower() != "identity"


def _validator(response: httpx.Response) -> str | None:
    """By what this version can be asked for again; None where that is not possible, or the server is not sure."""
    if _is_packed(response) or response.headers.get("Accept-Ranges", "").strip().lower() == "none":
        return None
    tag: str = response.headers.get("ETag", "").strip()
    if tag:
        return None if tag.startswith("W/") else tag
    date: str | None = response.headers.get("Last-Modified")
    return date
