"""Visits of steps while they go on, as those who tell of a run by its events need them."""

from __future__ import annotations

import msgspec

from noetl.machine.state import Row
from noetl.model.event import Event


class Visit(msgspec.Struct, eq=False, gc=False):
    """One visit of a step; `label` names its run where that needs one, `started_at` is in microseconds."""

    label: str
    step: str
    number: int
    token: str
    started_at: int

    @property
    def title(self) -> str:
        name = f"{self.label}{self.step}"
        return f"{name} (visit {self.number})" if self.number > 1 else name


class Visits:
    """The visits of one run that go on, by the token that makes each."""

    __slots__ = ("_label", "_open")

    def __init__(self, label: str = "") -> None:
        self._label = label
        self._open: dict[str, Visit] = {}

    def start(self, event: Event) -> Visit:
        token = event.token
        visit = self._open[token] = Visit(self._label, event.step, event.data["visit"], token, event.at)
        return visit

    def take_up(self, row: Row) -> None:
        """A visit that had begun before the first event that was heard."""
        self._open[row.token] = Visit(self._label, row.name, row.visit, row.token, row.started_at)

    def end(self, event: Event) -> Visit | None:
        """The visit that has ended; None where a branch was cancelled before it came to its step."""
        return self._open.pop(event.token, None)

    def of(self, event: Event) -> Visit | None:
        """The visit in which something happened, maybe to one of its parallel items."""
        known = self._open.get(event.token)
        if known is not None:
            return known
        # The path of an item continues that of its visit's token; where both are too long to tell, the latest is taken.
        here = [visit for visit in self._open.values() if visit.step == event.step]
        around = [visit for visit in here if event.token.startswith(f"{visit.token}/")]
        return max(around or here, key=lambda visit: (len(visit.token), visit.started_at), default=None)


def went_unhandled(event: Event) -> bool:
    """Whether a step's failure was taken by no case, so that the playbook's `on_error` judged it."""
    data = event.data
    ends_the_run = any(change[1] == "end" and change[2] == "failed" for change in data.get("changes", ()))
    return "case" not in data or bool(data.get("kept")) or ends_the_run
