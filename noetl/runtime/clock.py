"""The wall clock, as events write it."""

from __future__ import annotations

import time


def microseconds() -> int:
    """The time, UTC, in microseconds since the epoch."""
    return time.time_ns() // 1000
