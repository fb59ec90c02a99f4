"""Ids of runs: ULIDs, which sort by time; a child run's id follows from the action that calls it."""

from __future__ import annotations

import hashlib
import os
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """A ULID: 48 bits of milliseconds, 80 of chance, in Crockford's base 32."""
    return _text((time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big"))


def child_id(parent: str, key: str) -> str:
    """The id of the run that an action with this idempotency key starts: the same whenever it is asked.

    It begins as the parent's does, so that it sorts beside it.
    """
    digest = hashlib.sha256(f"{parent}/{key}".encode()).digest()
    return parent[:10] + _text(int.from_bytes(digest[:10], "big"))[10:]


def following_id(execution_id: str) -> str:
    """The id of the run that tries a failed one again."""
    return child_id(execution_id, "again")


def _text(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
