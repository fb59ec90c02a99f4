"""What the actions that go on have last said of themselves: the newest line of output, and how far they have come."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from noetl.model.event import Event, Kind


class Saying(msgspec.Struct, frozen=True):
    """`share` is between 0 and 1."""

    text: str = ""
    share: float | None = None


SILENT = Saying()


class Spoken:
    """Subscribes to the events of an engine; keeps the last saying of each token that is in a visit."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], Saying] = {}

    def __call__(self, event: Event) -> None:
        hear = _HEARING.get(event.kind)
        if hear is not None:
            hear(self, event)

    def by(self, execution_id: str, token: str) -> Saying:
        return self._last.get((execution_id, token), SILENT)

    def _printed(self, event: Event) -> None:
        line = next((text for _, text in reversed(event.data["lines"]) if text.strip()), None)
        if line is not None:
            before = self.by(event.execution_id, event.token)
            self._last[event.execution_id, event.token] = Saying(line, before.share)

    def _came_on(self, event: Event) -> None:
        if "share" in event.data:
            before = self.by(event.execution_id, event.token)
            # What a script tells of itself may be any number, or none.
            share = min(1.0, max(0.0, event.data["share"] or 0.0))
            text = event.data["message"] or before.text
            self._last[event.execution_id, event.token] = Saying(text, share)

    def _action_ended(self, event: Event) -> None:
        before = self._last.get((event.execution_id, event.token))
        if before is not None and before.share is not None:
            self._last[event.execution_id, event.token] = Saying(before.text)

    def _fell_silent(self, event: Event) -> None:
        if self._last:
            self._last.pop((event.execution_id, event.token), None)


_HEARING: dict[str, Callable[[Spoken, Event], None]] = {
    Kind.OUTPUT: Spoken._printed,
    Kind.ACTION_PROGRESS: Spoken._came_on,
    Kind.ACTION_COMPLETED: Spoken._action_ended,
    Kind.ACTION_FAILED: Spoken._action_ended,
    Kind.ACTION_CANCELLED: Spoken._action_ended,
    Kind.TOKEN_JOINED: Spoken._fell_silent,
    Kind.STEP_COMPLETED: Spoken._fell_silent,
    Kind.STEP_FAILED: Spoken._fell_silent,
    Kind.STEP_CANCELLED: Spoken._fell_silent,
}
