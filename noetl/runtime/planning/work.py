"""Plans the work of a step or case: its calls in order, each with what stands around it and what it would touch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from noetl.actions.touch import Touch, Unknown, after
from noetl.language.checks.sites import AnyWork
from noetl.model.playbook import SEQUENTIAL, ActionCall, Block, TaskCall
from noetl.runtime.planning.around import add, loop_names, tell_loop, tell_policies, told_condition, told_value
from noetl.runtime.planning.outlook import Outlook
from noetl.runtime.planning.plan import Work
from noetl.runtime.planning.touching import Teller

#: A longer plan nobody reads, and tasks that call tasks can make one of any length.
MOST_WORK = 10_000

#: So deep may tasks call tasks in a plan.
DEEPEST = 50

#: A loop over so many known items is told item by item.
MOST_ITEMS = 20

_FAILURE = Unknown.of(("the failure",))
_KINDS = {ActionCall: "action", TaskCall: "task", Block: "block"}


class WorkPlanner:
    """Plans work with the values that are known where it stands."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._left = MOST_WORK
        self._depth = 0
        #: Whether some work was left out, since there is too much.
        self.truncated = False

    def plan(self, work: AnyWork, outlook: Outlook, name: str) -> Work:
        """The plan of a piece of work; afterwards the outlook has what it may have changed, under this name."""
        plan = self._begun(work, name)
        if work.when is not None:
            plan.when = told_condition(work.when, outlook, plan.problems)
            plan.skipped = plan.when.holds is False
        if not plan.skipped:
            self._inside(plan, work, outlook)
            outlook.changed(outlook.begun.writes.of_work(work), name)
        outlook.changes.outcome = Unknown.of((after(name),))
        return plan

    def _begun(self, work: AnyWork, name: str) -> Work:
        self._left -= 1
        return Work(kind=_KINDS[type(work)], name=name, place=work.place, line=work.span.line)

    def _inside(self, plan: Work, work: AnyWork, outlook: Outlook) -> None:
        items: Sequence[Any] | None = None
        inner = outlook
        if work.loop is not None:
            items = tell_loop(plan, work.loop, outlook)
            # An iteration sees what those before it have set.
            outlook.changed(outlook.begun.writes.of_work(work), plan.name)
            names = loop_names(work.loop, None if items is None else len(items))
            inner = outlook.with_names({**outlook.local.values_shown, **names})
        tell_policies(plan, work, inner)
        if isinstance(work, ActionCall):
            self._tell(plan, work, inner, items)
        elif isinstance(work, TaskCall):
            own = {} if work.loop is None else loop_names(work.loop, None if items is None else len(items))
            self._enter(plan, work, inner, own)
        else:
            plan.parallel = work.parallel
            plan.calls = self._calls(work.run, work.parallel, inner)
        plan.fallback = self._spare(work.fallback, inner)
        plan.compensate = self._spare(work.compensate, inner.apart())

    def _calls(self, calls: Sequence[ActionCall | TaskCall], parallel: int, outlook: Outlook) -> list[Work]:
        found = []
        self._depth += 1
        for call in calls:
            if self._left <= 0 or self._depth > DEEPEST:
                self.truncated = True
                break
            place = outlook if parallel == SEQUENTIAL else outlook.apart()
            found.append(self.plan(call, place, call.action if isinstance(call, ActionCall) else call.task))
        self._depth -= 1
        return found

    def _enter(self, plan: Work, call: TaskCall, outlook: Outlook, outer: Any) -> None:
        """The calls of a task, which see its arguments and the names `outer`."""
        task = outlook.begun.playbook.tasks[call.task]
        templates = {**task.args, **call.args}
        arguments = {name: told_value(plan, template.value, outlook) for name, template in templates.items()}
        plan.parallel = task.parallel
        plan.calls = self._calls(task.run, task.parallel, outlook.with_names({**outer, **arguments}))

    def _spare(self, call: TaskCall | None, outlook: Outlook) -> Work | None:
        """What takes the place of failed work, or undoes it: it sees what that saw, and the failure."""
        if call is None:
            return None
        plan = self._begun(call, call.task)
        names = {**outlook.local.values_shown, "error": _FAILURE, "last_error": _FAILURE}
        place = outlook.with_names(names)
        tell_policies(plan, call, place)
        self._enter(plan, call, place, names)
        return plan

    def _tell(self, plan: Work, call: ActionCall, outlook: Outlook, items: Sequence[Any] | None) -> None:
        plan.limit, plan.runtime = call.limit, call.runtime
        touches: dict[str, Touch] = {}
        silent = True
        for place in _iterations(call, outlook, items):
            told = self._teller.tell(call, place)
            touches.update({touch.text: touch for touch in told.touches or ()})
            silent = silent and told.touches is None
            add(plan.needs, told.needs)
            add(plan.problems, () if told.problem is None else (told.problem,))
        plan.touches = None if silent else list(touches.values())


def _iterations(call: ActionCall, outlook: Outlook, items: Sequence[Any] | None) -> Iterator[Outlook]:
    """The places that the options are rendered in: each iteration of a short loop, else any."""
    if call.loop is None or items is None or not 0 < len(items) <= MOST_ITEMS:
        yield outlook
        return
    for index, item in enumerate(items):
        names = loop_names(call.loop, len(items), index, item)
        yield outlook.with_names({**outlook.local.values_shown, **names})
