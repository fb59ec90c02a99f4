"""`Retry-After`: when a server wants to be asked again, as seconds or as a date."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now; None where the server does not say, or what it says is neither form."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else None
    moment = _moment(text)
    if moment is None:
        return None
    # By the clock of the server, where it tells its time: ours may be wrong.
    now = _moment(headers.get("Date", "")) or datetime.now(UTC)
    return float(max(0, math.ceil((moment - now).total_seconds())))


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
