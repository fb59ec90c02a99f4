"""Values of Postgres as JSON, and the codecs that read them without loss. Knows nothing of parameters or options.

Dates and times are read as the server's own numbers, because Python's types know no infinity, no year before 1 or after
9999, no 24:00 and no months in an interval.
"""

from __future__ import annotations

import base64
import ipaddress
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import msgspec
from asyncpg.pgproto.pgproto import UUID

#: Types whose binary form asyncpg turns into objects or numbers of its own, where a user expects the text of psql.
_AS_TEXT = (
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "bit",
    "varbit",
    "tid",
    "pg_lsn",
    "txid_snapshot",
    "pg_snapshot",
)
#: Types whose values are JSON as they come.
_PLAIN = frozenset({"int2", "int4", "int8", "oid", "bool", "text", "varchar", "bpchar", "name", *_AS_TEXT})

EPOCH_DAYS = date(2000, 1, 1).toordinal()
DAY_US = 86_400_000_000
_CYCLE_DAYS = 146_097
_CYCLE_YEARS = 400
_MAX_INT32 = 2**31 - 1
_MAX_INT64 = 2**63 - 1
#: What may be more than a JSON reader elsewhere can hold.
_LONG_NUMBER = re.compile(rb"\d{19}")


class Date(NamedTuple):
    """Days since 2000-01-01."""

    days: int

    def __str__(self) -> str:
        if self.days in (_MAX_INT32, -_MAX_INT32 - 1):
            return "infinity" if self.days > 0 else "-infinity"
        day, era = _calendar(self.days)
        return day + era


class Time(NamedTuple):
    """Microseconds since midnight."""

    microseconds: int

    def __str__(self) -> str:
        return _clock(self.microseconds)


class TimeTZ(NamedTuple):
    """Microseconds since midnight, and seconds west of UTC."""

    microseconds: int
    offset: int

    def __str__(self) -> str:
        sign = "-" if self.offset > 0 else "+"
        minutes, seconds = divmod(abs(self.offset), 60)
        tail = f":{seconds:02}" if seconds else ""
        return f"{_clock(self.microseconds)}{sign}{minutes // 60:02}:{minutes % 60:02}{tail}"


class Timestamp(NamedTuple):
    """Microseconds since 2000-01-01."""

    microseconds: int

    def __str__(self) -> str:
        return _moment(self.microseconds, "")


class TimestampTZ(NamedTuple):
    """Microseconds since 2000-01-01 in UTC."""

    microseconds: int

    def __str__(self) -> str:
        return _moment(self.microseconds, "+00:00")


class Interval(NamedTuple):
    """Months, days and microseconds, which Postgres keeps apart."""

    months: int
    days: int
    microseconds: int

    def __str__(self) -> str:
        if self in ((_MAX_INT32, _MAX_INT32, _MAX_INT64), (-_MAX_INT32 - 1, -_MAX_INT32 - 1, -_MAX_INT64 - 1)):
            return "infinity" if self.days > 0 else "-infinity"
        years, months = _split(self.months, 12)
        minutes, microseconds = _split(self.microseconds, 60_000_000)
        hours, minutes = _split(minutes, 60)
        seconds = format(Decimal(microseconds).scaleb(-6).normalize(), "f") if microseconds else ""
        day = "".join(f"{n}{unit}" for n, unit in ((years, "Y"), (months, "M"), (self.days, "D")) if n)
        time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
        return f"P{day}T{time}" if time else f"P{day}" if day else "PT0S"


def json_value(value: Any) -> Any:
    """A value that asyncpg read, as JSON data."""
    convert = _CONVERTERS.get(type(value))
    return value if convert is None else convert(value)


def column_reader(attribute: asyncpg.Attribute) -> Callable[[Any], Any] | None:
    """What turns the values of a column into JSON; None where they are JSON as they come."""
    type_ = attribute.type
    if type_.schema != "pg_catalog":
        return json_value
    if type_.name.removesuffix("[]") == "char":
        return _char
    return None if type_.name in _PLAIN else json_value


def row_reader(attributes: Sequence[asyncpg.Attribute]) -> Callable[[asyncpg.Record], dict[str, Any]]:
    """Turns records of these columns into mappings; the names must differ."""
    names = [attribute.name for attribute in attributes]
    converted = [
        (attribute.name, convert) for attribute in attributes if (convert := column_reader(attribute)) is not None
    ]

    def read(record: asyncpg.Record) -> dict[str, Any]:
        row = dict(zip(names, record, strict=True))
        for name, convert in converted:
            row[name] = convert(row[name])
        return row

    return read


async def install_codecs(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Makes a new connection read and take values in the forms of this module."""
    for name, kind in _TUPLES.items():
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_unchanged, decoder=kind._make, format="tuple"
        )
    for name in _AS_TEXT:
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str, format="text")
    # Binary, because asyncpg cannot read a composite type that has a field in the text format.
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=msgspec.json.encode, decoder=_read_json, format="binary"
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_write_jsonb, decoder=_read_jsonb, format="binary"
    )


_TUPLES: Mapping[str, Any] = {
    "date": Date,
    "time": Time,
    "timetz": TimeTZ,
    "timestamp": Timestamp,
    "timestamptz": TimestampTZ,
    "interval": Interval,
}
#: The only version of the binary form of jsonb.
_JSONB_VERSION = b"\x01"


def _unchanged(value: Any) -> Any:
    return value


def _read_json(data: bytes) -> Any:
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError:
        # Postgres keeps the text of `json`, and allows what no JSON value can hold, such as half a surrogate pair.
        return data.decode()
    return _bounded(value) if _LONG_NUMBER.search(data) else value


def _read_jsonb(data: bytes) -> Any:
    return _read_json(data[1:])


def _write_jsonb(value: Any) -> bytes:
    return _JSONB_VERSION + msgspec.json.encode(value)


def _bounded(value: Any) -> Any:
    """The JSON value with integers beyond 64 bits as text."""
    if isinstance(value, dict):
        return {key: _bounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bounded(item) for item in value]
    if isinstance(value, int) and not -_MAX_INT64 - 1 <= value <= _MAX_INT64:
        return str(value)
    return value


def _split(amount: int, size: int) -> tuple[int, int]:
    """Whole and rest, both with the sign of the amount."""
    whole, rest = divmod(abs(amount), size)
    return (whole, rest) if amount >= 0 else (-whole, -rest)


def _calendar(days: int) -> tuple[str, str]:
    """The ISO date, and the era where it is before the year 1."""
    cycles, rest = divmod(days + EPOCH_DAYS - 1, _CYCLE_DAYS)
    day = date.fromordinal(rest + 1)
    year = day.year + cycles * _CYCLE_YEARS
    era = "" if year > 0 else " BC"
    return f"{year if year > 0 else 1 - year:04}-{day.month:02}-{day.day:02}", era


def _clock(microseconds: int) -> str:
    seconds, fraction = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    tail = f".{fraction:06}" if fraction else ""
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{tail}"


def _moment(microseconds: int, zone: str) -> str:
    if microseconds in (_MAX_INT64, -_MAX_INT64 - 1):
        return "infinity" if microseconds > 0 else "-infinity"
    days, clock = divmod(microseconds, DAY_US)
    day, era = _calendar(days)
    return f"{day}T{_clock(clock)}{zone}{era}"


def _float(value: float) -> float | str:
    # JSON has no other numbers; these are Postgres' words for them.
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _char(value: Any) -> Any:
    """The one-byte type of the catalogs, which asyncpg reads as it does `bytea`."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return [_char(item) for item in value] if isinstance(value, list) else value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _list(value: Sequence[Any]) -> list[Any]:
    return [json_value(item) for item in value]


def _record(value: asyncpg.Record) -> dict[str, Any]:
    return {name: json_value(item) for name, item in value.items()}


def _range(value: asyncpg.Range[Any]) -> str:
    """As Postgres writes it: `[1,5)`, `[2026-01-01,)`, `empty`."""
    if value.isempty:
        return "empty"
    lower, upper = (_bound(bound) for bound in (value.lower, value.upper))
    return f"{'[' if value.lower_inc else '('}{lower},{upper}{']' if value.upper_inc else ')'}"


def _bound(value: Any) -> str:
    if value is None:
        return ""
    text = str(json_value(value))
    if text and not re.search(r'[\s()\[\],"\\]', text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '""')
    return f'"{escaped}"'


#: The types whose values are not JSON as they come. Lists are of arrays, or JSON, where the walk changes nothing.
_CONVERTERS: dict[type, Callable[[Any], Any]] = {
    float: _float,
    Decimal: _decimal,
    bytes: _base64,
    UUID: str,
    list: _list,
    tuple: _list,
    asyncpg.Record: _record,
    asyncpg.Range: _range,
    **dict.fromkeys(_TUPLES.values(), str),
    **dict.fromkeys(
        (
            ipaddress.IPv4Address,
            ipaddress.IPv6Address,
            ipaddress.IPv4Interface,
            ipaddress.IPv6Interface,
            ipaddress.IPv4Network,
            ipaddress.IPv6Network,
        ),
        str,
    ),
}
