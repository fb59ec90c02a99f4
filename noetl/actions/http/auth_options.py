"""The keys of `auth` and `client_cert`. Knows nothing of httpx."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Basic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user and a password."""

    username: Annotated[str, Meta(description="The name of the user.")]
    password: Annotated[str, Meta(description="The password.")] = ""

    def __post_init__(self) -> None:
        if ":" in self.username:
            raise ValueError("a 'username' cannot hold a ':'")


class OAuth2(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OAuth 2 client credentials: the token is fetched when it is needed, kept, and renewed.

    `{token_url: "https://id.example/token", client_id: etl, client_secret: "{{ secrets.client }}", scope: orders}`
    """

    token_url: Annotated[str, Meta(description="Where tokens are given out.")]
    client_id: Annotated[str, Meta(description="The name of the client.")]
    client_secret: Annotated[str, Meta(description="Its secret.")]
    scope: Annotated[str | None, Meta(description="What is asked for: words with blanks between them.")] = None
    params: Annotated[
        dict[str, str],
        Meta(description="What the server wants beside these, such as `audience`."),
    ] = {}
    send: Annotated[
        Literal["header", "body"],
        Meta(description="How the client says who it is: by basic authentication, or in the form that it sends."),
    ] = "header"

    def __post_init__(self) -> None:
        require_url(self.token_url, "token_url")


class Auth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who asks: exactly one of the keys."""

    bearer: Annotated[str | None, Meta(description="A token, sent as `Authorization: Bearer TOKEN`.")] = None
    basic: Annotated[Basic | None, Meta(description="A user and a password.")] = None
    oauth2: Annotated[OAuth2 | None, Meta(description="OAuth 2 client credentials.")] = None

    def __post_init__(self) -> None:
        given = [key for key in ("bearer", "basic", "oauth2") if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(f"'{key}'" for key in given) or "none"
            raise ValueError(f"needs exactly one of 'bearer', 'basic' and 'oauth2', got {found}")
        if self.bearer is not None and not is_header_text(self.bearer.strip()):
            raise ValueError("'bearer' is empty, or holds what cannot stand in a header")


class ClientCert(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate by which the client proves who it is."""

    file: Annotated[str, Meta(description="The certificate, in PEM, with those that it is signed by.")]
    key: Annotated[str | None, Meta(description="Its private key; by default it stands in `file`.")] = None
    password: Annotated[str | None, Meta(description="The password of the key.")] = None


def require_url(text: str, key: str) -> None:
    """Raise ValueError where the text is no absolute URL of the web; it is not shown, since it may hold a password."""
    scheme, separator, rest = text.strip().partition("://")
    if scheme.lower() not in ("http", "https") or not separator or not rest.strip("/"):
        raise ValueError(f"'{key}' must be a URL that begins with 'http://' or 'https://', with a host")


def is_header_text(text: str) -> bool:
    """Whether the text can be the value of a header."""
    return bool(text) and not any(character in text for character in "\r\n\0")
