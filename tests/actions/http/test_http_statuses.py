"""Statuses: which ones are a success, what class of error the others are, and what is kept of what the server says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from asking import asking, play
from web import answer_of, json_of, serving

from noetl.errors import ErrorKind

TRANSIENT = [408, 425, 429, 500, 501, 502, 503, 504, 507, 599]
PERMANENT = [300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 413, 415, 418, 422, 426, 431, 451]


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 206, 226, 299])
async def test_a_status_of_success_is_one(status: int, tmp_path: Path) -> None:
    async with serving({"/": answer_of(status)}) as web, asking(tmp_path) as ask:
        assert (await ask(web.url())).fields["status_code"] == status


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, ErrorKind.TRANSIENT) for status in TRANSIENT),
        *((status, ErrorKind.PERMANENT) for status in PERMANENT),
    ],
)
async def test_any_other_status_is_an_error_of_its_class(status: int, kind: ErrorKind, tmp_path: Path) -> None:
    async with serving({"/a": answer_of(status)}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url("/a?key=1"))
        assert (error.kind, error.code, error.details["status_code"]) == (kind, "status_code", status)
        assert error.fields["status_code"] == status
        assert error.message == f"GET {web.url('/a')} answered {status} Some Reason, expected 200-299"


@pytest.mark.parametrize(
    ("expect", "status", "succeeds"),
    [
        pytest.param(404, 404, True, id="one"),
        pytest.param(404, 200, False, id="not that one"),
        pytest.param([200, 404], 404, True, id="several"),
        pytest.param("200-299, 404", 404, True, id="a text"),
        pytest.param(["200-204", "400-499"], 418, True, id="ranges"),
        pytest.param(["200-204", "400-499"], 205, False, id="beyond a range"),
        pytest.param("500-599", 503, True, id="failures"),
    ],
)
async def test_expect_says_which_statuses_are_a_success(
    expect: Any, status: int, succeeds: bool, tmp_path: Path
) -> None:
    async with serving({"/": json_of({"a": 1}, status)}) as web, asking(tmp_path) as ask:
        if succeeds:
            assert await ask.data(web.url(), expect=expect) == (None if status == 205 else {"a": 1})
        else:
            assert (await ask.fail(web.url(), expect=expect)).details["status_code"] == status


@pytest.mark.parametrize(
    ("answer", "body", "said"),
    [
        pytest.param(json_of({"error": "no such order", "id": 7}, 404), {"error": "no such order", "id": 7}, ": no such order", id="json"),
        pytest.param(answer_of(404, b"gone\nfor good", "text/plain"), "gone\nfor good", ": gone for good", id="text"),
        pytest.param(answer_of(404, b"<h1>gone</h1>", "text/html"), "<h1>gone</h1>", "", id="html"),
        pytest.param(answer_of(404, b"{broken", "application/json"), "{broken", ": {broken", id="broken json"),
        pytest.param(answer_of(404), None, "", id="nothing"),
    ],
)  # fmt: skip
async def test_what_the_server_says_of_a_refusal_is_in_the_details(
    answer: bytes, body: Any, said: str, tmp_path: Path
) -> None:
    async with serving({"/": answer}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url())
    assert error.details == {"status_code": 404, "body": body}
    assert error.message.endswith(f"expected 200-299{said}")


async def test_of_a_long_refusal_the_beginning_is_kept(tmp_path: Path) -> None:
    async with serving({"/": answer_of(500, b"x" * 9_000_000, "text/plain")}) as web, asking(tmp_path) as ask:
        error = await ask.fail(web.url())
    assert error.details["body"] == "x" * 16384
    assert error.message.endswith(f": {'x' * 200}...")


NOW = datetime.now(UTC)

RETRY_AFTER = {
    "seconds": ({"Retry_After": "7"}, 7),
    "a date by the server's clock": (
        {
            "Retry_After": format_datetime(NOW + timedelta(days=400, seconds=90), usegmt=True),
            "Date": format_datetime(NOW + timedelta(days=400), usegmt=True),
        },
        90,
    ),
    "a date in the past": ({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    "nonsense": ({"Retry_After": "soon"}, None),
    "less than nothing": ({"Retry_After": "-5"}, None),
}


@pytest.mark.parametrize(("headers", "wait_s"), [pytest.param(*case, id=name) for name, case in RETRY_AFTER.items()])
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_read_in_both_forms(
    headers: dict[str, str], wait_s: float | None, status: int, tmp_path: Path
) -> None:
    async with serving({"/": answer_of(status, **headers)}) as web, asking(tmp_path) as ask:
        assert (await ask.fail(web.url())).details.get("retry_after") == wait_s


async def test_a_date_without_a_clock_of_the_server_is_by_ours(tmp_path: Path) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    async with serving({"/": answer_of(429, Retry_After=later)}) as web, asking(tmp_path) as ask:
        assert 500 < (await ask.fail(web.url())).details["retry_after"] <= 600


def _retrying(url: str, retry: str) -> str:
    return f"steps: [{{name: A, run: [{{action: http, url: '{url}', retry: {retry}, as: x}}]}}]\n"


async def test_a_retry_waits_as_long_as_the_server_asks(tmp_path: Path) -> None:
    answers = [answer_of(429, Retry_After="1"), json_of("done")]
    async with serving({"/": answers}) as web:
        report = await play(_retrying(web.url(), "{attempts: 2, delay: 1ms}"), tmp_path)
    assert (report.outputs, report.duration >= 1) == ({"x": "done"}, True)


async def test_max_delay_bounds_what_the_server_asks(tmp_path: Path) -> None:
    answers = [answer_of(503, Retry_After="86400"), json_of("done")]
    async with serving({"/": answers}) as web:
        report = await play(_retrying(web.url(), "{attempts: 2, delay: 1ms, max_delay: 10ms}"), tmp_path)
    assert report.outputs == {"x": "done"}


@pytest.mark.parametrize(
    ("on", "requests"),
    [
        pytest.param("[404]", 3, id="a status"),
        pytest.param("[status_code]", 3, id="the code"),
        pytest.param("[409, transient]", 1, id="others"),
    ],
)
async def test_retry_on_takes_statuses(on: str, requests: int, tmp_path: Path) -> None:
    async with serving({"/": answer_of(404)}) as web:
        await play(_retrying(web.url(), f"{{attempts: 3, delay: 1ms, on: {on}}}"), tmp_path)
    assert len(web.asked) == requests
