"""`save_to`: a file that is whole or not there, and a download that goes on where it broke off."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest
from asking import Asking, asking, play
from web import Answering, Asked, answer_of, chunked, serving, then_close

from noetl.errors import ActionError, ErrorKind

WHOLE = bytes(range(256)) * 4000
HALF = len(WHOLE) // 2


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_the_body_becomes_a_file(tmp_path: Path) -> None:
    async with serving({"/": answer_of(body=WHOLE, type="image/png")}) as web, asking(tmp_path) as ask:
        outcome = await ask(web.url(), save_to="out/deep/picture.png")
    path = tmp_path / "out/deep/picture.png"
    assert path.read_bytes() == WHOLE
    assert outcome.data == str(path)
    fields = outcome.fields
    assert (fields["file"], fields["bytes"], fields["resumed_at"], fields["status_code"]) == (
        str(path),
        len(WHOLE),
        0,
        200,
    )
    assert files_in(tmp_path) == ["out/deep/picture.png"]
    assert web.last.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        pytest.param(answer_of(), b"", id="nothing"),
        pytest.param(chunked(b"ab", b"c"), b"abc", id="chunked"),
        pytest.param(answer_of(body=gzip.compress(b"abc"), Content_Encoding="gzip"), b"abc", id="compressed all the same"),
        pytest.param(answer_of(body=b"{broken", type="application/json"), b"{broken", id="not what it claims"),
    ],
)  # fmt: skip
async def test_whatever_comes_is_what_is_saved(answer: bytes, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    async with serving({"/": answer}) as web, asking(tmp_path) as ask:
        await ask(web.url(), save_to="x")
    assert (tmp_path / "x").read_bytes() == content
    assert files_in(tmp_path) == ["x"]


FAILING: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a status": (answer_of(404, b"no"), {}, "status_code"),
    "too large, by its length": (answer_of(body=WHOLE), {"max_bytes": 1000}, "body_too_large"),
    "too large, as it comes": (chunked(WHOLE), {"max_bytes": 1000}, "body_too_large"),
    "too large, unpacked": (answer_of(body=gzip.compress(WHOLE), Content_Encoding="gzip", ETag='"a"'), {"max_bytes": "500kB"}, "body_too_large"),
    "cut": (then_close(answer_of(body=WHOLE)[:-1]), {}, "body_cut"),
    "cut, of a version that cannot be named": (then_close(answer_of(body=WHOLE, ETag='W/"a"')[:-1]), {}, "body_cut"),
    "cut, where there are no ranges": (then_close(answer_of(body=WHOLE, ETag='"a"', Accept_Ranges="none")[:-1]), {}, "body_cut"),
    "broken": (answer_of(body=gzip.compress(WHOLE)[:-20], Content_Encoding="gzip"), {}, "bad_body"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "options", "code"), [pytest.param(*case, id=name) for name, case in FAILING.items()]
)
async def test_a_failure_leaves_the_old_file_and_nothing_else(
    answer: Any, options: dict[str, Any], code: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(b"old")
    async with serving({"/": answer}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), save_to="x", **options)
    assert error.code == code
    assert (tmp_path / "x").read_bytes() == b"old"
    assert files_in(tmp_path) == ["x"]


@pytest.mark.parametrize("target", [".", "file/x"], ids=["a folder", "under a file"])
async def test_a_place_that_cannot_be_written_is_a_permanent_error(target: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    async with serving({"/": answer_of(body=WHOLE)}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), save_to=target)
    assert (error.kind, error.code, web.asked) == (ErrorKind.PERMANENT, "file_error", [])


def _from(start: int, whole: bytes = WHOLE, **headers: str) -> bytes:
    span = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
    return answer_of(206, whole[start:], Content_Range=span, **headers)


def _broken_off(**headers: str) -> Answering:
    head = answer_of(body=WHOLE, **headers)[: -len(WHOLE)]
    return then_close(head + WHOLE[:HALF])


DATE = "Wed, 21 Oct 2015 07:28:00 GMT"

RESUMED: dict[str, tuple[dict[str, str], str]] = {
    "by its tag": ({"ETag": '"v1"'}, '"v1"'),
    "by its date": ({"Last_Modified": DATE}, DATE),
    "by its tag rather than its date": ({"ETag": '"v1"', "Last_Modified": DATE}, '"v1"'),
}


@pytest.mark.parametrize(("headers", "validator"), [pytest.param(*case, id=name) for name, case in RESUMED.items()])
async def test_a_download_that_broke_off_is_completed(headers: dict[str, str], validator: str, tmp_path: Path) -> None:
    async with serving({"/": [_broken_off(**headers), _from(HALF, **headers)]}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url(), save_to="x")
        assert (error.kind, error.code) == (ErrorKind.TRANSIENT, "body_cut")
        assert not (tmp_path / "x").exists()
        outcome = await ask(web.url(), save_to="x")
    assert (web.last.headers["range"], web.last.headers["if-range"]) == (f"bytes={HALF}-", validator)
    assert (tmp_path / "x").read_bytes() == WHOLE
    assert (outcome.fields["bytes"], outcome.fields["resumed_at"]) == (len(WHOLE), HALF)
    assert files_in(tmp_path) == ["x"]


OTHER = b"another version" * 1000

ANEW: dict[str, tuple[list[bytes], int]] = {
    "another version": ([answer_of(body=OTHER, ETag='"v2"')], 2),
    "a server without ranges": ([answer_of(body=OTHER)], 2),
    "another part": ([_from(HALF - 1), answer_of(body=OTHER)], 3),
    "a part of nothing known": ([answer_of(206, b"x"), answer_of(body=OTHER)], 3),
    "a part beyond the end": ([answer_of(416, b"no", Content_Range="bytes */10"), answer_of(body=OTHER)], 3),
}


@pytest.mark.parametrize(("answers", "requests"), [pytest.param(*case, id=name) for name, case in ANEW.items()])
async def test_what_cannot_be_completed_begins_anew(answers: list[bytes], requests: int, tmp_path: Path) -> None:
    async with serving({"/": [_broken_off(ETag='"v1"'), *answers]}) as web, asking(tmp_path) as ask:
        await ask.fail(web.url(), save_to="x")
        outcome = await ask(web.url(), save_to="x")
    assert (tmp_path / "x").read_bytes() == OTHER
    assert (outcome.fields["resumed_at"], len(web.asked)) == (0, requests)
    assert files_in(tmp_path) == ["x"]


async def test_retries_complete_a_download_bit_by_bit(tmp_path: Path) -> None:
    async def a_third(asked: Asked, writer: asyncio.StreamWriter) -> None:
        start = int(asked.headers.get("range", "bytes=0-")[6:-1])
        end = min(len(WHOLE), start + len(WHOLE) // 3 + 1)
        whole = answer_of(body=WHOLE, ETag='"v1"') if start == 0 else _from(start, ETag='"v1"')
        writer.write(whole[: len(whole) - (len(WHOLE) - end)])
        await writer.drain()
        writer.close()

    async with serving({"/": a_third}) as web:
        retry = "{attempts: 5, delay: 0}"
        action = f"{{action: http, url: '{web.url()}', save_to: x, retry: {retry}, as: file}}"
        report = await play(f"steps: [{{name: A, run: [{action}]}}]\n", tmp_path)
    assert report.outputs == {"file": str(tmp_path / "x")}
    assert (tmp_path / "x").read_bytes() == WHOLE
    assert len(web.asked) == 3


async def test_a_cancelled_download_can_be_completed(tmp_path: Path) -> None:
    async def half(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(body=WHOLE, ETag='"v1"')[:-HALF])
        await writer.drain()
        await asyncio.Event().wait()

    async with serving({"/": [half, half]}) as web, asking(tmp_path) as ask:
        slow = asyncio.ensure_future(ask(web.url(), save_to="x"))
        while not any(path.suffix == ".json" for path in tmp_path.iterdir()):
            await asyncio.sleep(0.001)
        slow.cancel()
        await asyncio.wait([slow])
        (part,) = tmp_path.glob(".x.*.part")
        got = part.stat().st_size
        web.answers["/"] = _from(got, ETag='"v1"') if got else answer_of(body=WHOLE)
        await ask(web.url(), save_to="x")
    assert slow.cancelled()
    assert (tmp_path / "x").read_bytes() == WHOLE


async def test_two_who_save_the_same_do_not_disturb_each_other(tmp_path: Path) -> None:
    both = asyncio.Event()

    async def slowly(asked: Asked, writer: asyncio.StreamWriter) -> None:
        whole = answer_of(body=WHOLE, ETag='"v1"')
        writer.write(whole[:HALF])
        if len(web.asked) == 2:
            both.set()
        await both.wait()
        writer.write(whole[HALF:])
        await writer.drain()

    async with serving({"/": slowly}) as web, asking(tmp_path) as ask:
        await asyncio.gather(ask(web.url(), save_to="x"), ask(web.url(), save_to="x"))
    assert (tmp_path / "x").read_bytes() == WHOLE
    assert files_in(tmp_path) == ["x"]


async def test_a_part_of_another_url_is_left_alone(tmp_path: Path) -> None:
    async with serving({"/a": _broken_off(ETag='"v1"'), "/b": answer_of(body=OTHER)}) as web, asking(tmp_path) as ask:
        await ask.fail(web.url("/a"), save_to="x")
        await ask(web.url("/b"), save_to="x")
    assert "range" not in web.last.headers
    assert (tmp_path / "x").read_bytes() == OTHER
    assert len(list(tmp_path.glob(".x.*.part"))) == 1


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"method": "POST"}, id="a post"),
        pytest.param({"headers": {"Range": "bytes=0-99"}}, id="a range of the user's own"),
    ],
)
async def test_what_is_no_plain_get_is_never_resumed(options: dict[str, Any], tmp_path: Path) -> None:
    async with serving({"/": [_broken_off(ETag='"v1"'), answer_of(body=OTHER)]}) as web, asking(tmp_path) as ask:
        await ask.fail(web.url(), save_to="x", **options)
        assert files_in(tmp_path) == []
        await ask(web.url(), save_to="x", **options)
    assert web.last.headers.get("range") in (None, "bytes=0-99")
    assert (tmp_path / "x").read_bytes() == OTHER


async def test_a_disk_that_is_full_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")

    async def onto_the_full_disk(ask: Asking, url: str) -> ActionError:
        # What is written goes to the partial file, so that is what has to be full.
        from hashlib import sha256

        part = tmp_path / f".x.{sha256(url.encode()).hexdigest()[:8]}.part"
        part.symlink_to("/dev/full")
        return await ask.fail(url, save_to="x")

    async with serving({"/": answer_of(body=WHOLE)}) as web, asking(tmp_path) as ask:
        error = await onto_the_full_disk(ask, web.url())
    assert (error.kind, error.code) == (ErrorKind.SYSTEM, "file_error")
    assert not (tmp_path / "x").exists()
