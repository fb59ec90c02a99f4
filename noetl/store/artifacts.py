"""Artifacts: what is large in the data of events, kept beside the log under the digest of its content.

When a batch is written its large values are set aside, and references stand for them; when it is read they come back.
Knows no place where they are kept. `Fetch` is all that a store needs for reading: a folder, a table, a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from noetl.errors import StoreError
from noetl.model.event import Event

#: What is larger than this many bytes is set aside.
LIMIT = 64 * 1024

#: The content with this digest. Raises LookupError where there is none.
Fetch = Callable[[str], bytes]

#: The key by which a reference is known: `{"$artifact": DIGEST, "size": BYTES}`. A mapping of the user's own that has
#: it is kept as `{"$artifact": null, "value": MAPPING}`.
MARK = "$artifact"

_MARK = b'"$artifact"'
_REFERENCE = re.compile(rb'"\$artifact":"([0-9a-f]{64})"')
_DIGEST = re.compile(r"[0-9a-f]{64}")

#: A value of which more parts than this are large is set aside as a whole; so is what lies deeper than the second.
_PARTS = 8
_DEEPEST = 8

#: A reference takes so many bytes: nothing smaller is worth one.
_WORTH = 256


#: No event takes fewer bytes.
_LEAST = len(msgspec.json.encode(Event("", 1, 1, "", "", "", {})))


class _Data(msgspec.Struct, frozen=True, gc=False):
    """What matters of an event here; to skip the rest is quick."""

    data: msgspec.Raw


_events = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_data = msgspec.json.Decoder(list[_Data])
_mapping = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def is_plain(text: bytes, count: int, limit: int) -> bool:
    """Whether a batch of so many events is written as it is."""
    if _MARK in text:
        return False
    # However little the others hold: nearly all batches are known to be plain without a look at their events.
    if len(text) - (count - 1) * _LEAST <= limit:
        return True
    return max(len(event.data) for event in _data.decode(text)) <= limit


def set_aside(text: bytes, limit: int = LIMIT) -> tuple[bytes, dict[str, bytes]]:
    """The batch with references for what is large in its events, and the contents by their digests, as JSON."""
    contents: dict[str, bytes] = {}
    events = _events.decode(text)
    for event in events:
        data = bytes(event["data"])
        if _MARK in data:
            data = _encode(_escaped(_decode(data)))
        if len(data) > limit:
            data = _shortened(data, limit, contents)
        event["data"] = msgspec.Raw(data)
    return _encode(events), contents


def referred(text: bytes) -> set[str]:
    """The digests of the artifacts that a batch needs, and perhaps a few that only look so."""
    return {found.decode() for found in _REFERENCE.findall(text)} if _MARK in text else set()


def restore(text: bytes, fetch: Fetch) -> bytes:
    """The batch as it was before anything was set aside. Raises StoreError, which names the event."""
    if _MARK not in text:
        return text
    events = _events.decode(text)
    for event in events:
        if _MARK in bytes(event["data"]):
            try:
                event["data"] = msgspec.Raw(_encode(_restored(_decode(event["data"]), fetch)))
            except LookupError as error:
                seq, kind, run = (_decode(event[name]) for name in ("seq", "kind", "execution_id"))
                raise StoreError(f"event {seq} ({kind}) of run '{run}' cannot be read: {error.args[0]}") from error
    return _encode(events)


def _restored(data: Any, fetch: Fetch) -> Any:
    """JSON data, in which the contents of artifacts stand as they were encoded."""
    root = [data]
    todo: list[Any] = [root]
    while todo:
        container = todo.pop()
        for key, value in list(container.items() if isinstance(container, dict) else enumerate(container)):
            if isinstance(value, dict) and MARK in value:
                value = container[key] = _original(value, fetch)
            if isinstance(value, dict | list):
                todo.append(value)
    return root[0]


def _original(value: dict[str, Any], fetch: Fetch) -> Any:
    """What a mapping with the mark stands for; for itself, where it is of an older log."""
    if len(value) == 2:
        mark = value[MARK]
        if mark is None and isinstance(value.get("value"), dict):
            return value["value"]
        if isinstance(mark, str) and _DIGEST.fullmatch(mark) and isinstance(value.get("size"), int):
            content = fetch(mark)
            # Content has no references, but may have mappings that only look so.
            return msgspec.Raw(_encode(_restored(_decode(content), fetch)) if _MARK in content else content)
    return value


def _escaped(value: Any) -> Any:
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _escaped(item) for key, item in value.items()}
    return {MARK: None, "value": inner} if MARK in value else inner


def _shortened(data: bytes, limit: int, contents: dict[str, bytes]) -> bytes:
    """The data of an event, whose largest values are set aside until the rest is small."""
    parts = _mapping.decode(data)
    if MARK in parts:
        return _kept(data, contents)
    left = len(data)
    for name in sorted(parts, key=lambda name: len(parts[name]), reverse=True):
        value = bytes(parts[name])
        if left <= limit or len(value) < _WORTH:
            break
        reduced = _reduced(value, limit, contents, _DEEPEST)
        parts[name] = msgspec.Raw(reduced)
        left -= len(value) - len(reduced)
    return _encode(parts)


def _reduced(value: bytes, limit: int, contents: dict[str, bytes], depth: int) -> bytes:
    """A value of which a few large parts are set aside where that is enough, and else the whole."""
    parts: Any = _mapping.decode(value) if value[:1] == b"{" else _list.decode(value) if value[:1] == b"[" else []
    sizes = list(map(len, parts.values() if isinstance(parts, dict) else parts))
    # The inside of an escaped mapping is not for others to look at.
    if depth == 0 or max(sizes, default=0) <= limit or (isinstance(parts, dict) and MARK in parts):
        return _kept(value, contents)
    places = parts if isinstance(parts, dict) else range(len(parts))
    large = [place for place, size in zip(places, sizes, strict=True) if size > limit]
    rest = len(value) - sum(len(parts[place]) for place in large)
    if len(large) > _PARTS or rest > limit:
        return _kept(value, contents)
    for place in large:
        parts[place] = msgspec.Raw(_reduced(bytes(parts[place]), limit, contents, depth - 1))
    return _encode(parts)


def _kept(value: bytes, contents: dict[str, bytes]) -> bytes:
    digest = sha256(value).hexdigest()
    contents[digest] = value
    return _encode({MARK: digest, "size": len(value)})
