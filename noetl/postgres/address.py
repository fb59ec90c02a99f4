"""Where a Postgres server is, read from a DSN. Nothing here shows more of a DSN than the server's name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

#: What `pg_stat_activity` calls us.
APPLICATION = "noetl"
#: How long a server may take to accept a connection; `connect_timeout` in the DSN is another bound.
CONNECT_S = 30.0
#: How a DSN looks, for errors.
EXAMPLE = "postgresql://user:password@host:5432/database"
SCHEMES = ("postgres", "postgresql")
#: Keys of libpq about the socket, which asyncpg would send to the server as settings of the session.
_SOCKET_KEYS = (
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "tcp_user_timeout",
)


class BadAddressError(ValueError):
    """A DSN cannot be used; the message goes on from "the DSN", and shows nothing of it."""


@dataclass(frozen=True, slots=True)
class Address:
    """What asyncpg is given to connect, what people call the server, and what was in the query for others."""

    arguments: dict[str, Any]
    server: str
    database: str
    taken: dict[str, str]


def read_address(dsn: str, taken: Collection[str] = ()) -> Address:
    """The address in a DSN; the keys in `taken` are kept from the server. Raises BadAddressError.

    No error shows anything of it: a password that is not percent-encoded may end up in any part.
    """
    try:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query, keep_blank_values=True)
        timeout = float(query.pop("connect_timeout", [str(CONNECT_S)])[-1])
    except ValueError:
        raise BadAddressError("cannot be read") from None
    if parts.scheme not in SCHEMES:
        raise BadAddressError("does not begin with 'postgresql://'")
    if parts.netloc.count("@") > 1 or any("@" in text for text in (parts.path, parts.fragment, *query)):
        raise BadAddressError("has a '@', '/', '?' or '#' that must be percent-encoded, as it is in a password")
    for key in _SOCKET_KEYS:
        query.pop(key, None)
    found = {key: query.pop(key)[-1] for key in taken if key in query}
    query.setdefault("application_name", [APPLICATION])
    url = parts._replace(query=urlencode(query, doseq=True)).geturl()
    server = parts.netloc.rpartition("@")[2] or query.get("host", ["the local server"])[-1]
    # As libpq has it, zero is no bound.
    return Address({"dsn": url, "timeout": timeout or None}, server, parts.path.lstrip("/"), found)
