"""The keys of the `http` action, with their rules. Knows nothing of httpx."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

from noetl.actions.http.auth_options import Auth, ClientCert, is_header_text, require_url
from noetl.actions.http.body_options import BodyFile, Part, Scalar
from noetl.actions.http.statuses import Statuses, read_statuses
from noetl.units import parse_size

#: How large a body may be that becomes data, unless `max_bytes` says otherwise.
MAX_BYTES = 64 * 1024 * 1024
#: How many pages there may be, unless `max_pages` says otherwise.
MAX_PAGES = 10_000

_SUCCESS = "200-299"
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BODIES = ("json", "form", "body", "files")


class Paginate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Go on from page to page; the data is the items of all pages, in order.

    `next`, `items` and `until` are templates over the page: its `data`, `headers`, `links` and number `page`.
    `{next: "{{ links.next | default(none) }}"}`
    """

    next: Annotated[
        Any,
        Meta(
            description="The URL of the next page, or a mapping of the `params` that change. It is the last page where "
            "it is null or an empty text, or a mapping in which one of the values is."
        ),
    ]
    items: Annotated[
        Any,
        Meta(description="The list of a page's items; by default its data. A page without items is the last one."),
    ] = None
    until: Annotated[Any, Meta(description="A condition; the first page of which it is true is the last one.")] = None
    max_pages: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            description=f"The last page is at most this one. Without it, more than {MAX_PAGES} pages are an error: "
            "such a `next` never ends."
        ),
    ] = None


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send a request, and take the answer as data or into a file.

    `{action: http, url: "https://shop.example/orders", params: {since: "{{ day }}"}, as: orders}`
    """

    url: Annotated[str, Meta(description="Where the request goes: an absolute URL, `http` or `https`.")]
    method: Annotated[str, Meta(description="`GET` by default; in any case.")] = "GET"
    params: Annotated[
        dict[str, Scalar | list[Scalar] | None],
        Meta(description="Added to the query of the URL; a list repeats its name, null leaves it out."),
    ] = {}
    headers: Annotated[
        dict[str, Scalar | None],
        Meta(description="Headers of the request; null leaves one out."),
    ] = {}
    json: Annotated[Any, Meta(description="The body: a value, sent as JSON.")] = UNSET
    form: Annotated[
        dict[str, Scalar | list[Scalar] | None] | None,
        Meta(description="The body: the fields of a form; with `files`, those beside them."),
    ] = None
    body: Annotated[
        str | BodyFile | None,
        Meta(description="The body: a text as it stands, or `{file: PATH}`, which is streamed."),
    ] = None
    files: Annotated[
        dict[str, str | Part | list[str | Part]] | None,
        Meta(
            description="The body: a multipart form. Under each name a file (beside the playbook, or else where the "
            "run was started), or `{file, name, type}`, or `{content, name, type}`, or a list of those."
        ),
    ] = None
    auth: Annotated[
        Auth | None,
        Meta(description="Who asks: `{bearer: TOKEN}`, `{basic: {username, password}}` or `{oauth2: {...}}`."),
    ] = None
    expect: Annotated[
        int | str | list[int | str],
        Meta(
            description="The statuses that mean success: numbers, and ranges such as `200-299`, which is the default."
        ),
    ] = _SUCCESS
    follow_redirects: Annotated[
        bool,
        Meta(description="Whether to go where a redirect leads. Credentials do not go along to another host."),
    ] = True
    verify: Annotated[
        bool | str,
        Meta(description="Whether the server's certificate is checked, or the file of the authorities to trust."),
    ] = True
    client_cert: Annotated[
        ClientCert | None,
        Meta(description="A certificate of the client's own: `{file, key, password}`."),
    ] = None
    proxy: Annotated[
        str | bool | None,
        Meta(
            description="The URL of a proxy, or false for none. By default `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` "
            "and `NO_PROXY` decide."
        ),
    ] = None
    paginate: Annotated[Paginate | None, Meta(description="Go on from page to page.")] = None
    save_to: Annotated[
        str | None,
        Meta(
            description="Write the body to this file, relative to where the run was started. It appears, or is "
            "replaced, when it is whole; its folder is made if it is missing."
        ),
    ] = None
    max_bytes: Annotated[
        int | str | None,
        Meta(
            description="A larger body is an error: a number of bytes, or a size such as `10MB`, after decompression. "
            "The default is 64 MiB for data; with `save_to` there is none."
        ),
    ] = None

    def __post_init__(self) -> None:
        require_url(self.url, "url")
        if not _TOKEN.fullmatch(self.method):
            raise ValueError(f"'{self.method}' cannot be a method")
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name):
                raise ValueError(f"'{name}' cannot be the name of a header")
            if isinstance(value, str) and value and not is_header_text(value):
                raise ValueError(f"the header '{name}' cannot hold a line break")
        read_statuses(self.expect)
        self._check_max_bytes()
        if self.proxy is True:
            raise ValueError("'proxy' must be the URL of a proxy, or false for none")
        self._check_combinations()

    def _check_max_bytes(self) -> None:
        try:
            if self.max_bytes is not None and parse_size(self.max_bytes) < 1:
                raise ValueError("expected at least 1")
        except ValueError as error:
            raise ValueError(f"'max_bytes': {error}") from None

    def _check_combinations(self) -> None:
        given = [key for key in _BODIES if getattr(self, key) is not (UNSET if key == "json" else None)]
        if len(given) > 1 and given != ["form", "files"]:
            raise ValueError("only one of 'json', 'form', 'body' and 'files' can be the body (a form may have files)")
        if self.save_to is not None and self.paginate is not None:
            raise ValueError("'save_to' takes one answer, 'paginate' has many; save them one by one")
        if self.save_to is not None and not self.save_to.strip():
            raise ValueError("'save_to' is empty")
        if self.auth is not None and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("'auth' and the header 'Authorization' say the same thing twice")

    @property
    def verb(self) -> str:
        return self.method.upper()

    @property
    def expected(self) -> Statuses:
        return read_statuses(self.expect)

    @property
    def bound(self) -> int | None:
        """How many bytes a body may have; None without a bound."""
        if self.max_bytes is not None:
            return parse_size(self.max_bytes)
        return MAX_BYTES if self.save_to is None else None
