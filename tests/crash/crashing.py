"""A world in which engines die: the real engine on a simulated clock, disk and machine, and what must hold whatever dies.

A `Plan` says how; its text names it, so that a failure can be repeated.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self
from unittest.mock import patch

import msgspec
from simulated_disk import Connection, Disk, at_once
from simulated_time import Clock, SimulatedLoop, Stuck
from simulation import HEAD, final_state

from noetl import Engine
from noetl.actions.base import Call, Outcome
from noetl.errors import ActionError, ErrorKind, NoetlError
from noetl.machine import Run, evolve
from noetl.model.event import Event, Kind
from noetl.model.playbook import Playbook
from noetl.store.base import Durability, RunRecord
from noetl.store.memory import MemoryStore

ROOT_ID = "01J0000000000000000000ROOT"
KEY = "the only one"

#: How long a scripted action takes.
ACTION_S = 0.003

#: What a run that was recovered says more of, or less, than one that was not.
_INCIDENTAL = frozenset({Kind.RUN_RESUMED, Kind.ACTION_PROGRESS, Kind.ACTION_QUEUED, Kind.CIRCUIT_CHANGED})


@dataclass(frozen=True)
class Ask:
    """What somebody asks of the run from another process, as soon as an event of this kind (and step) is written."""

    after: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    step: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A playbook with scripted actions, those that it calls, and what people do meanwhile."""

    name: str
    text: str
    files: dict[str, str] = field(default_factory=dict)
    asks: tuple[Ask, ...] = ()
    #: Somebody has to ask for a run that nobody waits for.
    recovers: bool = False
    #: What the run comes to may depend on which of its branches is first.
    races: bool = False


@dataclass(frozen=True)
class Plan:
    """How engines die: each with its nth append, the next one with its nth, the one after them lives.

    `loses` writes that are not on the disk are gone with it. With `single` every event is an append of its own, and the
    run is folded again after each.
    """

    dies_at: tuple[int, ...] = ()
    durability: Durability = Durability.RELAXED
    loses: int = 0
    single: bool = False
    recovers: bool = False

    def __str__(self) -> str:
        words = ["+".join(map(str, self.dies_at)) or "never", str(self.durability), f"loses{self.loses}"]
        return "/".join([*words, *(["single"] if self.single else []), *(["recovers"] if self.recovers else [])])

    @classmethod
    def of(cls, text: str) -> Self:
        dies_at, durability, loses, *rest = text.split("/")
        return cls(
            tuple(map(int, dies_at.split("+"))),
            Durability(durability),
            int(loses.removeprefix("loses")),
            "single" in rest,
            "recovers" in rest,
        )


@dataclass
class Ending:
    """What is left when all has ended.

    `states` are those of the runs; `story` counts events, without their order; `effects` are what the actions did that
    came to their end. The last two have idempotency keys where these do not depend on the crashes.
    """

    states: list[str]
    story: Counter[tuple[str, ...]]
    effects: set[tuple[str, str]]
    appends: int


class EffectOptions(msgspec.Struct):
    """`cmd` is what the action answers; with `fail` in it it fails, with `never` it does not end."""

    cmd: Any = None


class Effect:
    """A scripted action; what it does to the world is seen by the world."""

    name: ClassVar[str] = "effect"
    options: ClassVar[type[msgspec.Struct]] = EffectOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, world: World) -> None:
        self._world = world

    async def run(self, options: Any, call: Call) -> Outcome:
        words = options.cmd if isinstance(options.cmd, str) else ""
        with self._world.effect(call, options.cmd):
            if "never" in words:
                await asyncio.sleep(1e6)
            await asyncio.sleep(ACTION_S)
        if "fail" in words and not ("once" in words and call.attempt > 1):
            raise ActionError(ErrorKind.TRANSIENT if "once" in words else ErrorKind.PERMANENT, "broken", "it broke")
        return Outcome(data=options.cmd)


class World:
    """One scenario under one plan."""

    def __init__(self, scenario: Scenario, plan: Plan, folder: Path) -> None:
        self.scenario = scenario
        self.plan = plan
        self.disk = Disk()
        self.effects: set[tuple[str, str]] = set()
        self.wrong: list[str] = []
        self.appends = 0
        self._folder = folder
        self._clock = Clock()
        self._boots = 0
        self._engines = 0
        self._asked: set[int] = set()
        self._kept = 0
        self._connection: Connection | None = None
        self._running: set[str] = set()
        self._playbooks: dict[str, Playbook] = {}
        for name, text in {"main.yaml": scenario.text, **scenario.files}.items():
            (folder / name).write_text(HEAD + text.replace("action: shell", "action: effect"))

    def carry_out(self) -> Ending:
        """Let engines die as planned, and one live to the end."""
        with self._simulated():
            for dies_at in (*self.plan.dies_at, None):
                if self._live(dies_at):
                    break
            return self._ending()

    @contextmanager
    def effect(self, call: Call, cmd: Any) -> Iterator[None]:
        """An action goes on: it must be one that the log knows, and may end before the world does."""
        if self._is_dead():
            yield
            return
        if call.key not in self.disk.outstanding():
            self.wrong.append(f"'{cmd}' was started, which is not outstanding in the log")
        if call.key in self._running:
            self.wrong.append(f"'{cmd}' was started while it ran")
        self._running.add(call.key)
        try:
            yield
            if not self._is_dead():
                self.effects.add((call.key, str(cmd)))
        finally:
            self._running.discard(call.key)

    def _is_dead(self) -> bool:
        return self._connection is None or self._connection.dead

    @contextmanager
    def _simulated(self) -> Iterator[None]:
        with ExitStack() as stack:
            enter = stack.enter_context
            enter(patch("noetl.runtime.clock.time", self._clock.module()))
            enter(patch("noetl.runtime.engine.new_id", self._next_run))
            enter(patch("noetl.runtime.ownership.new_id", self._next_engine))
            enter(patch("noetl.runtime.identity.boot", lambda: f"boot {self._boots}"))
            enter(patch("noetl.runtime.engine.open_store", self._connect))
            yield

    def _next_run(self) -> str:
        """The run has its id again where it was lost altogether: its actions keep their keys."""
        return ROOT_ID if at_once(self.disk.store.record(ROOT_ID)) is None else f"not {ROOT_ID}"

    def _next_engine(self) -> str:
        self._engines += 1
        return f"engine {self._engines}"

    async def _connect(self, url: str, **options: Any) -> Connection:
        assert self._connection is not None
        return self._connection

    def _live(self, dies_at: int | None) -> bool:
        """One engine, from its start to its death or to the end of all; whether that has come."""
        loop = SimulatedLoop(self._clock)
        loop.set_exception_handler(self._complain)
        try:
            return loop.run_until_complete(self._drive(dies_at))
        except RuntimeError:
            if not self._is_dead():
                raise
            return False
        except (Stuck, NoetlError) as problem:
            self.wrong.append(f"{type(problem).__name__}: {problem}")
            return True
        finally:
            if self._connection is not None:
                self._connection.dead = True
                self.appends = self._connection.appends
            loop.die()
            self._running.clear()

    async def _drive(self, dies_at: int | None) -> bool:
        if self._boots:
            lost = self.plan.loses if self.plan.durability is not Durability.STRICT else self.disk.unsynced
            self.disk.lose(min(self.plan.loses, lost, self.disk.size - self._kept))
        self._boots += 1
        self._connection = Connection(self.disk, self.plan.durability, dies_at, self._on_event)
        engine = Engine(handlers=[Effect(self)], working_folder=self._folder, max_lost=100, rebuilds=self.plan.single)
        async with engine:
            playbook = engine.load(self._folder / "main.yaml")
            if (self.plan.recovers or self.scenario.recovers) and self._boots > 1:
                await engine.recover()
            await engine.run(playbook, key=KEY)
            await engine.idle()
            for record in await engine.store.list_runs():
                self._playbooks[record.execution_id] = engine.load(record.path or "")
        return True

    def _on_event(self, event: Event) -> None:
        for number, ask in enumerate(self.scenario.asks):
            if number not in self._asked and ask.after == event.kind and ask.step in (None, event.step):
                self._asked.add(number)
                self.disk.write(partial(_post, ask, event.at))
                self.disk.sync()
                self._kept = self.disk.size

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not self._is_dead():
            self.wrong.append(f"{context['message']}: {context.get('exception')!r}")

    def _ending(self) -> Ending:
        records = at_once(self.disk.store.list_runs())
        self.wrong += [f"run {record.execution_id} has not ended" for record in records if record.ended_at is None]
        events = self.disk.events()
        story = Counter(_line(event) for event in events if not _is_incidental(event))
        keys = {key for *_, key in story}
        effects = {(key if key in keys else "", cmd) for key, cmd in self.effects}
        self._check_timers()
        states = sorted(str(final_state(self._fold(record))) for record in records)
        return Ending(states, story, effects, self.appends)

    def _fold(self, record: RunRecord) -> Run:
        run = Run(self._playbooks[record.execution_id], record.execution_id)
        for event in at_once(self.disk.store.read(record.execution_id)):
            evolve(run, event)
        return run

    def _check_timers(self) -> None:
        fired = Counter(
            (event.execution_id, event.data["timer"]) for event in self.disk.events() if event.kind == Kind.TIMER_FIRED
        )
        self.wrong += [f"timer {timer} fired {times} times" for timer, times in fired.items() if times > 1]


def _is_incidental(event: Event) -> bool:
    # A called run may have no time to stand still with its caller.
    return event.kind in _INCIDENTAL or (event.kind == Kind.RUN_PAUSED and event.execution_id != ROOT_ID)


def _line(event: Event) -> tuple[str, ...]:
    """An event without what depends on the crashes, or on who is first.

    The id of a called run, and so its keys, depends on where in the log it was called.
    """
    token = "" if event.kind == Kind.TOKEN_JOINED else event.token
    return event.kind, event.step, token, event.data.get("key", "") if event.execution_id == ROOT_ID else ""


def _post(ask: Ask, at: int, store: MemoryStore) -> None:
    at_once(store.post(ROOT_ID, ask.kind, ask.data, at))


def carry_out(scenario: Scenario, plan: Plan) -> tuple[Ending, list[str]]:
    """How a scenario ends, and what was wrong with it."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(scenario, plan, Path(folder))
        return world.carry_out(), world.wrong


def differences(scenario: Scenario, plan: Plan, calm: Ending) -> list[str]:
    """What is wrong under a plan, compared with the world in which nobody died."""
    found, wrong = carry_out(scenario, plan)
    if scenario.races:
        return wrong
    if found.states != calm.states:
        wrong.append(f"the runs came to\n    {found.states}\nand not to\n    {calm.states}")
    if not found.effects >= calm.effects:
        wrong.append(f"these actions had no effect: {sorted(calm.effects - found.effects)}")
    # What was lost with the power may be too late when it is done again: a deadline does not wait.
    if found.story != calm.story and (plan.durability is Durability.STRICT or not plan.loses):
        wrong.append(f"more happened: {found.story - calm.story}, and less: {calm.story - found.story}")
    return wrong


def every_plan(calm: Ending, *, single: bool) -> Iterator[Plan]:
    """A death with every append, in every way; and a second one at the beginning of what follows."""
    for n in range(1, calm.appends + 1):
        for durability, loses in (("relaxed", 0), ("relaxed", 1), ("relaxed", 3), ("strict", 0), ("strict", 9)):
            for then in ((), (1,), (2,)):
                yield Plan((n, *then), Durability(durability), loses, single, recovers=bool((n + len(then)) % 2))
