"""Why a server could not be reached or was lost, in a few words. Never shows a DSN."""

from __future__ import annotations

import os

import asyncpg


def reason_of(error: BaseException) -> str:
    """What asyncpg or the system says of a connection."""
    if isinstance(error, asyncpg.InternalClientError) and not isinstance(
        error, asyncpg.TargetServerAttributeNotMatched
    ):
        # So asyncpg finds an idle connection that the server has said goodbye on, but has not closed yet.
        return "the server has ended it"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error.args[-1] if isinstance(error, OSError) and error.args else error) or type(error).__name__
