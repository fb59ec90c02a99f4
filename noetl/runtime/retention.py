"""How long runs are kept: those that ended earlier are removed, by themselves once a day, or when somebody asks."""

from __future__ import annotations

import asyncio
import logging
import os

import msgspec

from noetl.errors import NoetlError, StoreError
from noetl.runtime import identity
from noetl.runtime.clock import microseconds
from noetl.runtime.recovery import FOLLOWED_S
from noetl.store.base import EventStore, Pruned
from noetl.units import parse_duration

#: What says so where `Engine` does not.
VARIABLE = "NOETL_RETENTION"
KEEP_FAILED_VARIABLE = "NOETL_KEEP_FAILED"

_DAY_S = 86_400
_HOUR_S = 3600

#: Under this name the store remembers when runs were last removed by themselves.
_NOTE = "pruned_at"

_log = logging.getLogger("noetl")


class Retention(msgspec.Struct, frozen=True):
    """What ended more than `seconds` ago goes; of what failed nothing, if asked."""

    seconds: float
    keep_failed: bool = False


def retention_of(given: str | float, *, keep_failed: bool = False) -> Retention:
    """Raises NoetlError where it is no duration, or too short for what is asked."""
    try:
        seconds = parse_duration(given)
    except ValueError as error:
        raise NoetlError(f"how long runs are kept is not understood: {error}") from None
    if keep_failed and seconds < FOLLOWED_S:
        # The run that tries a failed one again would be missed, and made a second time.
        raise NoetlError(f"where failed runs are kept, the others are kept for at least 7d, not for {given}")
    return Retention(seconds, keep_failed)


def wanted_retention(given: str | float | None, keep_failed: bool | None) -> Retention | None:
    """What an engine was told, else what the environment says; None where nothing is removed."""
    given = os.environ.get(VARIABLE) or None if given is None else given
    if given is None:
        return None
    if keep_failed is None:
        keep_failed = os.environ.get(KEEP_FAILED_VARIABLE) == "1"
    return retention_of(given, keep_failed=keep_failed)


async def prune(store: EventStore, retention: Retention, *, dry_run: bool = False) -> Pruned:
    """Removes what need not be kept any longer."""
    before = microseconds() - round(retention.seconds * 1e6)
    return await store.prune(before=before, keep_failed=retention.keep_failed, dry_run=dry_run)


async def is_alone(store: EventStore) -> bool:
    """Whether no engine works with the store, as far as anybody can tell."""
    now = microseconds()
    return not any(owner.expires_at > now and not identity.is_dead(owner) for owner in await store.owners())


async def keep_pruned(store: EventStore, retention: Retention) -> None:
    """Prunes once a day, whichever of the engines that use the store comes first; never ends."""
    while True:
        try:
            await asyncio.sleep(await _pruned_when_due(store, retention))
        except StoreError as error:
            _log.warning("old runs could not be removed: %s", error)
            await asyncio.sleep(_HOUR_S)


async def _pruned_when_due(store: EventStore, retention: Retention) -> float:
    """When to look again, in seconds."""
    last = await store.noted(_NOTE)
    if last is not None and (left := last / 1e6 + _DAY_S - microseconds() / 1e6) > 0:
        return min(left, _HOUR_S)
    pruned = await prune(store, retention)
    # Noted when it is done: what an engine that was closed meanwhile has left, the next one removes.
    await store.note(_NOTE, microseconds())
    if pruned.runs:
        _log.info("%d old runs were removed", pruned.runs)
    return _HOUR_S
