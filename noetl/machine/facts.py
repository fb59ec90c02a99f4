"""Facts: what the outside tells the machine. Each carries `at`, the only time that the machine knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The run begins. `inputs` are complete and valid; `env` is what `context` may read of the process environment."""

    at: int
    inputs: Mapping[str, Any]
    env: Mapping[str, str]
    attempt: int = 1


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """Go on with what is ready; it tells nothing but the time."""

    at: int


class ActionEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The action that `token` waited for under the number `wait` has ended.

    `error` is None on success; a cancelled action has `cancelled`. `data` and `fields` are JSON and masked.
    """

    at: int
    token: str
    wait: int
    data: Any = None
    fields: Mapping[str, Any] = {}
    error: Mapping[str, Any] | None = None
    cancelled: bool = False


class TimerDue(msgspec.Struct, frozen=True, kw_only=True):
    """The timer with this number has reached its time."""

    at: int
    timer: int


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody sent an event that a `wait` may be waiting for."""

    at: int
    event: str
    data: Any = None


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants the run to end."""

    at: int
    reason: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A running action said something, which is recorded and changes nothing.

    `kind` is `action.progress`, `log` or `output`.
    """

    at: int
    token: str
    kind: str
    data: dict[str, Any]


Fact = Start | Advance | ActionEnded | TimerDue | Signal | Cancel | Said
