"""What the actions of a torment really did, by their idempotency keys, and how it compares with the event log."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from noetl.model.event import Event, Kind
from noetl.store.base import EventStore, RunRecord

#: What each run does, the run that it calls included.
MARKERS = Counter(
    [
        "first",
        "item-a",
        "item-b",
        "item-c",
        "item-d",
        "compute",
        "after-wait",
        "flaky",
        "last",
        "called-one",
        "called-two",
    ],
)


class Ledger:
    """A file for each idempotency key, in which the actions themselves write; `wrong` is what should not be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wrong: list[str] = []
        #: How often each action had begun when its end was found in the log.
        self._begun: dict[str, int] = {}
        folder.mkdir()

    async def note(self, store: EventStore, runs: list[RunRecord]) -> None:
        """What has its end in the log now may not begin again."""
        for record in runs:
            for key in _ended(await store.read(record.execution_id)):
                self._begun.setdefault(key, self._count(key))

    async def check(self, store: EventStore, run: RunRecord, children: list[RunRecord], who: str) -> None:
        """A run has ended: as it should, and with all its effects."""
        *_, end = await store.read(run.execution_id)
        if run.status != "completed" or len(children) != 1:
            why = end.data.get("error")
            self.wrong.append(f"run {who} is {run.status}, and has called {len(children)} runs: {why}")
            return
        done: Counter[str] = Counter()
        for record in (run, *children):
            for key in _started(await store.read(record.execution_id)):
                done.update(self._effects(key))
        if done != MARKERS:
            self.wrong.append(f"run {who} had other effects: more {done - MARKERS}, less {MARKERS - done}")
        expected = {"first": who, "items": list("abcd"), "computed": who.upper(), "heard": who, "last": f"{who}-{who}"}
        if _stripped(end.data["outputs"]) != expected:
            self.wrong.append(f"run {who} came to {end.data['outputs']}")

    def check_repeated(self) -> None:
        """All that was noted has begun no more often since."""
        for key, times in self._begun.items():
            if self._count(key) != times:
                self.wrong.append(f"action {key} began again after its end was in the log: {self._lines(key)}")
        self._begun.clear()

    def totals(self) -> tuple[int, int]:
        """How many actions there were, and how many of them began more than once."""
        counts = [self._count(path.name) for path in self.folder.iterdir()]
        return len(counts), sum(count > 1 for count in counts)

    def _effects(self, key: str) -> set[str]:
        """What the action with this key has done, once or more often."""
        lines = self._lines(key)
        overlaps = [line for line in lines if line.startswith("overlap ")]
        self.wrong += [f"action {key} began beside what was left of it: {line}" for line in overlaps]
        return {line.split()[1] for line in lines if line.startswith("end ")}

    def _count(self, key: str) -> int:
        return sum(line.startswith("begin ") for line in self._lines(key))

    def _lines(self, key: str) -> list[str]:
        path = self.folder / key
        return path.read_text().splitlines() if path.exists() else []


def _started(events: list[Event]) -> set[str]:
    return {event.data["key"] for event in events if event.kind == Kind.ACTION_STARTED and "key" in event.data}


def _ended(events: list[Event]) -> list[str]:
    keys: dict[tuple[str, str], str] = {}
    found = []
    for event in events:
        place = (event.token, event.data.get("place", ""))
        if event.kind == Kind.ACTION_STARTED and "key" in event.data:
            keys[place] = event.data["key"]
        elif event.kind == Kind.ACTION_COMPLETED and place in keys:
            found.append(keys[place])
    return found


def _stripped(value: Any) -> Any:
    """Scripts end their lines."""
    if isinstance(value, dict):
        return {name: _stripped(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return value.strip() if isinstance(value, str) else value
