"""From the URL of a Postgres store to where it is: a server, a schema in it, and how long an outage may last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from noetl.errors import StoreError
from noetl.postgres.address import EXAMPLE, BadAddressError, read_address

#: What an append waits for a server that is down, in seconds.
PATIENCE_S = 30.0
SCHEMA = "noetl"
EMBEDDED = "embedded"

#: The keys in the query of a URL that are ours and not the server's.
_KEYS = ("schema", "reconnect_timeout")
#: What needs no quotes in SQL, and leaves room for the name of the channel.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,49}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """`arguments` are asyncpg's, None for the embedded server; `name` is what anybody may be shown."""

    arguments: dict[str, Any] | None
    name: str
    schema: str = SCHEMA
    patience_s: float = PATIENCE_S

    @property
    def where(self) -> str:
        """As a sentence goes on."""
        return f"in {self.name}" if self.arguments is None else f"at '{self.name}'"


def read_location(url: str) -> Location:
    """Where a URL says: a DSN, `embedded` or `embedded:?schema=NAME`. Raises StoreError, which shows no password."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() == EMBEDDED:
        return _embedded(rest)
    try:
        address = read_address(url, _KEYS)
    except BadAddressError as error:
        raise StoreError(f"the URL of the event log {error}; it looks like '{EXAMPLE}'") from None
    name = f"{address.server}/{address.database}" if address.database else address.server
    return Location(arguments=address.arguments, name=name, **_own(address.taken))


def _embedded(query: str) -> Location:
    given = {key: values[-1] for key, values in parse_qs(query.removeprefix("?"), keep_blank_values=True).items()}
    if (query and not query.startswith("?")) or given.keys() - set(_KEYS):
        raise StoreError(
            f"'embedded:{query}' is not the URL of an event log; it is 'embedded' or 'embedded:?schema=NAME'"
        )
    return Location(arguments=None, name="the embedded Postgres", **_own(given))


def _own(given: dict[str, str]) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if "schema" in given:
        if not _NAME.fullmatch(given["schema"]):
            hint = "lower-case letters, digits and '_', at most 50"
            raise StoreError(f"'schema' in the URL of the event log cannot be '{given['schema']}' ({hint})")
        own["schema"] = given["schema"]
    if "reconnect_timeout" in given:
        text = given["reconnect_timeout"]
        if not (text.isascii() and text.isdecimal() and len(text) <= 6):
            raise StoreError(f"'reconnect_timeout' in the URL of the event log is a number of seconds, got '{text}'")
        own["patience_s"] = float(text)
    return own
