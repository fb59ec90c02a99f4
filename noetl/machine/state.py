"""The state of a run: tokens and where they are, what each waits for, and the rows of what happened.

It is changed by `evolve` and the changes it applies, and by nothing else.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from noetl.machine.held import Held
from noetl.machine.result import Error, Result
from noetl.machine.view import View
from noetl.machine.waits import Wait
from noetl.model.playbook import Playbook, Step, Work


class Status(StrEnum):
    """The states of a run, a step visit and an action."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


#: The path of the token that a run starts with.
ROOT = "."

#: The states in which nothing more happens.
ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})


class Phase(StrEnum):
    """Where a token is in its step."""

    PENDING = "pending"  # a branch of a fork whose turn has not come
    ARRIVED = "arrived"  # at a step that it has not started
    WORKING = "working"  # in a visit of its step, or in an item of one
    PARKED = "parked"  # at a join, for others


#: The phases in which a token can go on.
MOVING = frozenset({Phase.ARRIVED, Phase.WORKING})


class Stage(StrEnum):
    """Where a frame is in the policies around its work, from the outside in (language.md 6)."""

    ENTERED = "entered"  # `when` and the items of a loop come next
    LOOPING = "looping"  # the next iteration, or the end
    READY = "ready"  # the arguments of a task call, and the first attempt
    BODY = "body"  # an attempt goes on
    TRIED = "tried"  # an attempt has ended: retry, fallback or on
    EXHAUSTED = "exhausted"  # no further attempt: fallback, or on
    DELAYED = "delayed"  # the timer of the next attempt runs
    FALLBACK = "fallback"
    UNDOING = "undoing"  # what the branch has completed is undone, before a failed step goes on
    ENDING = "ending"  # `on_error` and `as`


# As a global: Python 3.11 is slow to find a member in its enum.
_ARRIVED = Phase.ARRIVED


class Timer:
    """`due` is in microseconds since the epoch; `purpose` is `delay`, `wait`, `deadline`, `sla`, `pause` or `start`.

    A deadline belongs to the frame at `depth`; `token` is None for what belongs to the whole run.
    """

    __slots__ = ("depth", "due", "purpose", "token")

    def __init__(self, due: int, token: str | None, purpose: str, depth: int) -> None:
        self.due = due
        self.token = token
        self.purpose = purpose
        self.depth = depth


class Frame(msgspec.Struct, eq=False):
    """One piece of work that a token is in, and how far it has come; the last of a token's frames is the innermost."""

    work: Work
    started_at: int
    #: When this attempt began; `started_at` is when the work did.
    began_at: int
    #: The loop variables and arguments that the work's own templates see, without those of its own loop.
    visible: dict[str, Any] | None
    #: `visible` with the variables of this work's loop.
    local: dict[str, Any] | None
    #: What the calls inside a task see: its arguments and the loop variables of its call.
    body: dict[str, Any] | None
    stage: Stage = Stage.ENTERED
    #: Whether this is one iteration of a parallel loop, whose frame stands in the parent.
    iteration: bool = False
    #: Whether the failure in hand was tolerated by an item's `on_error: continue`.
    tolerated: bool = False
    index: int = -1
    #: What a loop goes through; a number's are never all in memory.
    items: Sequence[Any] | None = None
    #: Of a loop's iterations, all that is kept when they have ended: their data in item order, and their failures.
    data: list[Any] = []
    errors: dict[int, Error] = {}
    #: Of a parallel loop: the first item, in item order, that has failed, and its result.
    first_failure: tuple[int, Result] | None = None
    #: How long all iterations that have ended took together, in seconds.
    spent: float = 0.0
    attempt: int = 0
    attempts: int = 0
    base: View | None = None
    #: The number of the timer that bounds this attempt.
    deadline: int | None = None
    next: int = 0
    results: list[Result] = []
    #: For each of `results`, whether its failure was tolerated.
    excused: list[bool] = []
    strands: dict[int, Token] = {}
    #: The parallel calls of a block that have ended.
    ended: dict[int, tuple[Result, Token]] = {}
    options: dict[str, Any] | None = None
    held: dict[str, Held] = {}
    key: str = ""
    #: Of a failed step that undoes its branch: the numbers of what is still to be undone, oldest first.
    undoes: list[int] = []

    @classmethod
    def of(cls, work: Work, at: int, visible: dict[str, Any] | None) -> Frame:
        """Of work that is entered now."""
        return cls(work, at, at, visible, visible, visible)

    @property
    def done(self) -> int:
        """How many iterations of the loop have ended."""
        return len(self.data) - (len(self.strands) if self.stage is Stage.LOOPING else 0)


class Fork:
    """A step that moved its token on into several branches.

    `origin`: the path of the token that forked. `parent`/`branch`: the branch of the outer fork that it is in.
    `turn_fork`/`turn_branch`: where it stands in the order of branches, which a token keeps after a join. `bound`: how
    many branches may move at once, 0 for all. `movable[b]` counts the tokens and inner forks of branch b that can move,
    `active` the branches where any can, `alive` all that there are of the fork. `arrivals` counts tokens at `any`,
    `first` and N joins, by step index. `united[b]` is a branch that branch b has left the fork with, through a join; it
    stands for both.
    """

    __slots__ = (
        "active",
        "alive",
        "arrivals",
        "bound",
        "branch",
        "depth",
        "error",
        "known",
        "last_error",
        "movable",
        "moving",
        "origin",
        "parent",
        "pending",
        "turn_branch",
        "turn_fork",
        "united",
        "view",
    )

    def __init__(self, token: Token, bound: int) -> None:
        self.origin = token.id
        self.parent = token.fork
        self.branch = token.branch
        self.turn_fork = token.turn_fork
        self.turn_branch = token.turn_branch
        self.depth: int = 1 if token.fork is None else token.fork.depth + 1
        self.bound = bound
        self.view = token.view
        self.known = token.known
        self.error = token.error
        self.last_error = token.last_error
        self.pending: deque[Token] = deque()
        self.movable: dict[int, int] = {}
        self.active = 0
        #: Whether any branch can move or is still to start; it then counts as one that moves in the fork around it.
        self.moving = True
        self.alive = 0
        self.arrivals: dict[int, int] = {}
        self.united: dict[int, int] = {}


class Row(msgspec.Struct, array_like=True, eq=False, gc=False):
    """What a report tells of one visit of a step; times in microseconds since the epoch.

    `number` is its place among the rows of the run. When it has ended it never changes again.
    """

    number: int
    name: str
    visit: int
    started_at: int
    token: str
    status: Status = Status.RUNNING
    ended_at: int | None = None
    attempts: int = 1
    case: int | None = None
    next: list[str] = []
    error: Error | None = None


class Known(msgspec.Struct, eq=False, gc=False):
    """What a branch knows of a step's latest visit: `steps.NAME`. `visits` counts those in this token's past."""

    row: Row
    result: Result | None
    visits: int


class Token:
    """What travels through the playbook; a parallel item of work is a token too, with the `parent` that waits for it.

    `id` is its path: for each fork or parallel item it is inside, the step that forked, the visit, and the branch.
    """

    __slots__ = (
        "branch",
        "case",
        "compensates",
        "error",
        "failure",
        "fork",
        "frames",
        "id",
        "interrupt",
        "known",
        "last_error",
        "late",
        "lost",
        "outcome",
        "parent",
        "phase",
        "result",
        "results",
        "row",
        "slot",
        "step",
        "tolerated",
        "turn_branch",
        "turn_fork",
        "view",
        "visit",
        "wait",
    )

    def __init__(self, id: str, step: Step, view: View, known: View) -> None:
        self.id = id
        self.step = step
        self.view = view
        self.known = known
        self.phase = _ARRIVED
        self.fork: Fork | None = None
        self.branch = 0
        self.turn_fork: Fork | None = None
        self.turn_branch = 0
        self.parent: Token | None = None
        self.slot = 0
        #: What this token undoes.
        self.compensates: Compensation | None = None
        #: The number of the timer that tells when the visit is late.
        self.late: int | None = None
        self.visit = 0
        self.row: Row | None = None
        self.frames: list[Frame] = []
        self.wait: Wait | None = None
        #: The outcome of the work that has just ended and nobody has taken yet.
        self.outcome: Result | None = None
        #: Whether a failure in `outcome` was tolerated by `on_error: continue`.
        self.tolerated = False
        self.case: int | None = None
        #: What the step's work, or a fired case's, failed of; the visit then has status `failed`.
        self.failure: Error | None = None
        self.result: Result | None = None
        self.results: list[Result] = []
        self.error: Error | None = None
        self.last_error: Error | None = None
        #: Whether another branch has won a race against this one.
        self.lost = False
        #: The depth of the frame to unwind to (-1: the whole token), and the error it then ends with (None: cancelled).
        self.interrupt: tuple[int, Error | None] | None = None

    @property
    def local(self) -> dict[str, Any] | None:
        return self.frames[-1].local if self.frames else None

    @property
    def outermost(self) -> Token:
        """The token itself, or that of which it is a parallel item, however deep."""
        token = self
        while token.parent is not None:
            token = token.parent
        return token

    @property
    def undoing(self) -> bool:
        """Whether its step has failed, and what its branch has completed is being undone."""
        return bool(self.frames) and self.frames[0].stage is Stage.UNDOING


class Compensation:
    """Work that has completed and can be undone: what it saw, for the task that undoes it, and what came of it.

    `fork` and `branch` say where it was done.
    """

    __slots__ = (
        "begun",
        "branch",
        "cause",
        "error",
        "fork",
        "known",
        "local",
        "number",
        "result",
        "status",
        "step",
        "undoer",
        "view",
        "visit",
        "work",
    )

    def __init__(self, number: int, work: Work, token: Token, local: dict[str, Any] | None) -> None:
        self.number = number
        self.work = work
        self.step = token.step
        self.visit = token.visit
        self.view = View(None, token.view.flat())
        self.known = View(None, token.known.flat())
        self.local = local
        self.result = token.outcome
        outermost = token.outermost
        self.fork = outermost.turn_fork
        self.branch = outermost.turn_branch
        #: The path of the token whose failed step undoes its branch, with this, and the failure.
        self.undoer = ""
        self.cause: Error | None = None
        #: The `seq` of the event with which undoing it began, 0 before that.
        self.begun = 0
        #: How undoing it went; `pending` before that.
        self.status: Status = Status.PENDING
        self.error: Error | None = None


class Ending:
    """A run that has begun to end: nothing new starts, and what is alive is cancelled."""

    __slots__ = ("by", "error", "reason", "status")

    def __init__(self, status: str, error: Error | None, reason: str | None, by: str | None) -> None:
        self.status = status
        self.error = error
        self.reason = reason
        #: The path of the token whose `stop` ended the run.
        self.by = by


class Run:
    """One run of a playbook, as the fold of its events.

    `changed` and `timers_changed` name the tokens and timers whose waits changed since the runtime last looked. They,
    `ready` (who may have something to do) and `startable` (which forks may have a branch to start) are where to look
    first, and no part of the state.
    """

    def __init__(self, playbook: Playbook, execution_id: str) -> None:
        self.playbook = playbook
        self.id = execution_id
        self.seq = 0
        self.at = 0
        self.status: Status = Status.PENDING
        self.attempt = 1
        self.started_at = 0
        self.ended_at: int | None = None
        self.inputs: Mapping[str, Any] = {}
        self.environment: dict[str, Any] = {}
        self.names: dict[str, Any] = {}
        self.base = View()
        self.tokens: dict[str, Token] = {}
        self.ready: OrderedDict[str, Token] = OrderedDict()
        self.startable: deque[Fork] = deque()
        self.parked: dict[int, list[Token]] = {}
        self.running_at: dict[int, int] = {}
        self.arriving_at: dict[int, int] = {}
        self.visits: dict[str, int] = {}
        self.rows: list[Row] = []
        self.timers: dict[int, Timer] = {}
        self.next_timer = 1
        self.signals: list[tuple[str, Any]] = []
        #: The greatest number of a command that has been carried out: one that comes again does nothing.
        self.last_command = 0
        self.ended: list[tuple[tuple[int, ...], Token]] = []
        self.ending: Ending | None = None
        #: What has completed and can be undone, in order of completion.
        self.compensations: list[Compensation] = []
        #: All retries so far, which a `retry_budget` bounds.
        self.retries = 0
        #: When a run that tries a failed one again begins, while it still waits for that.
        self.starts_at: int | None = None
        #: Of a run that repeats another one: `of`, that run; `from`, a step from which on nothing is taken over, or
        #: null; `origin` and `at`, the first run of all that were repeated so and its start, from which is drawn.
        self.rerun: Mapping[str, Any] | None = None
        #: When this run, which has failed, is tried again, and as which attempt.
        self.again: tuple[int, int] | None = None
        #: The failure that a report names: the one that ended the run, or under `on_error: continue` the first.
        self.error: Error | None = None
        self.outputs: dict[str, Any] = {}
        self.changed: dict[str, None] = {}
        self.timers_changed: dict[int, None] = {}
        self.joins = any(step.join != "each" for step in playbook.steps.values())

    @property
    def over(self) -> bool:
        return self.status in ENDED

    @property
    def origin(self) -> str:
        """The run whose `uuid()` and `random()` this one draws."""
        return self.id if self.rerun is None else str(self.rerun["origin"])

    def wake(self, token: Token) -> None:
        """The token has something to do that waits for nothing outside."""
        self.ready.setdefault(token.id, token)
