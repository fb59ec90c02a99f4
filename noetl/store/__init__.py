"""The event log: what happened in every run, appended and read. Interprets no event's data."""

from noetl.store.base import EventStore, RunRecord
from noetl.store.opening import open_store

__all__ = ["EventStore", "RunRecord", "open_store"]
