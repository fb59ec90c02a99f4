"""What an `http` action would touch: the requests, by method and address, and the files that it reads and writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from noetl.actions.touch import Touch, file_read, file_written


def touches(options: Mapping[str, Any]) -> Iterator[Touch]:
    """The requests in the order in which they are sent; a query is not told, since it may hold anything."""
    oauth2 = (options.get("auth") or {}).get("oauth2")
    if oauth2 is not None:
        yield _request("POST", oauth2["token_url"])
    yield _request(str(options.get("method", "GET")).upper(), options["url"], paged="paginate" in options)
    yield from map(file_read, _files(options))
    if options.get("save_to") is not None:
        yield file_written(options["save_to"])
    if isinstance(options.get("proxy"), str):
        proxy = _host(options["proxy"])
        yield Touch(kind="proxy", text=f"by way of {proxy}", details={"host": proxy})


def _request(method: str, url: str, *, paged: bool = False) -> Touch:
    shown = url.split("?", 1)[0].split("#", 1)[0]
    details: dict[str, Any] = {"method": method, "host": _host(url), "path": None}
    if "://" in url:
        parts = urlsplit(shown)
        shown = f"{parts.scheme}://{_host(url)}{parts.path}"
        details["path"] = parts.path or "/"
    if paged:
        details["paged"] = True
    return Touch(kind="request", text=f"{method} {shown}{', page by page' if paged else ''}", details=details)


def _host(url: str) -> str:
    """The host, with its port, without user and password; the whole text where it has none yet."""
    return urlsplit(url.split("?", 1)[0]).netloc.rpartition("@")[2] or url


def _files(options: Mapping[str, Any]) -> Iterator[Any]:
    body = options.get("body")
    if isinstance(body, Mapping) and "file" in body:
        yield body["file"]
    files = options.get("files")
    for given in files.values() if isinstance(files, Mapping) else ():
        for part in given if isinstance(given, list) else [given]:
            if isinstance(part, str):
                yield part
            elif "file" in part:
                yield part["file"]
