"""Batches: the events of one append as the JSON that a store keeps, there and back. Knows no store.

Large values are swapped for references by the store, when it writes, and come back here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from noetl.errors import StoreError
from noetl.model.event import VERSION, Event
from noetl.store.artifacts import Fetch, restore
from noetl.store.upgrades import upgrade

_encoder = msgspec.json.Encoder()


class Batch(msgspec.Struct, frozen=True, gc=False):
    """What one append wrote: the events `first` to `last` of a run, as a JSON list.

    A batch is what a store keeps as one entry: an entry for each event costs several times the work, and nobody asks
    for a single one.
    """

    first: int
    last: int
    text: bytes


@cache
def _decoder() -> msgspec.json.Decoder[list[Event]]:
    """Made when something is read: to look up the types of the fields takes long, and a new run reads nothing."""
    return msgspec.json.Decoder(list[Event])


def encode_batch(execution_id: str, after: int, events: Sequence[Event]) -> Batch:
    """The events that follow number `after`; they must be dense and their data must be JSON."""
    first, last = after + 1, after + len(events)
    # The ends stand for all: to look at each event would be a good part of the cost of an append.
    if events and (events[0].seq != first or events[-1].seq != last):
        given = f"events {events[0].seq} to {events[-1].seq} of run '{execution_id}'"
        raise StoreError(f"{given} do not follow event {after} without a gap")
    try:
        return Batch(first, last, _encoder.encode(events))
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise _unfit(execution_id, events) from None


def as_json(value: Any) -> str:
    """What stands beside the log, as text. Raises StoreError where it is not JSON."""
    try:
        return _encoder.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise StoreError(f"this cannot be kept as JSON: {error}") from error


def _unfit(execution_id: str, events: Sequence[Event]) -> StoreError:
    """The error that names the event which is not JSON."""
    for event in events:
        try:
            _encoder.encode(event)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return StoreError(
                f"event {event.seq} ({event.kind}) of run '{execution_id}' cannot be written as JSON: {error}"
            )
    return StoreError(f"the events of run '{execution_id}' cannot be written as JSON")


def read_batches(
    execution_id: str, batches: Iterable[Batch], after: int, limit: int | None, fetch: Fetch | None = None
) -> list[Event]:
    """The events above `after`, at most `limit`, of consecutive batches, the first of which holds event `after` + 1.

    `fetch` gives the artifacts, of a store that has any.
    """
    events: list[Event] = []
    wanted = after + 1
    for batch in batches:
        if limit is not None and len(events) >= limit:
            break
        if not batch.first <= wanted <= batch.last:
            raise _damaged(execution_id, f"event {wanted} is missing")
        events += _decode(execution_id, batch, fetch)[wanted - batch.first :]
        wanted = batch.last + 1
    return events if limit is None else events[:limit]


def _decode(execution_id: str, batch: Batch, fetch: Fetch | None) -> list[Event]:
    text = batch.text
    try:
        text = text if fetch is None else restore(text, fetch)
        events = _decoder().decode(text)
        if not all(event.v == VERSION for event in events):
            events = _upgraded(execution_id, batch, text)
    except msgspec.ValidationError:
        events = _upgraded(execution_id, batch, text)
    except msgspec.DecodeError as error:
        raise _damaged(execution_id, f"events {batch.first} to {batch.last} are not JSON: {error}") from error
    if len(events) != batch.last - batch.first + 1:
        raise _damaged(execution_id, f"events {batch.first} to {batch.last} are {len(events)} events")
    return events


def _upgraded(execution_id: str, batch: Batch, text: bytes) -> list[Event]:
    try:
        return msgspec.convert([upgrade(event) for event in msgspec.json.decode(text)], list[Event])
    except (msgspec.ValidationError, TypeError, KeyError) as error:
        raise _damaged(execution_id, f"events {batch.first} to {batch.last} are not events") from error


def _damaged(execution_id: str, what: str) -> StoreError:
    return StoreError(f"the log of run '{execution_id}' is damaged: {what}")
