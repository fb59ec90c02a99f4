"""The headers by which an action says who asks; an OAuth 2 token is fetched for it, and renewed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Protocol

import httpx
import msgspec

from noetl.actions.base import Call
from noetl.actions.http.client import settings_of
from noetl.actions.http.options import HttpOptions
from noetl.actions.http.tokens import TokenKey, TokenSource


class Credentials(Protocol):
    """`headers` are those to send; `renew` says whether others may help where these were refused.

    `secrets` are what nobody but us knows of, and must not be shown.
    """

    @property
    def secrets(self) -> tuple[str, ...]: ...

    async def headers(self) -> Mapping[str, str]: ...

    async def renew(self) -> bool: ...


async def credentials_of(options: HttpOptions, client: httpx.AsyncClient, call: Call) -> Credentials:
    auth = options.auth
    if auth is None:
        return _Fixed({})
    if auth.bearer is not None:
        return _Fixed({"Authorization": f"Bearer {auth.bearer.strip()}"})
    if auth.basic is not None:
        pair = f"{auth.basic.username}:{auth.basic.password}".encode()
        return _Fixed({"Authorization": f"Basic {base64.b64encode(pair).decode()}"})
    assert auth.oauth2 is not None
    key = TokenKey(oauth2=auth.oauth2, settings=settings_of(options, call))
    source = await call.resource(TokenSource, msgspec.json.encode(key).decode())
    return _ByToken(source, client)


class _Fixed:
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    @property
    def secrets(self) -> tuple[str, ...]:
        return ()

    async def headers(self) -> Mapping[str, str]:
        return self._headers

    async def renew(self) -> bool:
        return False


class _ByToken:
    """A token that an engine shares; refused, it is renewed once."""

    def __init__(self, source: TokenSource, client: httpx.AsyncClient) -> None:
        self._source = source
        self._client = client
        self._token = ""
        self._seen: list[str] = []

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(self._seen)

    async def headers(self) -> Mapping[str, str]:
        self._token = await self._source.token(self._client)
        self._seen.append(self._token)
        return {"Authorization": f"Bearer {self._token}"}

    async def renew(self) -> bool:
        if len(self._seen) > 1:
            return False
        self._source.drop(self._token)
        return True
