"""Limits on a simulated clock: rates, priorities, fairness, adaptive limits and circuit breakers."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from noetl.model.playbook import CircuitBreaker, Limit
from noetl.runtime.circuit import Circuit, State
from noetl.runtime.limits import Demand, Limits, Refused
from noetl.span import Source, Span

SPAN = Span(Source("limits.yaml", ""), 1, 1)


def limit(name: str = "api", **settings: object) -> Limit:
    return Limit(name=name, span=SPAN, **settings)  # type: ignore[arg-type]


@dataclass
class Clock:
    """Actions that take their time under limits, and no time passes but here."""

    limits: Limits
    now: float = 0.0
    started: list[tuple[float, str]] = field(default_factory=list)
    refused: list[tuple[float, str, str]] = field(default_factory=list)
    most: int = 0
    running: int = 0
    _ending: list[tuple[float, int, Demand, bool]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def ask(
        self,
        name: str,
        *,
        limit: Limit | None = None,
        run: str = "run",
        priority: str = "normal",
        takes: float = 1.0,
        fails: Callable[[], bool] = lambda: False,
        run_bound: int | None = None,
    ) -> str | None:
        demand = Demand(
            run,
            priority,
            self.now,
            limit=limit,
            run_bound=run_bound,
            takes_place=True,
            start=lambda: self._start(name, demand, takes, fails()),
            refuse=lambda refused: self.refused.append((self.now, name, refused.code)),
        )
        try:
            reason = self.limits.ask(demand, self.now)
        except Refused as refused:
            self.refused.append((self.now, name, refused.code))
            return None
        if reason is None:
            self._start(name, demand, takes, fails())
        return reason

    def _start(self, name: str, demand: Demand, takes: float, fails: bool) -> None:
        self.started.append((self.now, name))
        self.running += 1
        self.most = max(self.most, self.running)
        heapq.heappush(self._ending, (self.now + takes, next(self._numbers), demand, fails))

    def run_until(self, end: float = 1e9) -> None:
        while True:
            again = self.limits.go_on(self.now)
            ends = self._ending[0][0] if self._ending else None
            times = [time for time in (again, ends) if time is not None]
            if not times or min(times) > end:
                self.now = min(end, self.now) if not times else end
                return
            self.now = max(self.now, min(times))
            while self._ending and self._ending[0][0] <= self.now:
                _, _, demand, fails = heapq.heappop(self._ending)
                self.running -= 1
                self.limits.leave(demand, self.now, failed=fails)

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.started]


def test_two_hundred_actions_at_fifty_a_second_take_four_seconds() -> None:
    clock = Clock(Limits())
    api = limit(rate=50.0)
    for number in range(200):
        clock.ask(str(number), limit=api, takes=0.5)
    clock.run_until()

    times = [time for time, _ in clock.started]
    assert len(times) == 200
    assert times[-1] == pytest.approx(199 / 50)
    assert max(sum(start <= time <= start + 1 for time in times) for start in times) <= 51
    assert clock.names == [str(number) for number in range(200)]


def test_a_burst_starts_at_once_and_then_the_rate_holds() -> None:
    clock = Clock(Limits())
    api = limit(rate=1.0, burst=3)
    for number in range(6):
        clock.ask(str(number), limit=api, takes=0.1)
    clock.run_until()

    assert [round(time, 6) for time, _ in clock.started] == [0, 0, 0, 1, 2, 3]


def test_a_limit_bounds_what_runs_at_once_in_all_runs() -> None:
    clock = Clock(Limits())
    for number in range(20):
        clock.ask(str(number), limit=limit(concurrency=3), run=f"run {number % 4}")
    clock.run_until()

    assert clock.most == 3
    assert len(clock.started) == 20


def test_limits_of_one_name_that_say_different_things_are_different_limits() -> None:
    clock = Clock(Limits())
    assert clock.ask("a", limit=limit(concurrency=1)) is None
    assert clock.ask("b", limit=limit(concurrency=2)) is None
    assert clock.ask("c", limit=limit(concurrency=1)) == "the concurrency of limit 'api'"


@pytest.mark.parametrize(
    ("limits", "bound", "reason"),
    [
        pytest.param(Limits(2), None, "the engine's concurrency", id="engine"),
        pytest.param(Limits(), 2, "the run's concurrency", id="run"),
    ],
)
def test_the_engine_and_a_run_bound_what_runs_at_once(limits: Limits, bound: int | None, reason: str) -> None:
    clock = Clock(limits)
    reasons = [clock.ask(str(number), run_bound=bound) for number in range(5)]
    clock.run_until()

    assert reasons[:3] == [None, None, reason]
    assert (clock.most, len(clock.started)) == (2, 5)


def test_a_run_at_its_bound_does_not_hold_up_the_others() -> None:
    clock = Clock(Limits())
    for number in range(3):
        clock.ask(f"a{number}", run="a", run_bound=1)
    clock.ask("b", run="b")
    clock.run_until(0.5)

    assert clock.names == ["a0", "b"]


def test_high_goes_before_normal_and_normal_before_low() -> None:
    clock = Clock(Limits(1))
    for priority in ("low", "normal", "high", "low", "normal", "high"):
        clock.ask(priority, priority=priority)
    clock.run_until()

    assert clock.names == ["low", "high", "high", "normal", "normal", "low"]


def test_runs_take_turns_within_one_priority() -> None:
    clock = Clock(Limits(1))
    for number in range(4):
        clock.ask(f"a{number}", run="a")
    clock.ask("b0", run="b")
    clock.ask("c0", run="c")
    clock.run_until()

    assert clock.names == ["a0", "a1", "b0", "c0", "a2", "a3"]


def test_what_is_low_does_not_starve_among_a_stream_of_what_is_high() -> None:
    clock = Clock(Limits(1))
    clock.ask("low", priority="low", run="patient")
    clock.ask("first", priority="low", run="patient")
    for second in range(400):
        clock.now = float(second)
        clock.ask(f"high {second}", priority="high", run=f"run {second % 7}", takes=1.0)
        clock.run_until(second + 0.999)

    waited = next(time for time, name in clock.started if name == "first")
    assert 60 <= waited <= 200


def test_none_of_ten_thousand_mixed_actions_starves() -> None:
    chance = random.Random(7)
    clock = Clock(Limits(20))
    api, shop = limit(concurrency=8, rate=200.0), limit("shop", concurrency=5)
    wanted = Counter[str]()
    for number in range(10_000):
        name = str(number)
        wanted[name] += 1
        clock.ask(
            name,
            limit=chance.choice([None, api, shop]),
            run=f"run {chance.randrange(50)}",
            priority=chance.choice(["high", "normal", "low"]),
            takes=chance.uniform(0.01, 0.1),
            fails=lambda: chance.random() < 0.2,
        )
    clock.run_until()

    assert Counter(clock.names) == wanted
    assert clock.most == 20


def test_what_has_waited_too_long_is_refused() -> None:
    clock = Clock(Limits())
    api = limit(concurrency=1, queue_timeout=5.0)
    clock.ask("long", limit=api, takes=100.0)
    clock.ask("late", limit=api)
    clock.now = 3.0
    clock.ask("later", limit=api)
    clock.run_until(50.0)

    assert clock.refused == [(5.0, "late", "queue_timeout"), (8.0, "later", "queue_timeout")]


def test_what_is_withdrawn_never_starts() -> None:
    clock = Clock(Limits(1))
    clock.ask("a")
    demand = Demand(
        "run",
        "normal",
        0.0,
        limit=None,
        run_bound=None,
        takes_place=True,
        start=lambda: pytest.fail("started"),
        refuse=lambda _: None,
    )
    assert clock.limits.ask(demand, 0.0) is not None
    clock.limits.withdraw(demand)
    clock.limits.withdraw(demand)
    clock.ask("b")
    clock.run_until()

    assert clock.names == ["a", "b"]


def test_an_adaptive_limit_gives_way_as_failures_grow_and_comes_back() -> None:
    clock = Clock(Limits())
    api = limit(concurrency=10, adaptive=True)
    failing = True
    for number in range(1000):
        clock.ask(str(number), limit=api, fails=lambda: failing)
    clock.run_until(6.0)
    assert clock.running == 1, "everything fails"

    failing = False
    clock.run_until(60.0)
    assert clock.running == 10, "everything succeeds again"


class TestCircuits:
    breaker = CircuitBreaker(threshold=0.5, window=60.0, open_for=30.0, half_open=2)

    def opened(self) -> Circuit:
        circuit = Circuit(self.breaker)
        for second in range(5):
            assert circuit.admits(second)
            circuit.ended(second, failed=True)
        assert circuit.state is State.OPEN
        return circuit

    def test_it_opens_when_the_share_of_failures_reaches_the_threshold(self) -> None:
        circuit = Circuit(self.breaker)
        for second, failed in enumerate([False, False, True, False, True, True]):
            assert circuit.state is State.CLOSED
            circuit.ended(second, failed=failed)
        assert circuit.state is State.OPEN

    def test_a_few_failures_say_nothing_yet(self) -> None:
        circuit = Circuit(self.breaker)
        for second in range(4):
            circuit.ended(second, failed=True)
        assert circuit.state is State.CLOSED

    def test_failures_outside_the_window_are_forgotten(self) -> None:
        circuit = Circuit(self.breaker)
        for second in range(4):
            circuit.ended(second, failed=True)
        for second in range(100, 104):
            circuit.ended(second, failed=False)
        circuit.ended(104, failed=True)
        assert circuit.state is State.CLOSED

    def test_nothing_is_called_while_it_is_open_and_then_a_few_try(self) -> None:
        circuit = self.opened()
        assert not circuit.admits(33.9)
        assert [circuit.admits(34.0) for _ in range(3)] == [True, True, False]
        assert circuit.state is State.HALF_OPEN

    def test_it_closes_when_all_trials_succeed(self) -> None:
        circuit = self.opened()
        for _ in range(2):
            assert circuit.admits(34.0)
            circuit.ended(35.0, failed=False)
        assert circuit.state is State.CLOSED

    def test_it_opens_again_when_a_trial_fails(self) -> None:
        circuit = self.opened()
        assert circuit.admits(34.0)
        circuit.ended(35.0, failed=True)
        assert circuit.state is State.OPEN
        assert not circuit.admits(64.9)
        assert circuit.admits(65.0)

    def test_a_trial_that_was_cancelled_leaves_its_place_to_another(self) -> None:
        circuit = self.opened()
        assert circuit.admits(34.0)
        assert circuit.admits(34.0)
        circuit.abandoned()
        assert circuit.admits(34.0)

    def test_an_open_circuit_refuses_at_once_also_what_waits(self) -> None:
        clock = Clock(Limits())
        api = limit(concurrency=1, circuit_breaker=self.breaker)
        for number in range(8):
            clock.ask(str(number), limit=api, fails=lambda: True)
        clock.run_until(10.0)
        clock.ask("after", limit=api)

        assert clock.names == ["0", "1", "2", "3", "4"]
        assert [(name, code) for _, name, code in clock.refused] == [
            *((str(number), "circuit_open") for number in range(5, 8)),
            ("after", "circuit_open"),
        ]

    def test_it_is_told_when_a_circuit_changes(self) -> None:
        limits = Limits()
        api = limit(circuit_breaker=self.breaker)
        told = []
        for second in range(6):
            demand = Demand(
                "run",
                "normal",
                second,
                limit=api,
                run_bound=None,
                takes_place=True,
                start=lambda: None,
                refuse=lambda _: None,
            )
            if second < 5:
                assert limits.ask(demand, second) is None
                told.append(limits.leave(demand, second, failed=True))
        assert told == [None, None, None, None, State.OPEN]
