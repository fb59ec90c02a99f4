"""What an answer becomes: data by its content type, fields, and bodies that are not what they claim."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from asking import asking
from web import answer_of, chunked, json_of, serving

from noetl.errors import ErrorKind

LATIN = "Grüße".encode("latin-1")
_RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW_DEFLATE = _RAW.compress(b'{"a": 1}') + _RAW.flush()
JSON = "application/json"

READ = {
    "json": (json_of({"a": [1, None, True]}), {"a": [1, None, True]}),
    "a kind of json": (answer_of(body=b"[1]", type="application/problem+json; charset=utf-8"), [1]),
    "json of old": (answer_of(body=b"[1]", type="text/json"), [1]),
    "json in utf-16": (answer_of(body=json.dumps("ü").encode("utf-16"), type=JSON), "ü"),
    "json in a charset": (answer_of(body=b'"' + LATIN + b'"', type=f"{JSON}; charset=iso-8859-1"), "Grüße"),
    "json with a byte order mark": (answer_of(body=b"\xef\xbb\xbf[1]", type=JSON), [1]),
    "json with half a pair": (answer_of(body=rb'["\ud800"]', type=JSON), ["\ud800"]),
    "json with a long number": (answer_of(body=b"123456789012345678901234567890", type=JSON), 123456789012345678901234567890),
    "no json at all": (answer_of(body=b" \n", type=JSON), None),
    "text": (answer_of(body="Grüße\n".encode(), type="text/plain"), "Grüße\n"),
    "text in a charset": (answer_of(body=LATIN, type='text/plain; charset="ISO-8859-1"'), "Grüße"),
    "text of old": (answer_of(body=LATIN, type="text/plain"), "Grüße"),
    "text with a byte order mark": (answer_of(body="Grüße".encode("utf-16"), type="text/csv"), "Grüße"),
    "xml": (answer_of(body=b"<a/>", type="application/atom+xml"), "<a/>"),
    "json lines": (answer_of(body=b"{}\n{}\n", type="application/x-ndjson"), "{}\n{}\n"),
    "an empty text": (answer_of(type="text/html"), ""),
    "without a type": (answer_of(body=b"{}"), "{}"),
    "bytes without a type": (answer_of(body=b"\xff\xfe\x00"), base64.b64encode(b"\xff\xfe\x00").decode()),
    "bytes": (answer_of(body=b"\x89PNG", type="image/png"), base64.b64encode(b"\x89PNG").decode()),
    "no content": (answer_of(204), None),
    "chunked": (chunked(b"a", b"bc", b"d" * 5000), "abc" + "d" * 5000),
    "chunked with a trailer": (chunked(b"a", end=b"0\r\nX-Sum: 1\r\n\r\n"), "a"),
    "gzip": (answer_of(body=gzip.compress(b"[1]"), type=JSON, Content_Encoding="gzip"), [1]),
    "gzip in two parts": (answer_of(body=gzip.compress(b"[1") + gzip.compress(b"]"), type=JSON, Content_Encoding="x-gzip"), [1]),
    "gzip with padding": (answer_of(body=gzip.compress(b"[1]") + bytes(8), type=JSON, Content_Encoding="gzip"), [1]),
    "gzip in chunks": (chunked(*(bytes([byte]) for byte in gzip.compress(b"abc")), Content_Encoding="gzip"), "abc"),
    "deflate": (answer_of(body=zlib.compress(b"[1]"), type=JSON, Content_Encoding="deflate"), [1]),
    "deflate without its header": (answer_of(body=RAW_DEFLATE, type=JSON, Content_Encoding="deflate"), {"a": 1}),
    "gzip of deflate": (answer_of(body=gzip.compress(zlib.compress(b"[1]")), type=JSON, Content_Encoding="deflate, gzip"), [1]),
    "not compressed": (answer_of(body=b"[1]", type=JSON, Content_Encoding="identity"), [1]),
    "until the end of the connection": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nabc", "abc"),
    "of HTTP/1.0": (b"HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nabc", "abc"),
}  # fmt: skip

UNLIKE = {
    "json": (answer_of(body=b"<html>down</html>", type=JSON), "<html>down</html>", "'application/json', but cannot be read as JSON"),
    "json that ends": (answer_of(body=b'{"a": [1', type=JSON), '{"a": [1', "cannot be read as JSON"),
    "json with NaN": (answer_of(body=b"[NaN]", type=JSON), "[NaN]", "'NaN' is no JSON"),
    "json that is too deep": (answer_of(body=b"[" * 100_000, type=JSON), "[" * 80, "nested too deeply"),
    "json of another charset": (answer_of(body=b'"' + LATIN + b'"', type=JSON), '"Gr\xfc\xdfe"', "cannot be read as JSON"),
    "text of another charset": (answer_of(body=LATIN, type="text/plain; charset=utf-8"), "Gr\xfc\xdfe", "in the charset 'utf-8', but is not"),
    "an unknown charset": (answer_of(body=b"abc", type="text/plain; charset=klingon"), "abc", "unknown charset 'klingon'"),
    "a charset that is none": (answer_of(body=b"abc", type="text/plain; charset=hex"), "abc", "unknown charset 'hex'"),
    "gzip": (answer_of(body=b"plain", type=JSON, Content_Encoding="gzip"), None, "claims to be compressed, and is not"),
    "gzip that ends": (answer_of(body=gzip.compress(b"x" * 999)[:20], Content_Encoding="gzip"), None, "it ends in the middle"),
    "what nobody asked for": (answer_of(body=b"abc", Content_Encoding="br"), None, "compressed by 'br', which was not asked for"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "data"), [pytest.param(*case, id=name) for name, case in READ.items()])
async def test_a_body_becomes_data_by_its_content_type(answer: bytes, data: Any, tmp_path: Path) -> None:
    async with serving({"/": answer}) as web, asking(tmp_path) as ask:
        assert await ask.data(web.url()) == data


@pytest.mark.parametrize(("answer", "first", "said"), [pytest.param(*case, id=name) for name, case in UNLIKE.items()])
async def test_a_body_that_is_not_what_it_claims_is_an_error(
    answer: bytes, first: str | None, said: str, tmp_path: Path
) -> None:
    async with serving({"/": answer}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url())
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "bad_body")
    assert said in error.message
    assert error.details.get("first_bytes") == first


async def test_a_result_has_the_fields_of_the_answer(tmp_path: Path) -> None:
    raw = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nX-Tag: a\r\nX-Tag: b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"
    async with serving({"/made": raw}) as web, asking(tmp_path) as ask:
        outcome = await ask(web.url("/made?x=1"), method="POST")
        fields = dict(outcome.fields)
        assert 0 < fields.pop("elapsed") < 60
        headers = {"content-length": "0", "x-tag": "a, b", "set-cookie": "a=1\nb=2"}
        assert fields == {"status_code": 201, "headers": headers, "url": web.url("/made?x=1")}


async def test_a_head_request_has_no_body(tmp_path: Path) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\nContent-Type: application/json\r\n\r\n"
    async with serving({"/": raw}) as web, asking(tmp_path) as ask:
        outcome = await ask(web.url(), method="head")
    assert (outcome.data, outcome.fields["headers"]["content-length"]) == (None, "999999999")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(answer_of(body=bytes(2001)), id="by its length"),
        pytest.param(chunked(bytes(1000), bytes(1001)), id="as it comes"),
        pytest.param(answer_of(body=gzip.compress(bytes(2001)), Content_Encoding="gzip"), id="unpacked"),
    ],
)
async def test_a_body_larger_than_max_bytes_is_a_permanent_error(answer: bytes, tmp_path: Path) -> None:
    async with serving({"/": answer}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), max_bytes="2kB")
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "body_too_large")
    assert "larger than 2000 bytes; 'max_bytes' sets the bound" in error.message


async def test_a_body_as_large_as_max_bytes_is_fine(tmp_path: Path) -> None:
    async with serving({"/": answer_of(body=b"x" * 2000)}) as web, asking(tmp_path) as ask:
        assert await ask.data(web.url(), max_bytes=2000) == "x" * 2000


async def test_parts_of_many_pieces_are_all_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(b"a" * 1_000_000) + gzip.compress(b"b" * (1 << 20)) + gzip.compress(b"c")
    answer = answer_of(body=packed, type="text/plain", Content_Encoding="gzip")
    async with serving({"/": answer}) as web, asking(tmp_path) as ask:
        assert await ask.data(web.url()) == "a" * 1_000_000 + "b" * (1 << 20) + "c"


async def test_a_few_bytes_that_stand_for_gigabytes_are_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(1 << 20)) * 70
    assert len(bomb) < 200_000
    async with serving({"/": answer_of(body=bomb, Content_Encoding="gzip")}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url())
    assert error.code == "body_too_large"
    assert "67108864 bytes" in error.message
