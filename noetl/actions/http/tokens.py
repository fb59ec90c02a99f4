"""OAuth 2 tokens of clients: each is fetched once for an engine, kept, and renewed before it expires."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote_plus

import httpx
import msgspec

from noetl.actions.http.auth_options import OAuth2, is_header_text
from noetl.actions.http.bodies import read
from noetl.actions.http.client import ClientSettings
from noetl.actions.http.decoding import decode
from noetl.actions.http.failures import sending, shown
from noetl.actions.http.retry_after import retry_after
from noetl.actions.http.statuses import kind_of
from noetl.errors import ActionError, ErrorKind

#: A token is renewed so long before it expires; a short-lived one when a tenth of its life is left.
_MARGIN_S = 30.0
#: An answer about a token is never as large.
_MAX_BYTES = 1024 * 1024


class TokenKey(msgspec.Struct, frozen=True):
    """Whose token it is, and how its server is reached."""

    oauth2: OAuth2
    settings: ClientSettings


class TokenSource:
    """A Resource: the token of one client. Those who ask while it is fetched wait for the same one."""

    def __init__(self, oauth2: OAuth2) -> None:
        self._oauth2 = oauth2
        self._token: str | None = None
        self._renew_at = 0.0
        self._fetching = asyncio.Lock()

    @classmethod
    async def open(cls, key: str) -> TokenSource:
        return cls(msgspec.json.decode(key, type=TokenKey).oauth2)

    async def close(self) -> None:
        self._token = None

    async def token(self, client: httpx.AsyncClient) -> str:
        async with self._fetching:
            if self._token is None or time.monotonic() >= self._renew_at:
                self._token, life_s = await _fetch(self._oauth2, client)
                self._renew_at = time.monotonic() + life_s - min(_MARGIN_S, life_s / 10)
            return self._token

    def drop(self, token: str) -> None:
        """It was refused; the next one who asks gets another, unless there is another one already."""
        if self._token == token:
            self._token = None


async def _fetch(oauth2: OAuth2, client: httpx.AsyncClient) -> tuple[str, float]:
    """A token, and for how many seconds it is good."""
    form = {"grant_type": "client_credentials", **oauth2.params}
    if oauth2.scope is not None:
        form["scope"] = oauth2.scope
    auth = None
    if oauth2.send == "body":
        form |= {"client_id": oauth2.client_id, "client_secret": oauth2.client_secret}
    else:
        # RFC 6749, 2.3.1: both are encoded as in a form.
        auth = httpx.BasicAuth(quote_plus(oauth2.client_id), quote_plus(oauth2.client_secret))
    request = client.build_request("POST", oauth2.token_url.strip(), data=form, headers={"Accept": "application/json"})
    with sending(request):
        response = await client.send(request, auth=auth, stream=True, follow_redirects=False)
    try:
        body = await read(response, bound=_MAX_BYTES)
    finally:
        await response.aclose()
    answer = _answer(response, body)
    if response.status_code != httpx.codes.OK:
        raise _refused(response, answer)
    return _read_token(response, answer)


def _answer(response: httpx.Response, body: bytes) -> dict[str, Any]:
    try:
        found = decode(body, response.headers.get("Content-Type"))
    except ActionError:
        found = None
    return found if isinstance(found, dict) else {}


def _refused(response: httpx.Response, answer: dict[str, Any]) -> ActionError:
    reason = ": ".join(str(answer[key])[:200] for key in ("error", "error_description") if answer.get(key))
    message = f"{shown(response.url)} gave no token but {response.status_code} {response.reason_phrase}".rstrip()
    details: dict[str, Any] = {"status_code": response.status_code}
    wait_s = retry_after(response.headers)
    if wait_s is not None:
        details["retry_after"] = wait_s
    return ActionError(
        kind_of(response.status_code), "token_refused", f"{message}: {reason}" if reason else message, details
    )


def _read_token(response: httpx.Response, answer: dict[str, Any]) -> tuple[str, float]:
    token = answer.get("access_token")
    if not isinstance(token, str) or not is_header_text(token):
        message = f"the answer of {shown(response.url)} has no 'access_token'"
        raise ActionError(ErrorKind.PERMANENT, "token_refused", message)
    try:
        life_s = float(answer.get("expires_in") or "inf")
    except (TypeError, ValueError):
        life_s = float("inf")
    return token, life_s
