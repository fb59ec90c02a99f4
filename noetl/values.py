"""JSON values: how Python's values cross into data, and how secrets are masked in it. Knows nothing of runs."""

from __future__ import annotations

import base64
import json
import math
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

#: Whole numbers outside cross as text: no database and few JSON readers hold them.
SMALLEST_INT, LARGEST_INT = -(2**63), 2**63 - 1

#: Modules whose values are what their text says; imported by whoever makes such a value, not by us.
_TEXTUAL_MODULES = frozenset({"uuid", "pathlib", "ipaddress"})


class _Foreign(TypeError):
    """A value that is not JSON data; `where` is its path, innermost key first."""

    def __init__(self, value: object, what: str | None = None) -> None:
        super().__init__()
        self.what = what or f"a value of type '{type(value).__qualname__}'"
        self.where: list[str | int] = []

    def sentence(self) -> str:
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in reversed(self.where))
        where = f" at '{place.lstrip('.')}'" if place else ""
        return f"{self.what}{where} cannot be turned into JSON data"


def to_json(value: object) -> Any:
    """The JSON data that a Python value stands for; the same object where it already is JSON data.

    Raises TypeError, which names the type and the place of what is not data.
    """
    try:
        return _convert(value)
    except _Foreign as foreign:
        raise TypeError(foreign.sentence()) from None
    except RecursionError:
        raise TypeError("a value that is nested too deeply, or contains itself, is not JSON data") from None


def _convert(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _unicode(value)
    if kind is int:
        return value if SMALLEST_INT <= value <= LARGEST_INT else _long(value)
    if value is None or kind is bool:
        return value
    if kind is float:
        return value if math.isfinite(value) else _not_finite(value)
    if kind is dict:
        return _mapping(value)
    if kind is list:
        return _list(value)
    return _foreign(value)


def _long(number: int) -> str:
    try:
        return str(number)
    except ValueError:
        # Python refuses to write numbers of thousands of digits.
        raise _Foreign(number, "a whole number of that many digits") from None


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        # Lone surrogates come from undecodable file names and bytes; no encoding could carry them further.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _not_finite(number: float) -> str:
    # JSON has no such number, and null would say that there was none.
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _list(values: list[Any]) -> list[Any]:
    changed: list[Any] | None = None
    for index, item in enumerate(values):
        try:
            new = _convert(item)
        except _Foreign as foreign:
            foreign.where.append(index)
            raise
        if new is not item:
            changed = values.copy() if changed is None else changed
            changed[index] = new
    return values if changed is None else changed


def _mapping(values: dict[Any, Any]) -> dict[str, Any]:
    changed: dict[str, Any] | None = None
    for key, item in values.items():
        if type(key) is not str or (not key.isascii() and _unicode(key) is not key):
            return {_key(key): _at(key, item) for key, item in values.items()}
        if type(item) is str and item.isascii():
            continue
        new = _at(key, item)
        if new is not item:
            changed = values.copy() if changed is None else changed
            changed[key] = new
    return values if changed is None else changed


def _at(key: object, item: Any) -> Any:
    try:
        return _convert(item)
    except _Foreign as foreign:
        foreign.where.append(str(key))
        raise


def _key(key: object) -> str:
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    text = _convert(key)
    if isinstance(text, (dict, list)):
        raise _Foreign(key, f"a mapping key of type '{type(key).__qualname__}'")
    return str(text)


def _foreign(value: Any) -> Any:
    for kinds, conversion in _CONVERSIONS:
        if isinstance(value, kinds):
            return conversion(value)
    kind = type(value)
    if isinstance(value, msgspec.Struct):
        return _mapping(msgspec.structs.asdict(value))
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses

        return _mapping({field.name: getattr(value, field.name) for field in dataclasses.fields(kind)})
    if any(base.__module__.partition(".")[0] in _TEXTUAL_MODULES for base in kind.__mro__):
        return str(value)
    if hasattr(kind, "keys") and hasattr(kind, "__getitem__"):
        keys = value.keys()
        return _mapping({key: value[key] for key in keys})
    if hasattr(kind, "tolist"):
        return _convert(value.tolist())
    raise _Foreign(value)


def _instant(value: datetime | time) -> str:
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _set(values: Set[Any]) -> list[Any]:
    # The order of a set differs from process to process; a run must not.
    items = _list(list(values))
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=lambda item: (type(item).__name__, str(item)))


_CONVERSIONS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (Enum, lambda value: _convert(value.value)),
    (str, lambda value: _unicode(str.__str__(value))),
    (int, lambda value: _convert(int(value))),
    (float, lambda value: _convert(float(value))),
    (Decimal, str),
    ((datetime, time), _instant),
    (date, date.isoformat),
    (timedelta, msgspec.to_builtins),
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode()),
    (Mapping, lambda value: _mapping(dict(value))),
    (Set, _set),
    ((tuple, list, range), lambda value: _list(list(value))),
)


MASK = "***"

#: What is shorter stands everywhere: a line of a key file (`---`), the base64 of a short word.
_SHORTEST = 4

# Written without the scheme, so that the search runs from one `://` to the next and stays linear.
_URL_PASSWORD = re.compile(r"""(://[^\s/:@?#'"<>]*:)([^\s/?#'"<>]+)(?=@)""")


class Masker:
    """Replaces secrets by `***` wherever they stand in data or text: as they are, and in their common encodings.

    Passwords in URLs (`scheme://user:password@`) are masked always.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        words = {word for secret in secrets for word in _words(secret)}
        forms = {form: (0, 0) for word in words for form in _encodings(word)}
        for word in words:
            forms |= {part: margins for part, margins in _base64_parts(word) if part not in forms}
        #: Each form with the characters before and after it that hold a part of the secret too.
        self._forms = forms
        self._shortest = min(map(len, forms), default=0)
        # Data with a lone surrogate cannot be encoded and is walked, so a form with one needs no needle.
        encodable = (form for form in self._forms if _unicode(form) is form)
        self._needles = tuple(msgspec.json.encode(form)[1:-1] for form in encodable)
        self._numbers = frozenset(word for word in words if word.lstrip("-")[:1].isdigit())

    def text(self, text: str) -> str:
        """The text with every secret masked; the same object when there is none."""
        if self._forms and len(text) >= self._shortest:
            found = [form for form in self._forms if form in text]
            if found:
                text = _cover(text, {form: self._forms[form] for form in found})
        if "://" in text and "@" in text:
            masked = _URL_PASSWORD.sub(rf"\1{MASK}", text)
            return text if masked == text else masked
        return text

    def mask(self, value: Any) -> Any:
        """JSON data with every secret masked, in keys too; the same object when there is none."""
        if type(value) is str:
            return self.text(value)
        if isinstance(value, (dict, list, tuple)):
            return self._deep(value) if self._suspicious(value) else value
        return self._scalar(value)

    def _suspicious(self, value: Any) -> bool:
        # One encoding and a few searches in C cost a tenth of a walk over the data, and nearly all data is clean.
        try:
            encoded = msgspec.json.encode(value)
        except (TypeError, ValueError, OverflowError):
            return True
        if b"://" in encoded:
            return True
        if len(encoded) >= self._shortest:
            for needle in self._needles:
                if needle in encoded:
                    return True
        return False

    def _deep(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, (list, tuple)):
            masked = [self._deep(item) for item in value]
            same = all(new is old for new, old in zip(masked, value, strict=True))
            return value if same else tuple(masked) if isinstance(value, tuple) else masked
        return self._scalar(value)

    def _mapping(self, values: dict[Any, Any]) -> dict[Any, Any]:
        masked: dict[Any, Any] = {}
        same = True
        for key, item in values.items():
            new_key, new = self._deep(key), self._deep(item)
            same = same and new_key is key and new is item
            while new_key in masked:
                # Two keys that held secrets must not become one.
                new_key += MASK
            masked[new_key] = new
        return values if same else masked

    def _scalar(self, value: Any) -> Any:
        is_secret = type(value) in (int, float) and self._numbers and str(value) in self._numbers
        return MASK if is_secret else value


def _cover(text: str, forms: Mapping[str, tuple[int, int]]) -> str:
    """The text with `***` for every stretch that the forms cover, overlapping or touching ones together."""
    stretches = sorted(
        (max(0, start - before), stop + after)
        for form, (before, after) in forms.items()
        for start, stop in _stretches(text, form)
    )
    parts: list[str] = []
    end = -1
    for start, stop in stretches:
        if start > end:
            parts += [text[max(end, 0) : start], MASK]
        end = max(end, stop)
    return "".join(parts) + text[end:]


def _stretches(text: str, form: str) -> Iterator[tuple[int, int]]:
    """Where the form stands in the text, overlapping occurrences as one."""
    start = text.find(form)
    while start >= 0:
        stop = start + len(form)
        following = text.find(form, start + 1)
        while 0 <= following <= stop:
            stop = following + len(form)
            following = text.find(form, following + 1)
        yield start, stop
        start = following


def _words(secret: str) -> Iterator[str]:
    """The secret, and each line of one that has several (a key file): tools print them one by one."""
    if not secret.strip():
        return
    yield secret
    yield secret.strip()
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= _SHORTEST)


def _encodings(word: str) -> Iterator[str]:
    yield word
    yield repr(word)[1:-1]
    for ascii_only in (True, False):
        escaped = json.dumps(word, ensure_ascii=ascii_only)[1:-1]
        yield from (escaped, escaped.replace("/", "\\/"))
    yield from _url_quoted(word)
    yield from _shell_quoted(word)


def _url_quoted(word: str) -> Iterator[str]:
    content = _bytes(word)
    for safe in ("", "/", "!*'()", "!$&'()*+,;=:@", "!$&'()*+,;=:@/?"):
        for encoded in (quote(content, safe=safe), quote_plus(content, safe=safe)):
            yield encoded
            yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)


def _shell_quoted(word: str) -> Iterator[str]:
    yield shlex.quote(word).strip("'") or word
    yield word.replace("'", "'\\''")
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", word)
    yield re.sub(r"([\"$`\\])", r"\\\1", word)


def _base64_parts(word: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """What of the base64 of a text that holds the word depends on the word alone, for each place modulo 3.

    With each part comes how many characters before and after it depend on the word and its neighbours together.
    """
    content = _bytes(word)
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content).decode().rstrip("=")
        after = 0 if (before + len(content)) % 3 == 0 else 1
        part = encoded[(0, 2, 3)[before] : len(encoded) - after]
        if len(part) >= _SHORTEST:
            yield part, (min(before, 1), after)
            yield part.replace("+", "-").replace("/", "_"), (min(before, 1), after)


def _bytes(word: str) -> bytes:
    try:
        return word.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return word.encode("utf-8", "surrogatepass")
