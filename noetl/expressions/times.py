"""The filters `datetime` and `duration`: points in time and spans of it. They read no clock and no time zone files."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from noetl.expressions.errors import Refused
from noetl.expressions.limits import describe
from noetl.units import format_duration, parse_duration

_LONGEST_PATTERN = 200
# The C library reads `%1000d` as a width.
_PADDED_FIELD = r"%[-_0^#]*\d"
_OFFSET = r"([+-])(\d{2}):?(\d{2})"


def to_datetime(value: Any, format: str | None = None, parse: str | None = None, add: Any = 0, zone: Any = None) -> Any:
    """A point in time as text: ISO 8601 in UTC, or in a strftime format; `epoch` as format gives seconds.

    `value` is ISO 8601, seconds since the epoch, or text in the strptime format `parse`; without an offset it is UTC.
    `add` is a duration to move it by (`-1d`), `zone` the offset to show it in (`+02:00`).
    """
    moment = _moment(value, parse)
    try:
        moment = (moment + timedelta(seconds=_seconds(add))).astimezone(_zone(zone))
        if format is None:
            return moment.isoformat().replace("+00:00", "Z")
        if format == "epoch":
            return moment.timestamp()
        _check_pattern(format)
        return moment.strftime(format)
    except (OverflowError, OSError):
        raise Refused("the point in time is out of range") from None
    except ValueError:
        raise Refused("the format of 'datetime' is not a format of strftime") from None


def to_duration(value: Any) -> Any:
    """`duration`: text (`1h30m`) becomes seconds, seconds become text for people (`1h30m`)."""
    if isinstance(value, str):
        return _seconds(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused(f"'duration' reads text or a number of seconds, not {describe(value)}")
    try:
        return format_duration(value)
    except (OverflowError, ValueError):
        raise Refused("the number of seconds is not finite") from None


def _moment(value: Any, parse: str | None) -> datetime:
    try:
        if isinstance(value, str):
            if parse is None:
                moment = datetime.fromisoformat(value.strip())
            else:
                _check_pattern(parse)
                moment = datetime.strptime(value, parse)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        wanted = "ISO 8601" if parse is None else f"the format '{parse}'"
        raise Refused(f"the value is not a point in time in {wanted}") from None
    raise Refused(f"'datetime' reads text or a number of seconds, not {describe(value)}")


def _check_pattern(pattern: str) -> None:
    if not isinstance(pattern, str) or len(pattern) > _LONGEST_PATTERN or re.search(_PADDED_FIELD, pattern):
        raise Refused(f"a format of 'datetime' is a text of at most {_LONGEST_PATTERN} characters, without widths")


def _seconds(text: Any) -> float:
    if not isinstance(text, str):
        if isinstance(text, bool) or not isinstance(text, (int, float)):
            raise Refused(f"a duration is text or a number of seconds, not {describe(text)}")
        return text
    negative = text.lstrip().startswith("-")
    try:
        seconds = parse_duration(text.lstrip().removeprefix("-"))
    except ValueError:
        raise Refused("the text is not a duration such as '1h30m'") from None
    return -seconds if negative else seconds


def _zone(zone: Any) -> timezone:
    if zone is None or zone in ("UTC", "Z"):
        return UTC
    found = re.fullmatch(_OFFSET, zone) if isinstance(zone, str) else None
    if found is None:
        raise Refused("a zone of 'datetime' is an offset such as '+02:00'")
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(offset if found[1] == "+" else -offset)
