"""From page to page: the items of all pages, in order (language.md 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from noetl.actions.base import Call
from noetl.actions.http.options import MAX_PAGES, HttpOptions, Paginate
from noetl.actions.http.request import target
from noetl.errors import ActionError, ErrorKind, ExpressionError

OPTION = "paginate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer; `fields` are those of a result."""

    data: Any
    fields: Mapping[str, Any]
    links: Mapping[str, str]
    url: httpx.URL


Fetch = Callable[[httpx.URL, int], Awaitable[Page]]


async def all_pages(options: HttpOptions, call: Call, fetch: Fetch) -> tuple[list[Any], dict[str, Any]]:
    """The items, and the fields of the last page. `fetch` gets the page of a URL and number."""
    assert options.paginate is not None
    items: list[Any] = []
    elapsed = 0.0
    url: httpx.URL | None = target(options)
    number = 0
    while url is not None:
        number += 1
        if number > (options.paginate.max_pages or MAX_PAGES):
            message = f"there are more than {MAX_PAGES} pages; 'max_pages' sets another bound"
            raise ActionError(ErrorKind.PERMANENT, "endless_pages", message)
        page = await fetch(url, number)
        elapsed += page.fields["elapsed"]
        look = _Look(call, page, number)
        found = look.items(options.paginate)
        items += found
        is_last = not found or number == options.paginate.max_pages or look.is_last()
        url = None if is_last else look.next_url(options, url)
    return items, {**page.fields, "elapsed": round(elapsed, 6), "pages": number}


class _Look:
    """What the templates say about one page."""

    def __init__(self, call: Call, page: Page, number: int) -> None:
        self._render = call.later[OPTION]
        self._page = page
        self._number = number
        self._names = {
            "data": page.data,
            "headers": page.fields["headers"],
            "links": page.links,
            "page": number,
        }

    def items(self, paginate: Paginate) -> list[Any]:
        items = self._page.data if paginate.items is None else self._value("items")
        if items is None:
            # What some servers have in place of an empty list.
            return []
        if isinstance(items, list):
            return items
        wanted = (
            "'items' must say where in the data the list is" if paginate.items is None else "'items' must be a list"
        )
        raise self._bad_page(f"{wanted}, got {_named(items)}")

    def is_last(self) -> bool:
        return bool(self._value("until"))

    def next_url(self, options: HttpOptions, current: httpx.URL) -> httpx.URL | None:
        """None where this is the last page."""
        given = self._value("next")
        if given is None or given == "":
            return None
        if isinstance(given, str):
            found = self._joined(given)
        elif isinstance(given, dict):
            if any(value is None or value == "" for value in given.values()):
                return None
            found = self._changed(options, given)
        else:
            raise self._bad_page(f"'next' must be a URL, a mapping of params or null, got {_named(given)}")
        if found == current and options.paginate is not None and options.paginate.until is None:
            message = f"page {self._number}: 'next' gives the same request again"
            raise ActionError(ErrorKind.PERMANENT, "endless_pages", message, {"page": self._number})
        return found

    def _joined(self, given: str) -> httpx.URL:
        try:
            url = self._page.url.join(given.strip())
        except httpx.InvalidURL:
            raise self._bad_page("'next' is no URL") from None
        if url.scheme not in ("http", "https"):
            raise self._bad_page(f"'next' must be a URL of 'http' or 'https', got '{url.scheme}'")
        return url

    def _changed(self, options: HttpOptions, changes: Mapping[str, Any]) -> httpx.URL:
        for name, value in changes.items():
            if isinstance(value, dict):
                raise self._bad_page(f"'{name}' in 'next' must be a text, a number or a list, got a mapping")
        return target(options, changes)

    def _value(self, key: str) -> Any:
        try:
            return self._render(key, self._names)
        except ExpressionError as error:
            hint = "; `| default(none)` makes it the last page" if key == "next" and error.code == "undefined" else ""
            message = f"page {self._number}: '{key}': {error.message}{hint}"
            raise ActionError(ErrorKind.PERMANENT, error.code, message, {"page": self._number}) from error

    def _bad_page(self, reason: str) -> ActionError:
        return ActionError(ErrorKind.PERMANENT, "bad_page", f"page {self._number}: {reason}", {"page": self._number})


def _named(value: Any) -> str:
    if isinstance(value, dict):
        keys = ", ".join(list(value)[:10])
        return f"a mapping with the keys {keys}" if keys else "an empty mapping"
    return "a list" if isinstance(value, list) else f"'{str(value)[:100]}'"
