"""What an answer becomes: the fields of a result, or the error that its status means."""

from __future__ import annotations

from typing import Any

import httpx

from noetl.actions.http.bodies import read_beginning
from noetl.actions.http.decoding import decode
from noetl.actions.http.failures import shown
from noetl.actions.http.retry_after import retry_after
from noetl.actions.http.statuses import Statuses, kind_of
from noetl.errors import ActionError

#: So much of the body of a refusal goes into the details, and into the sentence.
_KEPT_BYTES = 16 * 1024
_SHOWN_CHARACTERS = 200


def fields_of(response: httpx.Response, elapsed_s: float) -> dict[str, Any]:
    """The fields of a result: `status_code`, `headers`, `url`, `elapsed`."""
    return {
        "status_code": response.status_code,
        "headers": headers_of(response),
        "url": str(response.url.copy_with(userinfo=b"")),
        "elapsed": round(elapsed_s, 6),
    }


def headers_of(response: httpx.Response) -> dict[str, str]:
    """By lower-case names; several of one name are one, separated by commas, cookies by line breaks."""
    return {
        name: "\n".join(response.headers.get_list(name)) if name == "set-cookie" else value
        for name, value in response.headers.items()
    }


async def refusal(response: httpx.Response, expected: Statuses, elapsed_s: float) -> ActionError:
    """The error of a status that was not expected, with what the server says about it."""
    status = response.status_code
    said = _said(await read_beginning(response, most=_KEPT_BYTES), response.headers.get("Content-Type"))
    reason = f" {response.reason_phrase}" if response.reason_phrase else ""
    message = f"{response.request.method} {shown(response.url)} answered {status}{reason}, expected {expected.text}"
    excerpt = _excerpt(said)
    details: dict[str, Any] = {"status_code": status, "body": said}
    wait_s = retry_after(response.headers)
    if wait_s is not None:
        details["retry_after"] = wait_s
    return ActionError(
        kind_of(status),
        "status_code",
        f"{message}: {excerpt}" if excerpt else message,
        details,
        fields_of(response, elapsed_s),
    )


def _said(body: bytes, content_type: str | None) -> Any:
    """The data of a refusal's body; what is cut off, or not what it claims, as text."""
    try:
        return decode(body, content_type) if body else None
    except ActionError:
        return body.decode(errors="replace")


def _excerpt(said: Any) -> str:
    """The first words of it, in one line."""
    if isinstance(said, dict):
        said = next(
            (said[key] for key in ("message", "detail", "title", "error") if isinstance(said.get(key), str)), ""
        )
    text = " ".join(said.split()) if isinstance(said, str) and not said.lstrip().startswith("<") else ""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
