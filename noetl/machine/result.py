"""Results and errors as the mappings that a playbook sees under `result` and `error` (language.md 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noetl.errors import RETRYABLE_KINDS, ErrorKind

Result = dict[str, Any]
Error = dict[str, Any]


def completed(
    data: Any = None, fields: Mapping[str, Any] | None = None, attempts: int = 1, duration: float = 0.0
) -> Result:
    result: Result = {
        "success": True,
        "failed": False,
        "skipped": False,
        "status": "completed",
        "data": data,
        "error": None,
        "attempts": attempts,
        "duration": duration,
    }
    return {**fields, **result} if fields else result


def failed(
    error: Error,
    fields: Mapping[str, Any] | None = None,
    attempts: int = 1,
    duration: float = 0.0,
    data: Any = None,
    status: str = "failed",
) -> Result:
    result = completed(data, fields, attempts, duration)
    result["success"] = False
    result["failed"] = True
    result["status"] = status
    result["error"] = error
    return result


def skipped() -> Result:
    result = completed(attempts=0)
    result["skipped"] = True
    result["status"] = "skipped"
    return result


#: The keys that every result has; the others are the handler's own fields.
COMMON = frozenset(completed())


def of_several(results: Sequence[Result], excused: Sequence[bool], *, parallel: bool, duration: float) -> Result:
    """The result of a run of several items, in item order (language.md 4).

    `excused` says of each whether its failure was tolerated. The failure that is shown is the first that counts: one
    that was not tolerated before one that was, and a cancelled item only where nothing has failed.
    """
    failures = [
        (result["status"] == "cancelled", tolerated, index)
        for index, (result, tolerated) in enumerate(zip(results, excused, strict=True))
        if result["failed"]
    ]
    wrong = results[min(failures)[2]] if failures else None
    last = results[-1] if results else None
    data = [result["data"] for result in results] if parallel else (last["data"] if last else None)
    shown = wrong or last
    fields = own_fields(shown) if shown else None
    attempts = max((result["attempts"] for result in results), default=1)
    if wrong is None:
        return completed(data, fields, attempts, duration)
    return failed(wrong["error"], fields, attempts, duration, data, wrong["status"])


def own_fields(result: Result) -> Result:
    """The handler's own fields of a result."""
    return {key: value for key, value in result.items() if key not in COMMON}


def make_error(
    kind: ErrorKind | str,
    code: str,
    message: str,
    *,
    step: str | None = None,
    action: str | None = None,
    attempt: int = 1,
    details: Mapping[str, Any] | None = None,
) -> Error:
    return {
        "kind": str(kind),
        "code": code,
        "message": message,
        "transient": kind == ErrorKind.TRANSIENT,
        "retryable": kind in RETRYABLE_KINDS,
        "step": step,
        "action": action,
        "attempt": attempt,
        "details": dict(details or {}),
    }
