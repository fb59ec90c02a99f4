"""Drives the machine alone: actions answer from a script, time passes when nothing else happens, nothing is real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from noetl.actions.registry import Registry, Shapes
from noetl.language import coerce_inputs, parse
from noetl.machine import (
    ActionEnded,
    Advance,
    Cancel,
    Fact,
    Run,
    RunAction,
    Signal,
    Start,
    StopAction,
    TimerDue,
    changed,
    decide,
    evolve,
    outstanding,
)
from noetl.machine.result import make_error
from noetl.model.event import Event
from noetl.model.playbook import Playbook
from noetl.span import Source

SHAPES = Shapes(Registry())

HEAD = "apiVersion: noetl.io/v1\nkind: Playbook\nname: test\n"


@dataclass
class Failure:
    """What a scripted action fails with."""

    code: str = "broken"
    kind: str = "permanent"
    message: str = "it broke"
    fields: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


class Never:
    """A scripted action that does not end by itself."""


#: What an action answers: from its rendered options and the attempt.
Answer = Callable[[RunAction], Any]


def playbook_of(text: str) -> Playbook:
    """The playbook of a text without its head lines; fails on any error."""
    playbook, problems = parse(Source("test.yaml", HEAD + text), SHAPES)
    errors = [problem.render() for problem in problems if problem.severity == "error"]
    assert playbook is not None, "\n".join(errors)
    assert not errors, "\n".join(errors)
    return playbook


def echo(command: RunAction) -> Any:
    """An action whose data is its `cmd`, with `fail` in it a failure, with `never` no end."""
    cmd = command.options.get("cmd")
    if isinstance(cmd, str) and "fail" in cmd:
        return Failure()
    if isinstance(cmd, str) and "never" in cmd:
        return Never()
    return cmd


@dataclass
class Simulation:
    """A run of a playbook with scripted actions.

    `choose` picks which of the actions in flight ends next, by index. With `rebuilds` the run is folded again from its encoded
    events after every one of them.
    """

    playbook: Playbook
    answer: Answer = echo
    choose: Callable[[int], int] = lambda count: 0
    inputs: dict[str, Any] = field(default_factory=dict)
    rebuilds: bool = False
    events: list[Event] = field(default_factory=list)
    started: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run = Run(self.playbook, "01J0000000000000000000TEST")
        self.clock = 1_000_000
        self.seen: set[int] = set()

    def feed(self, fact: Fact) -> None:
        batch = 1 if self.rebuilds else 512
        events = decide(self.run, fact, batch=batch)
        while events:
            self.events += events
            if self.rebuilds:
                self.run = refold(self.playbook, self.events)
            if len(events) < batch and not self.run.ready:
                break
            events = decide(self.run, Advance(at=self.clock), batch=batch)

    def start(self) -> Simulation:
        inputs = coerce_inputs(self.playbook, self.inputs)
        self.feed(Start(at=self.clock, inputs=inputs, env={"HOME": "/home/test"}))
        return self

    def step(self) -> bool:
        """Let one thing happen; False when nothing can."""
        self.clock += 1000
        todo = outstanding(self.run)
        changed(self.run)
        for command in todo.actions.values():
            if isinstance(command, StopAction):
                self.feed(ActionEnded(at=self.clock, token=command.token, wait=command.wait, cancelled=True))
                return True
        commands = [command for command in todo.actions.values() if isinstance(command, RunAction)]
        for command in commands:
            if command.wait not in self.seen:
                self.seen.add(command.wait)
                self.started.append((str(command.options.get("cmd", command.options)), command.attempt))
        ending = [(command, answer) for command in commands if not isinstance(answer := self.answer(command), Never)]
        if ending:
            self._end(*ending[self.choose(len(ending))])
            return True
        late = [command for command in commands if command.timeout is not None]
        if late:
            self._end(late[0], Failure("timeout", "transient", "too late"))
            return True
        if todo.timers:
            due, number = min((due, number) for number, due in todo.timers.items() if due is not None)
            self.clock = max(self.clock, due)
            self.feed(TimerDue(at=self.clock, timer=number))
            return True
        return False

    def _end(self, command: RunAction, answer: Any) -> None:
        error = None
        data, fields = answer, {}
        if isinstance(answer, Failure):
            error = make_error(answer.kind, answer.code, answer.message, details=answer.details, action="shell")
            data, fields = None, dict(answer.fields)
        self.feed(
            ActionEnded(at=self.clock, token=command.token, wait=command.wait, data=data, fields=fields, error=error)
        )

    def finish(self) -> Simulation:
        """Go on until the run is over, or waits for something that nobody will do."""
        self.start()
        return self.go_on()

    def go_on(self) -> Simulation:
        """From wherever the run is."""
        self.feed(Advance(at=self.clock))
        for _ in range(200_000):
            if self.run.over or not self.step():
                return self
        raise AssertionError("the run does not end")

    def cancel(self, reason: str = "enough") -> None:
        self.feed(Cancel(at=self.clock, reason=reason))

    def signal(self, event: str, data: Any = None) -> None:
        self.feed(Signal(at=self.clock, event=event, data=data))

    @property
    def outputs(self) -> dict[str, Any]:
        return self.run.outputs

    @property
    def path(self) -> list[str]:
        """The steps in order of start."""
        return [row.name for row in self.run.rows]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def refold(playbook: Playbook, events: list[Event]) -> Run:
    """The run as its encoded and decoded events give it."""
    run = Run(playbook, events[0].execution_id)
    for event in events:
        evolve(run, msgspec.json.decode(msgspec.json.encode(event), type=Event))
    return run


def simulate(text: str, **options: Any) -> Simulation:
    """Run a playbook, given without its head lines, to its end."""
    return Simulation(playbook_of(text), **options).finish()


def final_state(run: Run) -> dict[str, Any]:
    """What a run came to, without what depends on timing."""
    rows = sorted(
        (row.token, row.name, str(row.status), row.attempts, row.case or 0, row.next, (row.error or {}).get("code", ""))
        for row in run.rows
    )
    return {
        "status": str(run.status),
        "outputs": run.outputs,
        "error": None if run.error is None else {k: run.error[k] for k in ("kind", "code", "message")},
        "rows": rows,
        "tokens": sorted(run.tokens),
    }
