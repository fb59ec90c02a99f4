"""What a body is, by its content type and charset: JSON becomes data, text a text, all else base64."""

from __future__ import annotations

import base64
import codecs
import json
from email.message import Message
from typing import Any, NoReturn

import msgspec

from noetl.errors import ActionError, ErrorKind

#: So much of a body that is not what it claims is shown.
SHOWN_BYTES = 80

#: Types that hold text although their names do not begin with `text/`.
_TEXTUAL = frozenset(
    {
        "application/ecmascript",
        "application/graphql",
        "application/javascript",
        "application/jsonl",
        "application/sql",
        "application/toml",
        "application/x-javascript",
        "application/x-ndjson",
        "application/x-sh",
        "application/x-www-form-urlencoded",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)
_TEXTUAL_SUFFIXES = ("+xml", "+yaml")
#: Byte order marks, the longer ones first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(body: bytes, content_type: str | None) -> Any:
    """The data of a body. Raises ActionError where it is not what it claims to be."""
    kind, charset = _read_type(content_type)
    if _is_json(kind):
        return _json(body, kind, charset)
    if charset is not None or _is_textual(kind):
        return _text(body, kind, charset)
    if kind:
        return base64.b64encode(body).decode()
    return _unlabelled(body)


def _read_type(content_type: str | None) -> tuple[str, str | None]:
    """The type in lower case, empty where there is none, and the charset that it names."""
    message = Message()
    message["Content-Type"] = content_type or ""
    charset = message.get_param("charset")
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind, charset.strip() if isinstance(charset, str) and charset.strip() else None


def _is_json(kind: str) -> bool:
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _is_textual(kind: str) -> bool:
    return kind.startswith("text/") or kind in _TEXTUAL or kind.endswith(_TEXTUAL_SUFFIXES)


def _json(body: bytes, kind: str, charset: str | None) -> Any:
    if not body.strip():
        # Servers that have nothing to say keep the content type that they always send.
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Slower, but it knows other encodings and half surrogate pairs, and says where it stopped.
        return _read_json(body, kind, charset)


def _read_json(body: bytes, kind: str, charset: str | None) -> Any:
    encoding = charset or json.detect_encoding(body)
    try:
        return json.loads(_decoded(body, encoding), parse_constant=_refuse_constant)
    except (ValueError, LookupError) as error:
        raise _unlike(f"'{kind}', but cannot be read as JSON: {error}", body) from error
    except RecursionError as error:
        raise _unlike(f"'{kind}', but is nested too deeply", body) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"'{name}' is no JSON")


def _text(body: bytes, kind: str, charset: str | None) -> str:
    if charset is None:
        # Without a charset, HTTP of old meant Latin-1, in which every body can be read.
        return _unclaimed(body) or body.decode("latin-1")
    try:
        return _decoded(body, charset)
    except LookupError as error:
        raise _unlike(f"'{kind}' in the unknown charset '{charset}'", body) from error
    except ValueError as error:
        raise _unlike(f"'{kind}' in the charset '{charset}', but is not", body) from error


def _decoded(body: bytes, charset: str) -> str:
    """The text, without a byte order mark. Raises LookupError or ValueError."""
    if not codecs.lookup(charset)._is_text_encoding:
        raise LookupError(charset)
    return body.decode(charset).removeprefix("\ufeff")


def _unclaimed(body: bytes) -> str | None:
    """What a text that says nothing of its encoding is by its byte order mark, or as UTF-8; else None."""
    encoding = next((encoding for mark, encoding in _MARKS if body.startswith(mark)), "utf-8")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        return None


def _unlabelled(body: bytes) -> Any:
    text = _unclaimed(body)
    return base64.b64encode(body).decode() if text is None else text


def _unlike(claim: str, body: bytes) -> ActionError:
    dots = "" if len(body) <= SHOWN_BYTES else "..."
    first = body[:SHOWN_BYTES]
    message = f"the body claims to be {claim}; it begins with {first!r}{dots}"
    return ActionError(ErrorKind.PERMANENT, "bad_body", message, {"first_bytes": first.decode("latin-1")})
