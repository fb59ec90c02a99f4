"""Where branches come together: `missing-join` and `merge-conflict-possible` (language.md 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from noetl.errors import Problem, Severity
from noetl.language.checks.effects import effects_of
from noetl.language.checks.flow import Flow
from noetl.language.checks.forks import Fork, forks_of
from noetl.language.checks.sites import UNKNOWN, Write, holds_expression
from noetl.language.checks.survey import Survey
from noetl.model.playbook import SEQUENTIAL, ActionCall, Join, Merge, Scope, Step, Task, TaskCall

_MERGE_HINT = "'merge: last' or 'merge: collect' on step '{}' settles it"


def check_merges(survey: Survey, flow: Flow) -> Iterator[Problem]:
    """Steps that run once for each branch though nobody said so, and variables that two branches or items set."""
    yield from _Merges(survey, flow).problems()
    if survey.playbook.scope is Scope.BRANCH:
        yield from _conflicts_of_items(survey)


class _Merges:
    def __init__(self, survey: Survey, flow: Flow) -> None:
        self._survey = survey
        self._flow = flow
        self._outputs = _read_by_outputs(survey)
        self._told: set[tuple[str, str]] = set()
        self._writes: dict[int, list[Write]] = {}

    def problems(self) -> Iterator[Problem]:
        branches_have_views = self._survey.playbook.scope is Scope.BRANCH
        for fork in forks_of(self._flow):
            for index in fork.meetings:
                step = self._flow.steps[index]
                if step.join is Join.EACH:
                    if not step.join_given:
                        yield from self._missing_join(step, fork)
                elif branches_have_views and step.merge is Merge.CONFLICT and _takes_several(step):
                    yield from self._conflicts_at(step, fork)
            if self._outputs and branches_have_views:
                yield from self._conflicts_of_ended(fork)

    def _missing_join(self, step: Step, fork: Fork) -> Iterator[Problem]:
        if self._is_new(step.name, ""):
            message = f"two branches of the fork in {fork.place} reach step '{step.name}', which has no 'join'"
            hint = "it runs once for each; 'join: all' makes it run once, and 'join: each' says that this is meant"
            yield Problem("missing-join", message, step.span, Severity.WARNING, hint)

    def _conflicts_at(self, step: Step, fork: Fork) -> Iterator[Problem]:
        owned = [
            (fork.owner[index], write)
            for index in fork.leading_into(step.index)
            for write in self._set_before_moving(index)
        ]
        for first, second in _clashes(owned):
            if self._is_new(step.name, second.name):
                what = f"two branches that meet in '{step.name}'"
                yield _conflict(self._survey, what, first, second, _MERGE_HINT.format(step.name))

    def _conflicts_of_ended(self, fork: Fork) -> Iterator[Problem]:
        steps = self._flow.steps
        ends = [index for index in fork.owner if index not in fork.meetings and _ends(self._flow, index)]
        owned = [
            (fork.owner[index], write)
            for index in fork.leading_to(ends)
            for write in (*self._set_before_moving(index), *self._set_by_cases(steps[index]))
            if write.name in self._outputs
        ]
        for first, second in _clashes(owned):
            if self._is_new("", second.name):
                hint = "'outputs' gets what the last of them set"
                yield _conflict(self._survey, "two branches that end", first, second, hint)

    def _set_before_moving(self, index: int) -> list[Write]:
        if index not in self._writes:
            work = self._flow.steps[index].work
            self._writes[index] = [] if work is None else list(effects_of(work, self._survey))
        return self._writes[index]

    def _set_by_cases(self, step: Step) -> Iterator[Write]:
        for case in step.cases:
            if case.work is not None:
                yield from effects_of(case.work, self._survey)

    def _is_new(self, step: str, variable: str) -> bool:
        """Whether this was not yet told, of another fork."""
        if (step, variable) in self._told:
            return False
        self._told.add((step, variable))
        return True


def _takes_several(step: Step) -> bool:
    return step.join is Join.ALL or (not isinstance(step.join, Join) and step.join > 1)


def _ends(flow: Flow, index: int) -> bool:
    """Whether a branch plainly ends in the step: it has no cases, or one that moves nowhere."""
    return not flow.steps[index].cases or any(not case.moves for case in flow.live[index])


def _read_by_outputs(survey: Survey) -> frozenset[str]:
    names: set[str] = set()
    for template in (survey.playbook.outputs or {}).values():
        for expression in template.expressions:
            names |= expression.names & survey.variables
            names.update(str(path[1]) for path in expression.paths if path[0] in ("context", "variables") and path[1:])
    return frozenset(names)


def _conflicts_of_items(survey: Survey) -> Iterator[Problem]:
    for step in survey.playbook.steps.values():
        for block in (step.work, *(case.work for case in step.cases)):
            if block is not None and block.parallel != SEQUENTIAL and step.merge is Merge.CONFLICT:
                yield from _conflicts_among(block.run, survey, _MERGE_HINT.format(step.name))
    for name in _tasks_without_merge(survey):
        task = survey.playbook.tasks[name]
        if task.parallel != SEQUENTIAL:
            yield from _conflicts_among(task.run, survey, "let each set a variable of its own")


def _tasks_without_merge(survey: Survey) -> list[str]:
    """The tasks that are called, in the end, from a step whose `merge` does not settle conflicts."""
    onward: dict[str, list[str]] = {}
    found: dict[str, None] = {}
    for name, uses in survey.calls.items():
        for use in uses:
            owner = use.site.owner
            if isinstance(owner, Task):
                onward.setdefault(owner.name, []).append(name)
            elif owner.merge is Merge.CONFLICT:
                found[name] = None
    todo = list(found)
    while todo:
        for name in onward.get(todo.pop(), ()):
            if name not in found:
                found[name] = None
                todo.append(name)
    return [name for name in survey.playbook.tasks if name in found]


def _conflicts_among(items: tuple[ActionCall | TaskCall, ...], survey: Survey, hint: str) -> Iterator[Problem]:
    owned = [(number, write) for number, item in enumerate(items) for write in effects_of(item, survey)]
    for first, second in _clashes(owned):
        yield _conflict(survey, "two items that run in parallel", first, second, hint)


def _clashes(owned: Iterable[tuple[int, Write]]) -> Iterator[tuple[Write, Write]]:
    """For each variable that two owners set to what may differ, the first two writes that show it."""
    first: dict[str, tuple[int, Write]] = {}
    told: set[str] = set()
    for owner, write in owned:
        other, earlier = first.setdefault(write.name, (owner, write))
        if other != owner and write.name not in told and not _same_literal(earlier, write):
            told.add(write.name)
            yield earlier, write


def _same_literal(first: Write, second: Write) -> bool:
    if first.value is UNKNOWN or second.value is UNKNOWN or holds_expression(first.value):
        return False
    return type(first.value) is type(second.value) and bool(first.value == second.value)


def _conflict(survey: Survey, what: str, first: Write, second: Write, hint: str) -> Problem:
    there, here = survey.places.of_write(first), survey.places.of_write(second)
    message = f"'{second.name}' is set by {what}, here and in line {there.line}"
    return Problem("merge-conflict-possible", message, here, Severity.WARNING, hint)
