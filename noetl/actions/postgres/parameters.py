"""JSON values as the parameters of a prepared statement: what each type takes, and what is said of what it does not.

What is simple is converted here; the rest goes through the server's own input functions, so that `tomorrow`, `1 day`, a
range or a composite type mean what they mean in SQL.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from noetl.actions.postgres.placeholders import Placed, bad_parameter
from noetl.actions.postgres.pool import Connection
from noetl.actions.postgres.values import DAY_US, EPOCH_DAYS, Date, Timestamp, TimestampTZ
from noetl.errors import ActionError

_INTEGER = re.compile(r"\s*[+-]?\d+\s*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?")
_ZONED = re.compile(_MOMENT.pattern + r"(Z|[+-]\d\d(:?\d\d)?)")
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
_INTEGER_BITS = {"int2": 16, "int4": 32, "int8": 64}


class _Mismatch(Exception):
    """The value is not one that the type takes; the text says what it takes."""


class _AskServer(Exception):
    """The value may be one that the type takes: the server knows."""


class Arguments:
    """The values of one statement, converted for it.

    `asked` says that the server must convert some, which ends an unnamed statement: it has to be prepared anew.
    """

    def __init__(self, placed: Placed, types: Sequence[asyncpg.Type]) -> None:
        if len(types) != len(placed.values):
            raise bad_parameter(
                f"the query takes {_count(len(types), 'parameter')}, but 'params' has {len(placed.values) or 'none'}"
            )
        self.values: list[Any] = []
        self._labels = placed.labels
        self._types = types
        self._open: list[int] = []
        for index, (value, type_) in enumerate(zip(placed.values, types, strict=True)):
            try:
                self.values.append(None if value is None else _convert(value, type_))
            except _AskServer:
                self.values.append(value)
                self._open.append(index)
            except _Mismatch as error:
                hint = ""
                if isinstance(value, list) and not type_.name.endswith("[]"):
                    hint = f"; a list goes into '= ANY({self._labels[index]})', not into 'IN'"
                raise self._bad(index, f"must be {error}, got {_shown(value)}{hint}") from None

    @property
    def asked(self) -> bool:
        return bool(self._open)

    async def resolve(self, connection: Connection) -> None:
        """Lets the server convert what is left to it."""
        for index in self._open:
            await self._ask(connection, index)

    async def literals(self, connection: Connection) -> list[str]:
        """The values as SQL literals with their types, for statements that take no parameters."""
        written = []
        for value, type_ in zip(self.values, self._types, strict=True):
            name = await _sql_name(connection, type_)
            quoted = await connection.fetchval(f"SELECT pg_catalog.quote_nullable($1::{name}::pg_catalog.text)", value)
            written.append(f"{quoted}::{name}")
        return written

    async def _ask(self, connection: Connection, index: int) -> None:
        type_, value = self._types[index], self.values[index]
        if type_.kind == "multirange" and isinstance(value, list):
            value = f"{{{','.join(map(str, value))}}}"
        query = f"SELECT v FROM pg_catalog.json_to_record($1) AS r(v {await _sql_name(connection, type_)})"
        try:
            self.values[index] = _encodable(await connection.fetchval(query, {"v": value}))
        except asyncpg.PostgresError as error:
            # Bad data, a broken constraint of a domain, or a malformed composite; else the value is not at fault.
            if error.sqlstate is None or error.sqlstate[:2] not in ("22", "23", "42"):
                raise
            raise self._bad(index, f"is no {type_.name}: {error.args[0]}") from error

    def _bad(self, index: int, reason: str) -> ActionError:
        return bad_parameter(f"parameter '{self._labels[index]}' {reason}")


async def _sql_name(connection: Connection, type_: asyncpg.Type) -> str:
    if type_.schema == "pg_catalog":
        element = type_.name.removesuffix("[]")
        return f'pg_catalog."{element}"' + type_.name[len(element) :]
    # An array type of a user need not be called after its element.
    return str(await connection.fetchval("SELECT pg_catalog.format_type($1, NULL)", type_.oid))


def _encodable(value: Any) -> Any:
    """What asyncpg read, as it takes it: in a list it tells a row from a dimension of the array by the tuple alone."""
    if isinstance(value, asyncpg.Record):
        return tuple(_encodable(item) for item in value.values())
    return [_encodable(item) for item in value] if isinstance(value, list) else value


def _convert(value: Any, type_: asyncpg.Type) -> Any:
    if type_.schema == "pg_catalog":
        if type_.name.endswith("[]"):
            return _array(value, type_.name[:-2])
        return _scalar(value, type_.name)
    if type_.kind == "scalar":
        # Enums and the types of extensions travel as text.
        return _text(value)
    raise _AskServer


def _scalar(value: Any, name: str) -> Any:
    convert = _CONVERTERS.get(name)
    if convert is None:
        raise _AskServer
    return convert(value)


def _array(value: Any, element: str) -> list[Any]:
    if isinstance(value, str):
        raise _AskServer
    if not isinstance(value, list):
        raise _Mismatch("a list")
    if element in ("json", "jsonb"):
        # An element may itself be a list, which must not be taken for a dimension of the array.
        return [None if item is None else msgspec.Raw(msgspec.json.encode(_json(item))) for item in value]
    return [
        None if item is None else _array(item, element) if isinstance(item, list) else _scalar(item, element)
        for item in value
    ]


def _text(value: Any) -> str:
    """As a template writes it."""
    if isinstance(value, str):
        if "\0" in value:
            raise _Mismatch("a text without the NUL character, which Postgres cannot hold")
        return value
    if isinstance(value, Decimal | float | int) and not isinstance(value, bool):
        return str(value)
    return msgspec.json.encode(value).decode()


def _integer(bits: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        number: int | None = None
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif (isinstance(value, float) and value.is_integer()) or (
            isinstance(value, str) and _INTEGER.fullmatch(value)
        ):
            number = int(value)
        if number is None:
            raise _Mismatch("an integer")
        if not -(1 << bits - 1) <= number < 1 << bits - 1:
            raise _Mismatch(f"an integer of {bits} bits")
        return number

    return convert


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _Mismatch("a number")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise _Mismatch("a number") from None


def _numeric(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _Mismatch("a number")
    try:
        # The shortest text of a float is the number that the user wrote.
        return Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise _Mismatch("a number") from None


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return value == 1
    if isinstance(value, str) and value.strip().lower() in _BOOLEANS:
        return _BOOLEANS[value.strip().lower()]
    raise _Mismatch("true or false")


def _json(value: Any) -> Any:
    """A text is JSON text, as in SQL; any other value is encoded."""
    if not isinstance(value, str):
        return value
    data = value.encode(errors="surrogatepass")
    try:
        msgspec.json.decode(data)
    except msgspec.DecodeError:
        raise _Mismatch("a value, or JSON text (the filter 'json' makes it)") from None
    return msgspec.Raw(data)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _Mismatch("base64 text")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _Mismatch("base64 text (the filter 'b64encode' makes it)") from None


def _char(value: Any) -> bytes:
    return _text(value).encode()


def _uuid(value: Any) -> UUID:
    if not isinstance(value, str):
        raise _Mismatch("a UUID as text")
    try:
        return UUID(value.strip())
    except ValueError:
        raise _Mismatch("a UUID as text") from None


def _date(value: Any) -> Date:
    if not isinstance(value, str):
        raise _Mismatch("a date as text, such as '2026-01-31'")
    if not _DATE.fullmatch(value):
        raise _AskServer
    try:
        return Date(date.fromisoformat(value).toordinal() - EPOCH_DAYS)
    except ValueError:
        raise _AskServer from None


def _timestamp(value: Any) -> Timestamp:
    return Timestamp(_microseconds(value, _MOMENT, "2026-01-31T10:00:00"))


def _timestamptz(value: Any) -> TimestampTZ:
    # Without an offset it is in the time zone of the session, which the server knows.
    return TimestampTZ(_microseconds(value, _ZONED, "2026-01-31T10:00:00Z"))


def _microseconds(value: Any, form: re.Pattern[str], example: str) -> int:
    if not isinstance(value, str):
        raise _Mismatch(f"a timestamp as text, such as '{example}'")
    if not form.fullmatch(value):
        raise _AskServer
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _AskServer from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    clock = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1_000_000 + moment.microsecond
    return (moment.toordinal() - EPOCH_DAYS) * DAY_US + clock


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _shown(value: Any) -> str:
    """The value in an error: what kind it is, and what it is when that is short."""
    if isinstance(value, dict):
        return f"a mapping of {_count(len(value), 'key')}"
    if isinstance(value, list):
        return f"a list of {_count(len(value), 'item')}"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = f"'{value}'" if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}..."


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("text", "varchar", "bpchar", "name"), _text),
    **{name: _integer(bits) for name, bits in _INTEGER_BITS.items()},
    **dict.fromkeys(("float4", "float8"), _float),
    **dict.fromkeys(("json", "jsonb"), _json),
    "numeric": _numeric,
    "bool": _bool,
    "bytea": _bytes,
    "char": _char,
    "uuid": _uuid,
    "date": _date,
    "timestamp": _timestamp,
    "timestamptz": _timestamptz,
}
