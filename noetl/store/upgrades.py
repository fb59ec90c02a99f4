"""Events that an older noetl wrote, brought to today's shape when they are read. The log itself is never rewritten."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from noetl.errors import StoreError
from noetl.model.event import VERSION

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

#: For each version but the newest: an event of that version, as JSON, becomes one of the next.
UPGRADES: Mapping[int, Upgrade] = {}


def upgrade(event: dict[str, Any], upgrades: Mapping[int, Upgrade] = UPGRADES, newest: int = VERSION) -> dict[str, Any]:
    """The event in the shape of version `newest`."""
    version = event["v"]
    if version > newest:
        raise StoreError(
            f"run '{event['execution_id']}' was recorded by a newer noetl: event {event['seq']} has version {version}, "
            f"this noetl reads up to {newest}"
        )
    for step in range(version, newest):
        event = upgrades[step](event)
    return {**event, "v": newest}
