"""The sentences in which every store refuses: one place, so that the stores cannot differ."""

from __future__ import annotations

from collections.abc import Sequence

from noetl.errors import LostOwnership, OwnedElsewhere, RunEnded, StoreError
from noetl.store.base import Owner, RunRecord

_SHOWN = 3


def closed() -> StoreError:
    return StoreError("the event log is closed")


def unknown_run(execution_id: str) -> StoreError:
    return StoreError(f"the event log has no run '{execution_id}'")


def ended(execution_id: str, status: str) -> RunEnded:
    return RunEnded(f"run '{execution_id}' has ended ({status})")


def unknown_text(digest: str) -> StoreError:
    return StoreError(f"the event log has no playbook with the digest '{digest}'")


def duplicate_run(execution_id: str) -> StoreError:
    return StoreError(f"the event log already has a run '{execution_id}'")


def conflict(execution_id: str, last: int, after: int) -> StoreError:
    hint = "does another process carry on the same run?"
    if last < after:
        hint = "did the store lose its end with a crash or a backup? 'noetl resume' goes on from there"
    return StoreError(
        f"sequence conflict in run '{execution_id}': its log ends with event {last}, not with event {after} ({hint})"
    )


def objection(execution_id: str, last: int | None, after: int, cause: StoreError | None) -> StoreError | None:
    """Why events cannot follow `after` in a log that ends with `last`, if they cannot.

    `cause` is why an earlier append of this run failed: it explains a gap better than the gap itself.
    """
    if last is None:
        return unknown_run(execution_id)
    if last == after:
        return None
    if cause is not None and after > last:
        return StoreError(str(cause))
    return conflict(execution_id, last, after)


def lost(execution_id: str) -> LostOwnership:
    return LostOwnership(f"another engine has taken run '{execution_id}' over")


def owned(execution_id: str, owner: Owner, now: int) -> OwnedElsewhere:
    left = max(0.0, (owner.expires_at - now) / 1e6)
    return OwnedElsewhere(f"run '{execution_id}' is driven by {owner.place}, whose lease ends in {left:.0f} s")


def unknown_letter(letter: int) -> StoreError:
    return StoreError(f"there is no dead letter {letter}")


def the_one(prefix: str, matches: Sequence[RunRecord]) -> RunRecord:
    """The only run whose id begins with `prefix`, or an error that says why there is not one."""
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise StoreError(f"the event log has no run whose id begins with '{prefix}'")
    shown = ", ".join(f"'{run.execution_id}'" for run in matches[:_SHOWN])
    rest = "" if len(matches) <= _SHOWN else ", ..."
    raise StoreError(f"'{prefix}' could be {len(matches)} runs: {shown}{rest}")
