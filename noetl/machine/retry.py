"""Retries: whether a failed attempt is followed by another, and after how long (language.md 7)."""

from __future__ import annotations

from noetl.machine.evaluation import count, duration
from noetl.machine.result import Error
from noetl.machine.scope import Scope
from noetl.model.playbook import Retry


def _grown(retry: Retry, delay: float, attempt: int) -> float:
    if retry.backoff == "none":
        return 0.0
    if retry.backoff == "linear":
        delay *= attempt
    elif retry.backoff == "exponential":
        # The exponent is bounded so that thousands of attempts do not overflow a float.
        delay *= retry.multiplier ** min(attempt - 1, 500 if retry.multiplier < 4 else 100)
    return delay


def next_delay(retry: Retry, error: Error, attempt: int, scope: Scope) -> float | None:
    """Seconds until the next attempt, or None where there is none; raises ExpressionError."""
    if attempt >= count(retry.attempts, scope) or not _may_be_retried(retry, error, scope):
        return None
    delay = _grown(retry, duration(retry.delay, scope), attempt)
    if retry.jitter:
        delay *= 1 + retry.jitter * (2 * scope.drawing.random() - 1)
    asked = error["details"].get("retry_after")
    if isinstance(asked, int | float) and not isinstance(asked, bool):
        delay = max(delay, float(asked))
    # What a server asks for is bounded, too: nobody else may decide how long a run sleeps.
    return min(delay, retry.max_delay)


def _may_be_retried(retry: Retry, error: Error, scope: Scope) -> bool:
    if retry.on and not _listed(retry.on, error):
        return False
    if retry.when is not None:
        return bool(retry.when.evaluate(scope))
    return bool(retry.on) or bool(error["retryable"])


def _listed(on: tuple[str | int, ...], error: Error) -> bool:
    known = {error["kind"], error["code"], error["details"].get("status_code"), error["details"].get("exit_code")}
    return any(entry in known or str(entry) in known for entry in on)
