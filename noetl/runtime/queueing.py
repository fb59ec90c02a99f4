"""The actions of one run that wait for a limit, or are refused by it. Knows not how an action is carried out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from noetl.errors import ErrorKind
from noetl.machine import ActionEnded, Fact, Run, RunAction, Said
from noetl.machine.result import make_error
from noetl.model.event import Kind
from noetl.runtime.admission import Admission
from noetl.runtime.clock import microseconds
from noetl.runtime.limits import Demand, Refused


class Queueing:
    """`start` is called with an action when its turn has come; `feed` tells the machine what becomes of the others."""

    def __init__(
        self,
        admission: Admission,
        *,
        bounded: bool,
        start: Callable[[RunAction, Demand | None], None],
        feed: Callable[[Fact], None],
    ) -> None:
        self._admission = admission
        self._bounded = bounded
        self._start = start
        self._feed = feed
        #: By the number of the action.
        self._queued: dict[int, Demand] = {}

    def holds(self, wait: int) -> bool:
        """Whether the action with this number waits."""
        return wait in self._queued

    def admit(self, run: Run, command: RunAction) -> None:
        """Start the action, now or when its turn has come; or it comes to nothing."""
        demand = self._demand(run, command)
        if demand is None or self._ask(command, demand):
            self._start(command, demand)

    def leave(self, demand: Demand, *, failed: bool | None) -> None:
        """An action that had started is over; `failed` None says that it was cancelled."""
        state = self._admission.leave(demand, failed=failed)
        if state is not None and demand.limit is not None:
            data = {"limit": demand.limit.name, "state": state}
            self._feed(Said(at=microseconds(), token="", kind=Kind.CIRCUIT_CHANGED, data=data))

    def withdraw(self, wait: int) -> None:
        """The action with this number waits, and does not want to start any more."""
        self._admission.withdraw(self._queued.pop(wait))

    def withdraw_all(self) -> None:
        for wait in list(self._queued):
            self.withdraw(wait)

    def close(self, run: Run) -> None:
        """The run asks for nothing more."""
        self.withdraw_all()
        self._admission.forget(run.id)

    def _demand(self, run: Run, command: RunAction) -> Demand | None:
        """What the action needs before it may start; None where nothing bounds it."""
        playbook, work = run.playbook, command.work
        if work.limit is None and playbook.concurrency is None and not self._bounded:
            return None
        return Demand(
            run.id,
            playbook.steps[command.step].priority,
            self._admission.now(),
            limit=None if work.limit is None else playbook.limits[work.limit],
            run_bound=playbook.concurrency,
            # A playbook that calls another does nothing itself, and must not keep the place that the other needs.
            takes_place=work.action != "playbook",
            start=partial(self._start_queued, command),
            refuse=partial(self._refuse, command),
        )

    def _ask(self, command: RunAction, demand: Demand) -> bool:
        """Whether the action may start now; if not, it is queued, or has come to nothing."""
        try:
            reason = self._admission.ask(demand)
        except Refused as refused:
            self._refuse(command, refused)
            return False
        if reason is None:
            return True
        self._queued[command.wait] = demand
        data = {"place": command.work.place, "action": command.work.action, "reason": reason}
        self._feed(Said(at=microseconds(), token=command.token, kind=Kind.ACTION_QUEUED, data=data))
        return False

    def _start_queued(self, command: RunAction) -> None:
        demand = self._queued.pop(command.wait)
        self._start(command, demand)
        waited_s = round(self._admission.now() - demand.since, 6)
        data = {"place": command.work.place, "queued": waited_s}
        self._feed(Said(at=microseconds(), token=command.token, kind=Kind.ACTION_PROGRESS, data=data))

    def _refuse(self, command: RunAction, refused: Refused) -> None:
        self._queued.pop(command.wait, None)
        error = make_error(
            ErrorKind.TRANSIENT,
            refused.code,
            str(refused),
            step=command.step,
            action=command.work.action,
            attempt=command.attempt,
        )
        self._feed(ActionEnded(at=microseconds(), token=command.token, wait=command.wait, error=error))
