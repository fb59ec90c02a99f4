"""Facts: what the outside tells the machine. Each carries `at`, the only time that the machine knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The run begins, or will at `starts_at`.

    `inputs` are complete and valid; `env` is what `context` may read of the process environment. `rerun` says which
    run this one repeats, see `Run.rerun`.
    """

    at: int
    inputs: Mapping[str, Any]
    env: Mapping[str, str]
    attempt: int = 1
    starts_at: int | None = None
    rerun: Mapping[str, Any] | None = None


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """Go on with what is ready; it tells nothing but the time."""

    at: int


class ActionEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The action that `token` waited for under the number `wait` has ended.

    `error` is None on success; a cancelled action has `cancelled`. `data` and `fields` are JSON and masked. `reused`
    is the run that carried it out, where this one takes over what came of it there.
    """

    at: int
    token: str
    wait: int
    data: Any = None
    fields: Mapping[str, Any] = {}
    error: Mapping[str, Any] | None = None
    cancelled: bool = False
    reused: str | None = None


class TimerDue(msgspec.Struct, frozen=True, kw_only=True):
    """The timer with this number has reached its time."""

    at: int
    timer: int


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody sent an event that a `wait` may be waiting for.

    Here and below, `command` is the number under which somebody asked for it from another process, 0 where nobody did.
    """

    at: int
    event: str
    data: Any = None
    command: int = 0


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants the run to end."""

    at: int
    reason: str
    command: int = 0


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants the run to stand still, `until` a time or until it is resumed."""

    at: int
    reason: str
    until: int | None = None
    command: int = 0


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """The run goes on: somebody ends its pause, or an engine has `recovered` it after another one was lost.

    An action that was carried out by lost engines more than `max_lost` times fails.
    """

    at: int
    recovered: bool = False
    max_lost: int = 5
    command: int = 0


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be recorded, which changes nothing: a running action said it, or the engine says it of an action.

    `kind` is `action.progress`, `action.queued`, `circuit.changed`, `log` or `output`; without a token it is about the
    whole run.
    """

    at: int
    token: str
    kind: str
    data: dict[str, Any]


Fact = Start | Advance | ActionEnded | TimerDue | Signal | Cancel | Pause | Resume | Said
