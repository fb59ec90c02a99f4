"""What the index of runs takes from the events, so that a list of runs folds none of them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from noetl.model.event import Event, Kind

_STATUS_AFTER: dict[str, str] = {
    Kind.RUN_PAUSED: "paused",
    Kind.RUN_RESUMED: "running",
    Kind.RUN_COMPLETED: "completed",
    Kind.RUN_FAILED: "failed",
    Kind.RUN_CANCELLED: "cancelled",
}
_ENDED = frozenset({"completed", "failed", "cancelled"})
_kind = attrgetter("kind")


class Change(NamedTuple):
    status: str
    ended_at: int | None


def status_change(events: Sequence[Event]) -> Change | None:
    """The status that these events leave their run in, None when they do not touch it."""
    # Asked of every event of every run: this form never enters the interpreter's loop.
    if _STATUS_AFTER.keys().isdisjoint(map(_kind, events)):
        return None
    last = next(event for event in reversed(events) if event.kind in _STATUS_AFTER)
    status = _STATUS_AFTER[last.kind]
    return Change(status, last.at if status in _ENDED else None)
