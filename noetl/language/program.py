"""What the parts of one playbook share while they are read: the names that it defines, and the work found so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

import msgspec

from noetl.language.inline import INLINE
from noetl.language.report import Report
from noetl.language.schema import ActionShape
from noetl.model.playbook import ActionCall, Block, TaskCall

Call = ActionCall | TaskCall


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """The names may be used before they are defined, so they are collected before anything else is read."""

    report: Report
    actions: Mapping[str, ActionShape]
    steps: frozenset[str]
    tasks: frozenset[str]
    limits: frozenset[str]
    found: dict[int, Call | Block] = msgspec.field(default_factory=dict)
    ids: Iterator[int] = msgspec.field(default_factory=count)

    def shape(self, action: str) -> ActionShape | None:
        """The shape of an action, the language's own first; None where there is none of this name."""
        return INLINE.get(action) or self.actions.get(action)

    def action_names(self) -> frozenset[str]:
        return frozenset({*INLINE, *self.actions})

    def reserve(self) -> int:
        """An id for work that is sure to be kept; taken before what stands inside the work is read."""
        return next(self.ids)

    def keep(self, work: Call | Block) -> None:
        self.found[work.id] = work

    def works(self) -> tuple[Call | Block, ...]:
        """All work, by id."""
        return tuple(self.found[id] for id in range(len(self.found)))
