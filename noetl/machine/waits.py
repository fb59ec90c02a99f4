"""What a token can wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from noetl.machine.state import Frame


class ActionWait(msgspec.Struct, eq=False):
    """An attempt that the runtime carries out, since `started_at`. `number` is the `seq` of the event that began it.

    `lost` counts the engines that were lost while they carried it out; `queued` says what it waits for before it may
    start, None once it has.
    """

    number: int
    started_at: int
    frame: Frame
    attempt: int
    timeout: float | None
    cancelling: bool = False
    lost: int = 0
    queued: str | None = None


class SignalWait:
    """A `wait` for an event; the earliest started is served first."""

    __slots__ = ("event", "number")

    def __init__(self, number: int, event: str) -> None:
        self.number = number
        self.event = event


class TimerWait:
    """A token that goes on when a timer fires."""

    __slots__ = ("timer",)

    def __init__(self, timer: int) -> None:
        self.timer = timer


class StrandsWait:
    """A token that goes on when its parallel items have ended."""

    __slots__ = ()


class UndoingWait:
    """A token that goes on when what its branch has completed is undone, or the next piece of it."""

    __slots__ = ()


Wait = ActionWait | SignalWait | TimerWait | StrandsWait | UndoingWait
