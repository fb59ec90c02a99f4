"""Carries out one `http` action: one request whose answer is data or a file, or one request for each page."""

from __future__ import annotations

from contextlib import closing
from time import perf_counter
from typing import Any

import httpx

from noetl.actions.base import Call, Outcome
from noetl.actions.http.answers import fields_of, refusal
from noetl.actions.http.bodies import read
from noetl.actions.http.client import open_client
from noetl.actions.http.conversation import Conversation
from noetl.actions.http.credentials import credentials_of
from noetl.actions.http.decoding import decode
from noetl.actions.http.options import MAX_BYTES, HttpOptions
from noetl.actions.http.pagination import Page, all_pages
from noetl.actions.http.request import Requests, target
from noetl.actions.http.saving import save
from noetl.errors import ActionError
from noetl.values import Masker, to_json

#: Statuses whose answers have no body, whatever their headers say.
_BODILESS = frozenset({204, 205, 304})


async def execute(options: HttpOptions, call: Call) -> Outcome:
    url = target(options)
    pool = await open_client(options, call)
    credentials = await credentials_of(options, pool.shared, call)
    with closing(Requests(pool.shared, options, call)) as requests:
        conversation = Conversation(pool, requests, credentials, home=url, follow_redirects=options.follow_redirects)
        try:
            outcome = await _carry_out(options, call, conversation, url)
        except ActionError as error:
            raise _masked_error(error, credentials.secrets) from error
    return _masked(outcome, credentials.secrets)


async def _carry_out(options: HttpOptions, call: Call, conversation: Conversation, url: httpx.URL) -> Outcome:
    if options.save_to is not None:
        return await save(options, call, conversation, url)
    fetching = _Fetching(options, conversation)
    if options.paginate is not None:
        items, fields = await all_pages(options, call, fetching.page)
        return Outcome(data=items, fields=fields)
    page = await fetching.page(url, 1)
    return Outcome(data=page.data, fields=page.fields)


class _Fetching:
    """Gets pages, whose bodies together are within the bound."""

    def __init__(self, options: HttpOptions, conversation: Conversation) -> None:
        self._expected = options.expected
        self._bound = options.bound or MAX_BYTES
        self._conversation = conversation
        self._size = 0

    async def page(self, url: httpx.URL, number: int) -> Page:
        started = perf_counter()
        async with self._conversation.ask(url, number=number) as response:
            if response.status_code not in self._expected:
                raise await refusal(response, self._expected, perf_counter() - started)
            body = await read(response, bound=self._bound, start=self._size)
        self._size += len(body)
        links = {rel: link["url"] for rel, link in response.links.items() if rel is not None}
        fields = fields_of(response, perf_counter() - started)
        return Page(data=_data(response, body), fields=fields, links=links, url=response.url)


def _data(response: httpx.Response, body: bytes) -> Any:
    if response.request.method == "HEAD" or response.status_code in _BODILESS:
        return None
    return decode(body, response.headers.get("Content-Type"))


def _masked(outcome: Outcome, secrets: tuple[str, ...]) -> Outcome:
    """Tokens that were fetched on the way are secrets that the run does not know of."""
    if not secrets:
        return outcome
    mask = Masker(secrets).mask
    return Outcome(data=mask(to_json(outcome.data)), fields=mask(to_json(dict(outcome.fields))))


def _masked_error(error: ActionError, secrets: tuple[str, ...]) -> ActionError:
    if not secrets:
        return error
    masker = Masker(secrets)
    return ActionError(
        error.kind,
        error.code,
        masker.text(error.message),
        masker.mask(to_json(error.details)),
        masker.mask(to_json(error.fields)),
    )
