"""Where tokens can go: `cycle-without-exit`, `unreachable-step`, `dead-case` (language.md 3)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from noetl.errors import Problem, Severity
from noetl.language.checks.components import cyclic_components, shortest_cycle
from noetl.language.checks.survey import Survey
from noetl.model.playbook import ActionCall, Block, Case, Playbook, Step, Take, TaskCall

#: A longer cycle is told by its first steps.
_MOST_SHOWN = 6


class Flow:
    """The moves that can happen, by the index of the step."""

    def __init__(self, playbook: Playbook) -> None:
        self.steps = playbook.step_list
        self._index = {step.name: step.index for step in self.steps}
        self.live = [live_cases(step) for step in self.steps]
        self.successors = [self._targets(cases) for cases in self.live]
        self.start = [self._index[name] for name in playbook.start if name in self._index]

    def targets(self, case: Case) -> list[int]:
        """The steps that a case moves to, in order."""
        return [self._index[name] for name in case.moves if name in self._index]

    def _targets(self, cases: list[Case]) -> list[int]:
        return list(dict.fromkeys(target for case in cases for target in self.targets(case)))

    @cached_property
    def reached(self) -> frozenset[int]:
        """The steps that a token can come to."""
        found = set(self.start)
        todo = list(found)
        while todo:
            for target in self.successors[todo.pop()]:
                if target not in found:
                    found.add(target)
                    todo.append(target)
        return frozenset(found)


def live_cases(step: Step) -> list[Case]:
    """The cases that can fire: below an unconditional one, those that read the outcome of work."""
    if step.take is Take.ALL:
        return list(step.cases)
    found: list[Case] = []
    decided = False
    may_have_failed = step.work is not None
    for case in step.cases:
        if not decided or (case.reads_outcome and may_have_failed):
            found.append(case)
            may_have_failed = may_have_failed or case.work is not None
        decided = decided or case.condition is None
    return found


def check_flow(survey: Survey, flow: Flow) -> Iterator[Problem]:
    """Cycles that nothing leaves, steps that nothing reaches, and cases that nothing tries."""
    yield from _dead_cases(flow)
    yield from _unreachable(flow)
    yield from _endless(survey, flow)


def _dead_cases(flow: Flow) -> Iterator[Problem]:
    for step, live in zip(flow.steps, flow.live, strict=True):
        if len(live) < len(step.cases):
            always = next(case.number for case in step.cases if case.condition is None)
            alive = {case.number for case in live}
            for case in step.cases:
                if case.number not in alive:
                    message = (
                        f"case {case.number} of step '{step.name}' never fires: case {always} above it is always true"
                    )
                    yield Problem("dead-case", message, case.span, Severity.WARNING)


def _unreachable(flow: Flow) -> Iterator[Problem]:
    for step in flow.steps:
        if step.index not in flow.reached:
            message = f"step '{step.name}' is never reached from the start"
            yield Problem("unreachable-step", message, step.span, Severity.WARNING)


def _endless(survey: Survey, flow: Flow) -> Iterator[Problem]:
    components = cyclic_components(flow.successors)
    if not components:
        return
    ending_tasks = _ending_tasks(survey)
    for component in components:
        within = set(component)
        if not any(_has_exit(flow, index, within, ending_tasks) for index in component):
            cycle = [flow.steps[index].name for index in shortest_cycle(flow.successors, component[0], within)]
            message = f"the cycle {_chain(cycle)} has no exit: no case leads out of it or ends"
            hint = "let one of its cases end the branch with 'run: []', or move to another step"
            yield Problem("cycle-without-exit", message, flow.steps[component[0]].span, hint=hint)


def _chain(names: list[str]) -> str:
    if len(names) > _MOST_SHOWN:
        names = [*names[: _MOST_SHOWN - 1], "...", names[-1]]
    return " -> ".join(names)


def _has_exit(flow: Flow, index: int, within: set[int], ending_tasks: frozenset[str]) -> bool:
    step = flow.steps[index]
    live = flow.live[index]
    if all(case.condition is not None for case in live):
        return True
    if any(not case.moves or not within.issuperset(flow.targets(case)) for case in live):
        return True
    return step.work is not None and _ends_run(step.work, ending_tasks)


def _ends_run(work: ActionCall | TaskCall | Block, ending_tasks: frozenset[str]) -> bool:
    """Whether `stop` or `fail` stands in the work, in a task that it calls, or in a fallback."""
    if isinstance(work, ActionCall):
        ends = work.action in ("stop", "fail")
    elif isinstance(work, TaskCall):
        ends = work.task in ending_tasks
    else:
        ends = any(_ends_run(call, ending_tasks) for call in work.run)
    return ends or (work.fallback is not None and _ends_run(work.fallback, ending_tasks))


def _ending_tasks(survey: Survey) -> frozenset[str]:
    """The tasks in which `stop` or `fail` may be carried out, in themselves or in a task that they call."""
    found = {
        task.name for task in survey.playbook.tasks.values() if any(_ends_run(call, frozenset()) for call in task.run)
    }
    todo = list(found)
    while todo:
        for use in survey.calls[todo.pop()]:
            caller = use.site.task
            if caller is not None and caller not in found:
                found.add(caller)
                todo.append(caller)
    return frozenset(found)
