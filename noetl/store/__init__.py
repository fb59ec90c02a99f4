"""The event log: what happened in every run, appended and read. Interprets no event's data."""

from noetl.store.base import (
    Command,
    DeadLetter,
    Durability,
    EventStore,
    Owner,
    Pruned,
    RunRecord,
    Snapshot,
    StoreInfo,
    Unread,
)
from noetl.store.opening import open_store

__all__ = [
    "Command",
    "DeadLetter",
    "Durability",
    "EventStore",
    "Owner",
    "Pruned",
    "RunRecord",
    "Snapshot",
    "StoreInfo",
    "Unread",
    "open_store",
]
