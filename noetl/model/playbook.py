"""The checked playbook: what the machine interprets, with every name resolved and every expression compiled.

Made of msgspec's structs: a large playbook has a million of them, and no dataclass is made as fast, nor its class. No
part of a playbook leads back to itself, so the garbage collector need not look at them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec

from noetl.model.expression import Expression, Template
from noetl.span import Source, Span


class OnError(StrEnum):
    """What becomes of a failure: of work (`fail`, `continue`) or, in a playbook, of the run (`abort`, `continue`).

    Of the work of a step also `compensate`: what its branch has completed is undone, and then it is as with `continue`.
    """

    FAIL = "fail"
    ABORT = "abort"
    CONTINUE = "continue"
    COMPENSATE = "compensate"


class Merge(StrEnum):
    """What a join does where two arrivals set one variable to different values."""

    CONFLICT = "conflict"
    LAST = "last"
    COLLECT = "collect"


class Join(StrEnum):
    """When a step that several tokens reach runs; a number N is the count of a JoinCount."""

    EACH = "each"
    ALL = "all"
    ANY = "any"
    FIRST = "first"


class Scope(StrEnum):
    """Whether branches have views of their own (`branch`), or all nodes share one set of variables (`shared`)."""

    BRANCH = "branch"
    SHARED = "shared"


class Take(StrEnum):
    """Which cases of a step fire: the first that holds, or all that hold."""

    FIRST = "first"
    ALL = "all"


#: A bound of concurrency: 1 is one after the other, 0 is without a bound.
SEQUENTIAL = 1
UNBOUNDED = 0


class Retry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`retry: {attempts: 5, delay: 2s, on: [transient, 429]}`; durations in seconds."""

    attempts: int | Expression = 3
    delay: float | Expression = 1.0
    backoff: str = "exponential"
    multiplier: float = 2.0
    max_delay: float = 60.0
    jitter: float = 0.0
    on: tuple[str | int, ...] = ()
    when: Expression | None = None
    span: Span


class Loop(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`loop: {items: "{{ files }}", as: file, parallel: 4}`, or `while`/`until` with a `max`."""

    items: Template | None = None
    while_: Expression | None = None
    until: Expression | None = None
    name: str = "item"
    parallel: int | Expression = SEQUENTIAL
    max: int | Expression = 10_000
    on_error: OnError = OnError.FAIL
    span: Span


class Store(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`as: rows` keeps the data in one variable; `as: {n: "{{ data.count }}"}` unpacks it into several."""

    name: str | None = None
    unpack: tuple[tuple[str, Template], ...] = ()
    span: Span


class CircuitBreaker(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Opens when the share of failures among the calls of the last `window` seconds reaches `threshold`.

    While it is open nothing is called; after `open_for` seconds `half_open` calls try whether it works again.
    """

    threshold: float = 0.5
    window: float = 60.0
    open_for: float = 30.0
    half_open: int = 1


class Limit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What actions with this `limit` share, in all runs of one engine.

    `concurrency` of them run at once, and `rate` start per second after a first `burst`. An `adaptive` limit lets fewer
    run at once as more of them fail. What has waited `queue_timeout` seconds fails.
    """

    name: str
    concurrency: int | None = None
    rate: float | None = None
    burst: int = 1
    adaptive: bool = False
    queue_timeout: float | None = None
    circuit_breaker: CircuitBreaker | None = None
    span: Span


class Work(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a step can be busy with, and the policies around it.

    `id` indexes `Playbook.works`; `place` names it for people and for idempotency keys (`Load.run[1]`). The policies
    nest as language.md 6 says: `when` once; then for each iteration `timeout`, `retry`, `fallback`; then `on_error` and
    `store` once.
    """

    id: int
    place: str
    span: Span
    when: Expression | None = None
    loop: Loop | None = None
    retry: Retry | None = None
    timeout: float | Expression | None = None
    on_error: OnError = OnError.FAIL
    fallback: TaskCall | None = None
    compensate: TaskCall | None = None
    store: Store | None = None

    @property
    def title(self) -> str:
        """What a sentence for people calls it."""
        return self.place

    @property
    def plain(self) -> bool:
        """Whether no policy stands around it (`store` is none)."""
        return (
            self.when is None
            and self.loop is None
            and self.retry is None
            and self.timeout is None
            and self.fallback is None
            and self.compensate is None
            and self.on_error is OnError.FAIL
        )


class Later(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An option, a mapping, some `keys` of which the handler renders itself while it works, as often as it needs.

    They read `names`, which the handler gives, beside those of the run; `conditions` are the keys that hold conditions.
    """

    names: frozenset[str]
    keys: frozenset[str]
    conditions: frozenset[str] = frozenset()


class ActionCall(Work, frozen=True, kw_only=True, gc=False):
    """`{action: shell, cmd: [wc, -l], as: lines}`; `options` are the handler's own keys.

    `later` are those of them that are not rendered before the action is carried out. `bare` says that it has neither
    policies nor `as`: it is begun, and when it ends its result is that of the whole. `settled` says that nothing in its
    options is to be evaluated.
    """

    action: str
    options: Mapping[str, Template]
    later: Mapping[str, Later] = msgspec.field(default_factory=dict)
    limit: str | None = None
    runtime: str | None = None
    bare: bool = False
    settled: bool = False

    def __post_init__(self) -> None:
        settled = not self.later and all(option.constant for option in self.options.values())
        msgspec.structs.force_setattr(self, "bare", self.plain and self.store is None)
        msgspec.structs.force_setattr(self, "settled", settled)

    @property
    def title(self) -> str:
        """What a sentence for people calls it."""
        return f"action '{self.action}'"


class TaskCall(Work, frozen=True, kw_only=True, gc=False):
    """`{task: create_table, with: {name: orders}}`."""

    task: str
    args: Mapping[str, Template]

    @property
    def title(self) -> str:
        """What a sentence for people calls it."""
        return f"task '{self.task}'"


class Block(Work, frozen=True, kw_only=True, gc=False):
    """The work of a step or of a fired case: a list of calls, at most `parallel` at once.

    `alone` says that it is a single call and the list around it has no policies, so that the call stands for all of it.
    """

    run: tuple[ActionCall | TaskCall, ...]
    parallel: int = SEQUENTIAL
    alone: bool = False

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "alone", len(self.run) == 1 and self.plain)

    @property
    def title(self) -> str:
        """What a sentence for people calls it."""
        return "the work"


class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A named sequence of calls; `args` are the defaults of its arguments."""

    name: str
    run: tuple[ActionCall | TaskCall, ...]
    parallel: int = SEQUENTIAL
    args: Mapping[str, Template] = msgspec.field(default_factory=dict)
    description: str | None = None
    span: Span


class Case(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`- case: "{{ kept > 0 }}"` with `run:` either steps to move to, or work; `number` counts from 1.

    `condition` is None where it is always true. `reads_outcome` says that the condition reads how the work went, so
    that the case is a candidate when the step has failed.
    """

    number: int
    condition: Expression | None
    reads_outcome: bool
    moves: tuple[str, ...] = ()
    work: Block | None = None
    span: Span

    @property
    def place(self) -> str:
        """Its name inside the step."""
        return f"rule[{self.number}]"


class Step(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A state of the playbook: its work, then the ordered cases that say where the token goes.

    `parallel` bounds the branches of its fork. `join` is a Join or the number of arrivals it waits for; `join_given`
    says that the text has it. `quick` is its work where that is a single `set` without policies, which the machine does
    without keeping track of it. `instant` says that a token passes it without a stop: it has quick work, and all that
    its cases do is to move the token.
    """

    name: str
    index: int
    work: Block | None = None
    cases: tuple[Case, ...] = ()
    parallel: int = SEQUENTIAL
    join: Join | int = Join.EACH
    join_given: bool = False
    merge: Merge = Merge.CONFLICT
    take: Take = Take.FIRST
    priority: str = "normal"
    sla: float | None = None
    max_visits: int = 10_000
    description: str | None = None
    span: Span
    quick: ActionCall | None = None
    instant: bool = False

    def __post_init__(self) -> None:
        work = self.work
        only = work.run[0] if work is not None and work.alone else None
        simple = (
            isinstance(only, ActionCall)
            and only.action == "set"
            and only.bare
            and "values" in only.options
            and isinstance(only.options["values"].value, dict)
        )
        passed = (
            simple and self.join is Join.EACH and self.sla is None and all(len(case.moves) == 1 for case in self.cases)
        )
        msgspec.structs.force_setattr(self, "quick", only if simple else None)
        msgspec.structs.force_setattr(self, "instant", passed)


class Input(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A parameter: its JSON Schema (without noetl's own keys), default, and whether a value must be given."""

    name: str
    schema: Mapping[str, Any]
    default: Any = None
    required: bool = False
    description: str | None = None
    span: Span


class Secret(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`token: env:SHOP_TOKEN`: a name, and where its value is read from when the run starts."""

    name: str
    scheme: str
    reference: str
    span: Span


class Playbook(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A whole playbook that has been checked.

    `works[i].id == i` for all work there is. `environment` and `context` are in the order in which they are rendered.
    `outputs` is None without that section. `held` are the environment entries that read `secrets` or `env` (language.md
    5). `retry` is what `on_error: {retry: ...}` says. Durations are in seconds.
    """

    name: str
    source: Source
    version: str | None = None
    description: str | None = None
    labels: Mapping[str, Any] = msgspec.field(default_factory=dict)
    inputs: Mapping[str, Input]
    environment: Mapping[str, Template]
    held: frozenset[str] = frozenset()
    context: Mapping[str, Template]
    secrets: Mapping[str, Secret]
    tasks: Mapping[str, Task]
    steps: Mapping[str, Step]
    start: tuple[str, ...]
    parallel: int = SEQUENTIAL
    timeout: float | Expression | None = None
    on_error: OnError = OnError.ABORT
    retry: Retry | None = None
    retry_budget: int | None = None
    sla: float | None = None
    concurrency: int | None = None
    limits: Mapping[str, Limit] = msgspec.field(default_factory=dict)
    outputs: Mapping[str, Template] | None = None
    scope: Scope = Scope.BRANCH
    works: tuple[ActionCall | TaskCall | Block, ...]

    def __repr__(self) -> str:
        return f"Playbook({self.name!r})"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the text."""
        return hashlib.sha256(self.source.text.encode()).hexdigest()

    @property
    def span(self) -> Span:
        """The beginning of the text."""
        return Span(self.source, 1, 1)

    @cached_property
    def step_list(self) -> tuple[Step, ...]:
        """The steps by `Step.index`."""
        return tuple(self.steps.values())

    @cached_property
    def _predecessors(self) -> list[list[int]]:
        found: list[dict[int, None]] = [{} for _ in self.steps]
        for step in self.steps.values():
            for case in step.cases:
                for name in case.moves:
                    found[self.steps[name].index][step.index] = None
        return [list(steps) for steps in found]

    @cached_property
    def _reaching(self) -> dict[int, int]:
        return {}

    @cached_property
    def _bit_sets(self) -> dict[int, int]:
        """Each bit set that is kept, once: all steps of a cycle have the same."""
        return {}

    def reaching(self, index: int) -> int:
        """The bit set of the steps from which a token can still come to the step with this index."""
        kept = self._reaching
        if index not in kept:
            beyond = 0
            seen: set[int] = set()
            todo = self._predecessors[index].copy()
            while todo:
                step = todo.pop()
                if step not in seen:
                    seen.add(step)
                    # What comes to a step that was asked for before is known: the walk ends there.
                    if step in kept:
                        beyond |= kept[step]
                    else:
                        todo += self._predecessors[step]
            found = beyond | _bit_set(seen, len(self.steps))
            kept[index] = self._bit_sets.setdefault(found, found)
        return kept[index]


def _bit_set(members: set[int], size: int) -> int:
    found = bytearray(size // 8 + 1)
    for member in members:
        found[member >> 3] |= 1 << (member & 7)
    return int.from_bytes(found, "little")
