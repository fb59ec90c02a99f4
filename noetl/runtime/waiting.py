"""The order in which what waits goes on: by priority, in turns among runs, and so that nothing waits for ever.

Pure: it is told the time, in seconds of any clock that does not go back.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

#: The priorities of a step, the first ones first.
PRIORITIES = ("high", "normal", "low")

#: What has waited so many seconds longer goes before what is one priority higher.
PATIENCE_S = 60.0


class Ticket:
    """One action that wants to start. `owner` is the run that it belongs to."""

    __slots__ = ("owner", "priority", "since", "waiting")

    def __init__(self, owner: str, priority: str, since: float) -> None:
        self.owner = owner
        self.priority = PRIORITIES.index(priority)
        self.since = since
        self.waiting = False

    @property
    def rank(self) -> float:
        """The lower goes first."""
        return self.since + self.priority * PATIENCE_S


T = TypeVar("T", bound=Ticket)


class Queue(Generic[T]):
    """Tickets that wait for the same thing."""

    def __init__(self) -> None:
        self._levels: tuple[OrderedDict[str, deque[T]], ...] = tuple(OrderedDict() for _ in PRIORITIES)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        for level in self._levels:
            for tickets in level.values():
                yield from tickets

    def add(self, ticket: T) -> None:
        self._levels[ticket.priority].setdefault(ticket.owner, deque()).append(ticket)
        ticket.waiting = True
        self._count += 1

    def remove(self, ticket: T) -> None:
        level = self._levels[ticket.priority]
        tickets = level[ticket.owner]
        tickets.remove(ticket)
        if not tickets:
            del level[ticket.owner]
        ticket.waiting = False
        self._count -= 1

    def first(self, may_start: Callable[[str], bool]) -> T | None:
        """Who is next among the owners that may start something."""
        best: T | None = None
        for level in self._levels:
            # The owner whose turn it is stands first; within a level nobody has waited longer than a round.
            candidate = next((tickets[0] for owner, tickets in level.items() if may_start(owner)), None)
            if candidate is not None and (best is None or candidate.rank < best.rank):
                best = candidate
        return best

    def take(self, ticket: T) -> None:
        """The ticket starts, and its owner's next one waits for its next turn."""
        self.remove(ticket)
        level = self._levels[ticket.priority]
        if ticket.owner in level:
            level.move_to_end(ticket.owner)
