"""When an action may start: how many at once, how many in a time, none while a circuit is open (language.md 8).

Pure: it is told the time, in seconds of any clock that does not go back, and says when to ask again.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable

from noetl.model.playbook import Limit
from noetl.runtime.circuit import Circuit
from noetl.runtime.waiting import Queue, Ticket

#: An adaptive limit looks at the share of failures among so many calls.
RECENT_CALLS = 20


class Refused(Exception):
    """The action does not start at all; `code` is that of its error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Demand(Ticket):
    """What one action needs: a place under its `limit`, and, unless it only waits itself, one in its run and engine.

    `start` is called when it has been queued and its turn has come, `refuse` when it comes to nothing.
    """

    __slots__ = ("limit", "refuse", "run_bound", "start", "takes_place")

    def __init__(
        self,
        owner: str,
        priority: str,
        since: float,
        *,
        limit: Limit | None,
        run_bound: int | None,
        takes_place: bool,
        start: Callable[[], None],
        refuse: Callable[[Refused], None],
    ) -> None:
        super().__init__(owner, priority, since)
        self.limit = limit
        self.run_bound = run_bound
        self.takes_place = takes_place
        self.start = start
        self.refuse = refuse


class Gate:
    """One named limit, shared by all runs of an engine that define it alike."""

    def __init__(self, limit: Limit, now: float) -> None:
        self.limit = limit
        self.running = 0
        self.circuit = None if limit.circuit_breaker is None else Circuit(limit.circuit_breaker)
        self._tokens = float(limit.burst)
        self._filled_at = now
        self._recent: deque[bool] = deque(maxlen=RECENT_CALLS)

    @property
    def bound(self) -> float:
        """How many may run at once; an adaptive limit gives way with the square of the share that succeeds."""
        concurrency = self.limit.concurrency
        if concurrency is None:
            return math.inf
        if not self.limit.adaptive or not self._recent:
            return concurrency
        succeeded = 1 - sum(self._recent) / len(self._recent)
        return max(1, math.ceil(concurrency * succeeded**2))

    def has_room(self) -> bool:
        return self.running < self.bound

    def opens_at(self, now: float) -> float:
        """When the rate allows the next start: `now`, or later."""
        rate = self.limit.rate
        if rate is None:
            return now
        self._tokens = min(float(self.limit.burst), self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        # What a float lacks by rounding is not worth another wait.
        return now if self._tokens > 1 - 1e-9 else now + (1 - self._tokens) / rate

    def enter(self) -> None:
        self.running += 1
        self._tokens -= 1

    def leave(self, now: float, failed: bool | None) -> None:
        self.running -= 1
        if failed is None:
            if self.circuit is not None:
                self.circuit.abandoned()
            return
        self._recent.append(failed)
        if self.circuit is not None:
            self.circuit.ended(now, failed=failed)


class Limits:
    """All that waits and runs in one engine, of which at most `concurrency` actions run at once."""

    def __init__(self, concurrency: int | None = None) -> None:
        self._concurrency = math.inf if concurrency is None else concurrency
        self._running = 0
        self._running_of: Counter[str] = Counter()
        self._gates: dict[Limit, Gate] = {}
        #: What waits, by its limit.
        self._queues: dict[Limit | None, Queue[Demand]] = {}
        #: How many actions of a run may run at once, where that is bounded.
        self._bounds: dict[str, int] = {}
        #: When the first of those that wait for a limit has waited too long.
        self._late_at: dict[Limit, float] = {}

    def ask(self, demand: Demand, now: float) -> str | None:
        """None where the action may start now; else it is queued, and this is why. Raises Refused."""
        if demand.limit is None and not demand.takes_place:
            return None
        if demand.run_bound is not None:
            self._bounds[demand.owner] = demand.run_bound
        gate = self._gate(demand.limit, now)
        if gate is not None and gate.circuit is not None and gate.circuit.is_open(now):
            raise _circuit_open(gate.limit)
        queue = self._queues.get(demand.limit)
        reason = self._obstacle(demand, gate, now)
        if reason is None and not queue:
            self._admit(gate, now)
            self._enter(demand, gate)
            return None
        self._queues.setdefault(demand.limit, Queue()).add(demand)
        if demand.limit is not None and demand.limit.queue_timeout is not None:
            late_at = demand.since + demand.limit.queue_timeout
            self._late_at[demand.limit] = min(late_at, self._late_at.get(demand.limit, math.inf))
        return reason or "others wait already"

    def leave(self, demand: Demand, now: float, *, failed: bool | None) -> str | None:
        """An action that had started is over; `failed` None says that it was cancelled.

        Gives the state of its circuit where that has changed.
        """
        if demand.limit is None and not demand.takes_place:
            return None
        if demand.takes_place:
            self._running -= 1
            self._running_of[demand.owner] -= 1
            if not self._running_of[demand.owner]:
                del self._running_of[demand.owner]
        gate = self._gate(demand.limit, now)
        if gate is None:
            return None
        before = None if gate.circuit is None else gate.circuit.state
        gate.leave(now, failed)
        after = None if gate.circuit is None else gate.circuit.state
        return None if after == before else after

    def forget(self, owner: str) -> None:
        """The run is over: it will ask for nothing more."""
        self._bounds.pop(owner, None)

    def withdraw(self, demand: Demand) -> None:
        """A queued action does not want to start any more."""
        if demand.waiting:
            self._queues[demand.limit].remove(demand)

    def go_on(self, now: float) -> float | None:
        """Start what may start, and refuse what has waited too long; when to ask again if nothing else happens."""
        while (demand := self._next(now)) is not None:
            gate = self._gate(demand.limit, now)
            self._queues[demand.limit].take(demand)
            try:
                self._admit(gate, now)
            except Refused as refused:
                demand.refuse(refused)
                continue
            self._enter(demand, gate)
            demand.start()
        return self._ask_again_at(now)

    def _gate(self, limit: Limit | None, now: float) -> Gate | None:
        if limit is None:
            return None
        gate = self._gates.get(limit)
        if gate is None:
            gate = self._gates[limit] = Gate(limit, now)
        return gate

    def _next(self, now: float) -> Demand | None:
        best: Demand | None = None
        for limit, queue in self._queues.items():
            if limit is not None and self._late_at.get(limit, math.inf) <= now:
                self._refuse_late(limit, queue, now)
            gate = self._gate(limit, now)
            if not queue or not self._is_open(gate, now):
                continue
            found = queue.first(self._run_has_room)
            if found is not None and (best is None or found.rank < best.rank):
                best = found
        return best

    def _is_open(self, gate: Gate | None, now: float) -> bool:
        """Whether whoever is next gets an answer now, be it that its circuit is open."""
        if gate is not None and gate.circuit is not None and gate.circuit.is_open(now):
            return True
        if self._running >= self._concurrency:
            return False
        return gate is None or (gate.has_room() and gate.opens_at(now) <= now)

    def _run_has_room(self, owner: str) -> bool:
        return self._running_of.get(owner, 0) < self._bounds.get(owner, math.inf)

    def _obstacle(self, demand: Demand, gate: Gate | None, now: float) -> str | None:
        if demand.takes_place and self._running >= self._concurrency:
            return "the engine's concurrency"
        if demand.takes_place and not self._run_has_room(demand.owner):
            return "the run's concurrency"
        if gate is not None and not gate.has_room():
            return f"the concurrency of limit '{gate.limit.name}'"
        if gate is not None and gate.opens_at(now) > now:
            return f"the rate of limit '{gate.limit.name}'"
        return None

    def _admit(self, gate: Gate | None, now: float) -> None:
        if gate is not None and gate.circuit is not None and not gate.circuit.admits(now):
            raise _circuit_open(gate.limit)

    def _enter(self, demand: Demand, gate: Gate | None) -> None:
        if demand.takes_place:
            self._running += 1
            self._running_of[demand.owner] += 1
        if gate is not None:
            gate.enter()

    def _refuse_late(self, limit: Limit, queue: Queue[Demand], now: float) -> None:
        bound = limit.queue_timeout or 0.0
        late = [one for one in queue if now >= one.since + bound]
        self._late_at[limit] = min((one.since + bound for one in queue if now < one.since + bound), default=math.inf)
        for demand in late:
            queue.remove(demand)
            message = f"it waited {bound:g} s for limit '{limit.name}', which is its 'queue_timeout'"
            demand.refuse(Refused("queue_timeout", message))

    def _ask_again_at(self, now: float) -> float | None:
        times = []
        for limit, queue in self._queues.items():
            gate = self._gate(limit, now)
            if gate is None or not queue:
                continue
            if gate.has_room() and self._running < self._concurrency and (opens := gate.opens_at(now)) > now:
                times.append(opens)
            if gate.limit in self._late_at:
                times.append(self._late_at[gate.limit])
        return min(times, default=None)


def _circuit_open(limit: Limit) -> Refused:
    return Refused("circuit_open", f"the circuit of limit '{limit.name}' is open: too many of its actions have failed")
