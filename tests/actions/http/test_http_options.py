"""Options that cannot be meant are refused, with a sentence that names the key."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from noetl.actions.http import HttpHandler
from noetl.actions.registry import convert_options

URL = "http://shop.example/"

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no url": ({}, "object missing required field 'url'"),
    "an empty url": ({"url": ""}, "'url' must be a URL that begins with 'http://' or 'https://', with a host"),
    "a path": ({"url": "/orders"}, "'url' must be a URL that begins with"),
    "another scheme": ({"url": "ftp://shop.example/"}, "'url' must be a URL that begins with"),
    "no host": ({"url": "http://"}, "'url' must be a URL that begins with"),
    "a method of two words": ({"method": "GET /"}, "'GET /' cannot be a method"),
    "a header of two lines": ({"headers": {"X-A": "a\r\nX-B: b"}}, "the header 'X-A' cannot hold a line break"),
    "a name of a header": ({"headers": {"X A": "a"}}, "'X A' cannot be the name of a header"),
    "a mapping as a param": ({"params": {"a": {"b": 1}}}, "'params"),
    "two bodies": ({"json": {}, "body": "x"}, "only one of 'json', 'form', 'body' and 'files' can be the body"),
    "a null and another body": ({"json": None, "body": "x"}, "only one of 'json', 'form', 'body' and 'files'"),
    "json and files": ({"json": {}, "files": {"a": "b"}}, "only one of 'json', 'form', 'body' and 'files'"),
    "a file without a content": ({"files": {"a": {"name": "x"}}}, "needs either 'file' or 'content'"),
    "a content without a name": ({"files": {"a": {"content": "x"}}}, "that has 'content' needs a 'name'"),
    "two of auth": ({"auth": {"bearer": "x", "basic": {"username": "u"}}}, "'auth': needs exactly one of 'bearer', 'basic' and 'oauth2', got 'bearer' and 'basic'"),
    "none of auth": ({"auth": {}}, "got none"),
    "an empty token": ({"auth": {"bearer": " "}}, "'bearer' is empty, or holds what cannot stand in a header"),
    "auth twice": ({"auth": {"bearer": "x"}, "headers": {"authorization": "y"}}, "say the same thing twice"),
    "a colon in a name": ({"auth": {"basic": {"username": "a:b", "password": "x"}}}, "a 'username' cannot hold a ':'"),
    "a path for tokens": ({"auth": {"oauth2": {"token_url": "/t", "client_id": "a", "client_secret": "b"}}}, "'token_url' must be a URL"),
    "a word to expect": ({"expect": "ok"}, "'expect' takes statuses from 100 to 599 and ranges such as '200-299', got 'ok'"),
    "a range backwards": ({"expect": "299-200"}, "got '299-200'"),
    "a status beyond": ({"expect": [200, 600]}, "got '600'"),
    "nothing to expect": ({"expect": []}, "'expect' is empty"),
    "a proxy that is true": ({"proxy": True}, "'proxy' must be the URL of a proxy, or false for none"),
    "pages in a file": ({"save_to": "x", "paginate": {"next": None}}, "'save_to' takes one answer, 'paginate' has many"),
    "an empty file": ({"save_to": " "}, "'save_to' is empty"),
    "no bytes": ({"max_bytes": 0}, "'max_bytes': expected at least 1"),
    "a size that is none": ({"max_bytes": "much"}, "'max_bytes': expected a size such as '64KiB', got 'much'"),
    "an unknown key": ({"header": {}}, "unknown field 'header'"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "said"), [pytest.param(*case, id=name) for name, case in WRONG.items()])
def test_wrong_options_are_refused(options: dict[str, Any], said: str) -> None:
    given = options if not options or "url" in options else {"url": URL, **options}
    with pytest.raises(ValueError, match=r".") as caught:
        convert_options(HttpHandler(), given)
    assert said in str(caught.value)


def test_a_password_in_a_wrong_url_is_not_shown() -> None:
    with pytest.raises(ValueError, match="'url'") as caught:
        convert_options(HttpHandler(), {"url": "htp://user:passw0rd@x/"})
    assert "passw0rd" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"expect": "404"},
        {"expect": 404},
        {"expect": ["200-299", 404]},
        {"form": {"a": 1}, "files": {"b": "c"}},
        {"json": None},
        {"proxy": False},
        {"max_bytes": "1.5MiB"},
    ],
)
def test_right_options_are_accepted(options: dict[str, Any]) -> None:
    convert_options(HttpHandler(), {"url": URL, **options})


def test_httpx_is_imported_when_an_action_runs_and_not_before() -> None:
    code = (
        "import sys, noetl\n"
        "from noetl.actions.registry import Registry, shape_of\n"
        "shape_of(Registry().get('http'))\n"
        "assert not {'httpx', 'httpcore', 'h2', 'anyio', 'ssl'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
