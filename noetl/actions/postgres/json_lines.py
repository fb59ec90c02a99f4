"""JSON lines as the text format of COPY. Knows nothing of connections or files.

Values go over as they stand in the JSON, so that no number loses a digit; Postgres reads them as it reads any text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence

import msgspec

from noetl.actions.postgres.tables import Column, bad_file

_Encoder = Callable[[bytes], bytes]
_Row = dict[str, msgspec.Raw]

_NULL = b"\\N"
_JSON_NULL = b"null"
_MISSING = msgspec.Raw(_JSON_NULL)
_INTEGERS = frozenset({"int2", "int4", "int8"})
_QUOTE, _BRACKET = ord('"'), ord("[")
#: What COPY does not read as it stands.
_SPECIAL = re.compile(rb"[\\\t\r]")
_rows = msgspec.json.Decoder(_Row)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)


class LineReader:
    """Decodes blocks of whole lines, and knows which line of the file each row is."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._lines = 0
        self._blanks: list[int] = []

    def rows(self, block: bytes) -> list[_Row]:
        first = self._lines + 1
        try:
            rows = _rows.decode_lines(block)
        except msgspec.DecodeError:
            raise self._bad_line(block, first) from None
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if lines != len(rows):
            self._blanks += [
                number for number, line in enumerate(block.removesuffix(b"\n").split(b"\n"), first) if not line.strip()
            ]
        self._lines += lines
        return rows

    def line(self, row: int) -> int:
        """The line of a row, both from 1."""
        for blank in self._blanks:
            if blank > row:
                break
            row += 1
        return row

    def _bad_line(self, block: bytes, first: int) -> Exception:
        for number, line in enumerate(block.split(b"\n"), first):
            try:
                _rows.decode_lines(line)
            except msgspec.DecodeError as error:
                return bad_file(f"'{self.file}' line {number} is not a JSON object: {error}")
        return bad_file(f"'{self.file}' is not JSON lines")


class KeyFinder:
    """Collects the keys of all rows, each with the line where it is first."""

    def __init__(self, file: str) -> None:
        self.keys: dict[str, int] = {}
        self._reader = LineReader(file)
        self._row = 0

    def take(self, block: bytes) -> None:
        known = self.keys.keys()
        for row in self._reader.rows(block):
            self._row += 1
            if not row.keys() <= known:
                line = self._reader.line(self._row)
                for key in row:
                    self.keys.setdefault(key, line)


class LineWriter:
    """Turns blocks of lines into rows of these columns; `keys` are the keys that fill them."""

    def __init__(self, file: str, keys: Sequence[str], columns: Sequence[Column]) -> None:
        self.reader = LineReader(file)
        self._fields = [(key, _encoder(column)) for key, column in zip(keys, columns, strict=True)]
        self._row = 0

    def write(self, block: bytes) -> bytes:
        rows = self.reader.rows(block)
        if not rows:
            return b""
        columns = [self._column(rows, key, encode) for key, encode in self._fields]
        self._row += len(rows)
        return b"\n".join((*map(b"\t".join, zip(*columns, strict=True)), b""))

    def _column(self, rows: Sequence[_Row], key: str, encode: _Encoder) -> list[bytes]:
        """The values of one column, in as few steps of Python as their kinds allow."""
        joined = b"\n".join([row.get(key, _MISSING) for row in rows])
        # An integer that is a float is all that makes the two differ.
        if (encode is _plain or (encode is _integer and b".0" not in joined)) and not _SPECIAL.search(joined):
            return _simple_values(joined, len(rows))
        values = joined.split(b"\n")
        try:
            return [encode(value) for value in values]
        except _BadValue as error:
            row = next(row for row, value in enumerate(values, self._row + 1) if not _fits(encode, value))
            raise bad_file(f"'{self.reader.file}' line {self.reader.line(row)}, key '{key}': {error}") from None


def _simple_values(joined: bytes, count: int) -> list[bytes]:
    quotes = joined.count(b'"')
    if quotes == 2 * count and joined[0] == joined[-1] == _QUOTE:
        texts = joined[1:-1].split(b'"\n"')
        # As many pieces as values use up all the quotes, so that every value is a text.
        if len(texts) == count:
            return texts
    values = joined.split(b"\n")
    if not quotes and _JSON_NULL not in joined:
        return values
    return [value[1:-1] if value[0] == _QUOTE else _NULL if value == _JSON_NULL else value for value in values]


def _fits(encode: _Encoder, value: bytes) -> bool:
    try:
        encode(value)
    except _BadValue:
        return False
    return True


class _BadValue(Exception):
    """A value that its column cannot take."""


def _encoder(column: Column) -> _Encoder:
    if column.is_array:
        return _array
    if column.type in ("json", "jsonb"):
        return _json
    if column.type == "bytea":
        return _bytes
    return _integer if column.type in _INTEGERS else _plain


def _plain(raw: bytes) -> bytes:
    if raw[0] == _QUOTE:
        return _escaped(_string.decode(raw).encode() if b"\\" in raw else raw[1:-1])
    return _json(raw)


def _integer(raw: bytes) -> bytes:
    # Programs that know only floats write 5.0 for 5.
    return raw[:-2] if raw.endswith(b".0") else _plain(raw)


def _json(raw: bytes) -> bytes:
    return _NULL if raw == _JSON_NULL else _escaped(raw)


def _bytes(raw: bytes) -> bytes:
    if raw == _JSON_NULL:
        return _NULL
    text = _string.decode(raw) if raw[0] == _QUOTE else ""
    if text.startswith("\\x"):
        return _escaped(text.encode())
    try:
        return b"\\\\x" + base64.b64decode("".join(text.split()), validate=True).hex().encode()
    except (binascii.Error, ValueError):
        raise _BadValue("a column of bytes takes base64 text") from None


def _array(raw: bytes) -> bytes:
    return _escaped(_array_literal(raw)) if raw[0] == _BRACKET else _plain(raw)


def _array_literal(raw: bytes) -> bytes:
    """`{1,NULL,"a b"}`"""
    return b"{" + b",".join([_element(bytes(item)) for item in _items.decode(raw)]) + b"}"


def _element(raw: bytes) -> bytes:
    if raw == _JSON_NULL:
        return b"NULL"
    if raw[0] == _BRACKET:
        return _array_literal(raw)
    text = _string.decode(raw).encode() if raw[0] == _QUOTE else raw
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _escaped(text: bytes) -> bytes:
    if not _SPECIAL.search(text) and b"\n" not in text:
        return text
    return text.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r").replace(b"\t", b"\\t")
