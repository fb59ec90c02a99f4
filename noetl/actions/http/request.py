"""The requests that an action's options describe."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import httpx
import msgspec

from noetl.actions.base import Call
from noetl.actions.files import find_file, touching
from noetl.actions.http.body_options import BodyFile, Part, Scalar
from noetl.actions.http.options import HttpOptions
from noetl.errors import ActionError, ErrorKind

#: Methods that change nothing, so that doing it twice needs no key.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BLOCK = 256 * 1024
_UNKNOWN_TYPE = "application/octet-stream"
_LAST_PORT = 65535

Fields = Mapping[str, Scalar | list[Scalar] | None]


def target(options: HttpOptions, changes: Fields | None = None) -> httpx.URL:
    """The URL with its query; `changes` take the place of `params` of the same names."""
    params = _fields({**options.params, **(changes or {})})
    try:
        url = httpx.URL(options.url.strip())
    except httpx.InvalidURL:
        # No sentence of httpx's: it may show what stands in the URL.
        raise ActionError(ErrorKind.PERMANENT, "bad_url", "the 'url' cannot be read") from None
    if "%20" in url.host or " " in url.host or (url.port or 0) > _LAST_PORT:
        raise ActionError(ErrorKind.PERMANENT, "bad_url", "the 'url' has a host or port that cannot be")
    return url.copy_merge_params(params) if params else url


class Requests:
    """Builds the requests of one action, and holds the files that they send open until it is over."""

    def __init__(self, client: httpx.AsyncClient, options: HttpOptions, call: Call) -> None:
        self._client = client
        self._options = options
        self._folders = (call.folder, call.working_folder)
        self._key = call.key
        self._opened = ExitStack()

    def close(self) -> None:
        self._opened.close()

    def build(self, url: httpx.URL, *, number: int = 1, extra: Mapping[str, str] | None = None) -> httpx.Request:
        """The request number N of the action, to this URL; `extra` are headers of ours."""
        options = self._options
        headers = {name: _text(value) for name, value in options.headers.items() if value is not None}
        given = {name.lower() for name in options.headers}
        if options.verb not in _SAFE and "idempotency-key" not in given:
            # The request of another page is another request, not the same one again.
            headers["Idempotency-Key"] = self._key if number == 1 else f"{self._key}-{number}"
        body = self._body()
        kind, size = body.pop("type", None), body.pop("size", None)
        if kind is not None and "content-type" not in given:
            headers["Content-Type"] = kind
        if size is not None:
            headers["Content-Length"] = str(size)
        return self._client.build_request(options.verb, url, headers={**headers, **(extra or {})}, **body)

    def _body(self) -> dict[str, Any]:
        """The arguments of httpx, and the content type and size that it does not know."""
        options = self._options
        if options.json is not msgspec.UNSET:
            return {"content": msgspec.json.encode(options.json), "type": "application/json"}
        if isinstance(options.body, BodyFile):
            path = find_file(options.body.file, *self._folders)
            content = _FileBody(path)
            return {"content": content, "type": _type_of(path.name), "size": content.size}
        if options.body is not None:
            return {"content": options.body.encode(), "type": "text/plain; charset=utf-8"}
        form = {} if options.form is None else _fields(options.form)
        if options.files is not None:
            files = [(name, self._part(part)) for name, part in _listed(options.files)]
            return {"data": form, "files": files}
        if options.form is not None:
            return {"data": form, "type": "application/x-www-form-urlencoded"}
        return {}

    def _part(self, part: str | Part) -> tuple[str, IO[bytes] | bytes, str]:
        part = Part(file=part) if isinstance(part, str) else part
        content: IO[bytes] | bytes
        if part.file is not None:
            path = find_file(part.file, *self._folders)
            with touching(path):
                content = self._opened.enter_context(path.open("rb"))
            name = part.name or path.name
        else:
            text = part.content if isinstance(part.content, str) else msgspec.json.encode(part.content).decode()
            content, name = text.encode(), part.name or ""
        return name, content, part.type or _type_of(name)


def _type_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or _UNKNOWN_TYPE


def _listed(files: Mapping[str, str | Part | list[str | Part]]) -> Iterator[tuple[str, str | Part]]:
    for name, parts in files.items():
        for part in parts if isinstance(parts, list) else [parts]:
            yield name, part


def _fields(fields: Fields) -> dict[str, str | list[str]]:
    return {
        name: [_text(item) for item in value] if isinstance(value, list) else _text(value)
        for name, value in fields.items()
        if value is not None
    }


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _FileBody:
    """A file that is sent block by block, as often as it is asked for: a redirect may want it again."""

    def __init__(self, path: Path) -> None:
        with touching(path):
            self.size = path.stat().st_size
        self._path = path

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with touching(self._path), self._path.open("rb") as file:
            while block := await asyncio.to_thread(file.read, _BLOCK):
                yield block
