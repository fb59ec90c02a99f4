"""What is next in one run: its creation, or appends of which each follows the one before. It is done whole or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from noetl.errors import StoreError
from noetl.store.base import DeadLetter, RunRecord, Unread
from noetl.store.jobs import Append, Creation, Job
from noetl.store.status import Change


@dataclass(slots=True)
class Turn:
    """A creation has what the run begins with as its one append. `others` write nothing, and are done with the rest.

    `doubtful`: a connection was lost under it, so that it may have been done. `decided`: it was, or has its `error`.
    """

    execution_id: str
    creation: Creation | None = None
    appends: list[Append] = field(default_factory=list)
    others: list[Job] = field(default_factory=list)
    doubtful: bool = False
    decided: bool = False
    error: StoreError | None = None

    def take(self, job: Job) -> bool:
        """Whether the job belongs to this turn, of which it is then a part."""
        if isinstance(job, Creation):
            if self.appends:
                return False
            self.creation = job
            self.appends.append(job.first)
        elif isinstance(job, Append):
            if self.creation is not None or not self._goes_on(job):
                return False
            self.appends.append(job)
        else:
            self.others.append(job)
        return True

    def _goes_on(self, append: Append) -> bool:
        """One with a fault is alone: what stands before it is to be written, and what follows must fail."""
        if not self.appends:
            return True
        last = self.appends[-1]
        follows = append.after == last.batch.last and append.fence == last.fence
        return follows and append.fault is None and last.fault is None

    @property
    def run(self) -> RunRecord:
        """What is created: the run as its first events leave it."""
        assert self.creation is not None
        run, change = self.creation.run, self.change
        if change is None:
            return run
        engine = run.engine if change.ended_at is None else None
        return msgspec.structs.replace(run, status=change.status, ended_at=change.ended_at, engine=engine)

    @property
    def after(self) -> int:
        return self.appends[0].after

    @property
    def last(self) -> int:
        return self.appends[-1].batch.last

    @property
    def fence(self) -> int:
        return self.appends[0].fence

    @property
    def change(self) -> Change | None:
        return next((append.change for append in reversed(self.appends) if append.change is not None), None)

    @property
    def batches(self) -> Sequence[Append]:
        """The appends that have events."""
        return [append for append in self.appends if append.batch.last >= append.batch.first]

    @property
    def letters(self) -> Sequence[DeadLetter]:
        return [letter for append in self.appends for letter in append.letters]

    @property
    def unread(self) -> Unread | None:
        return next((append.unread for append in reversed(self.appends) if append.unread is not None), None)

    @property
    def artifacts(self) -> Mapping[str, bytes]:
        return {digest: content for append in self.appends for digest, content in append.artifacts.items()}

    @property
    def size(self) -> int:
        return sum(len(append.batch.text) for append in self.appends)

    def decide(self, error: StoreError | None = None) -> None:
        self.decided = True
        self.error = error

    def end(self) -> None:
        """Tells whoever waits."""
        writing: Sequence[Job] = self.appends if self.creation is None else [self.creation]
        for job in writing:
            job.error = self.error
        for job in (*writing, *self.others):
            job.end()
