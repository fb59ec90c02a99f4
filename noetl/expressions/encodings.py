"""Filters between data and text: JSON, YAML, base64, digests, shell words, SQL identifiers, HTML."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import shlex
from typing import Any

import msgspec

from noetl.expressions.errors import Refused
from noetl.expressions.limits import bounded_text, describe, weigh
from noetl.expressions.text import plain, text


def to_json_text(value: Any, indent: int | None = None, sort_keys: bool = False) -> str:
    """`json`: compact unless an indent is given."""
    data = plain(value)
    if indent is None and not sort_keys:
        return bounded_text(msgspec.json.encode(data).decode())
    if indent is not None and not 0 <= indent <= 16:
        raise Refused("the indent of 'json' is a number from 0 to 16")
    separators = (",", ":") if indent is None else (",", ": ")
    return bounded_text(json.dumps(data, indent=indent, sort_keys=sort_keys, separators=separators, ensure_ascii=False))


def from_json(value: Any) -> Any:
    try:
        return msgspec.json.decode(_encoded(value, "from_json"))
    except msgspec.DecodeError as error:
        # Its messages say what is wrong at which byte, and quote nothing.
        raise Refused(f"the text is not JSON: {str(error).removeprefix('JSON is malformed: ')}") from None


def to_yaml(value: Any, indent: int = 2) -> str:
    """`yaml`: block style, keys in their own order."""
    import yaml

    if not 2 <= indent <= 9:
        raise Refused("the indent of 'yaml' is a number from 2 to 9")
    return bounded_text(
        yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True, default_flow_style=False, indent=indent)
    )


def from_yaml(value: Any) -> Any:
    """`from_yaml`: by the core rules of YAML 1.2, as the playbook itself is read."""
    from noetl.expressions.core_yaml import MalformedYaml, load

    source = _encoded(value, "from_yaml").decode()
    try:
        data = load(source)
    except MalformedYaml as error:
        raise Refused(f"the text is not YAML: {error}") from None
    # Aliases share data in memory and would be written out in full.
    weigh(data, limit=20 * len(source) + 100_000)
    return data


def _encoded(value: Any, name: str) -> bytes:
    if not isinstance(value, str):
        raise Refused(f"'{name}' reads text, not {describe(value)}")
    return value.encode("utf-8", "replace")


def b64encode(value: Any) -> str:
    return base64.b64encode(text(value).encode("utf-8", "replace")).decode()


def b64decode(value: Any) -> str:
    """`b64decode`: the ordinary and the URL alphabet, with or without padding."""
    encoded = "".join(_encoded(value, "b64decode").decode().split()).rstrip("=")
    try:
        padded = encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4)
        return base64.b64decode(padded, validate=True).decode()
    except binascii.Error:
        raise Refused("the text is not base64") from None
    except UnicodeDecodeError:
        raise Refused("what the base64 holds is not text") from None


def sha256(value: Any) -> str:
    return hashlib.sha256(text(value).encode("utf-8", "replace")).hexdigest()


def shell_word(value: Any) -> str:
    """`sh`: one word of a shell command, whatever it holds; a list becomes several."""
    if isinstance(value, (list, tuple)):
        return " ".join(shell_word(part) for part in value)
    word = text(value)
    if "\0" in word:
        raise Refused("a shell word cannot hold the NUL character")
    return shlex.quote(word)


def sql_identifier(value: Any) -> str:
    """`ident`: a quoted SQL identifier; a list is a qualified name (`['public', 'orders']`)."""
    if isinstance(value, (list, tuple)):
        return ".".join(sql_identifier(part) for part in value)
    if not isinstance(value, str) or not value:
        raise Refused(f"an SQL identifier is a text that is not empty, not {describe(value)}")
    if "\0" in value:
        raise Refused("an SQL identifier cannot hold the NUL character")
    return '"' + value.replace('"', '""') + '"'


def escape(value: Any) -> str:
    """`escape`: for HTML and XML."""
    from html import escape

    return escape(text(value))
