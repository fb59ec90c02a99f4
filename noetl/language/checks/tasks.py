"""How tasks call each other: `task-recursion`, `unused-task`, `unused-argument`; and `unused-input`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from noetl.errors import Problem, Severity
from noetl.language.checks.components import cyclic_components, shortest_cycle
from noetl.language.checks.survey import Survey
from noetl.language.checks.vocabulary import ALWAYS, FUNCTIONS
from noetl.model.expression import Expression
from noetl.spelling import did_you_mean

_WORD = re.compile(r"\w+")


def check_tasks(survey: Survey) -> Iterator[Problem]:
    """Tasks that call themselves, and tasks that nothing calls."""
    names = list(survey.playbook.tasks)
    index = {name: number for number, name in enumerate(names)}
    successors: list[list[int]] = [[] for _ in names]
    called: set[int] = set()
    for name, uses in survey.calls.items():
        for use in uses:
            if use.site.task is None:
                called.add(index[name])
            else:
                successors[index[use.site.task]].append(index[name])
    yield from _recursive(survey, names, successors)
    yield from _unused(survey, names, successors, called)


def _recursive(survey: Survey, names: list[str], successors: list[list[int]]) -> Iterator[Problem]:
    for component in cyclic_components(successors):
        cycle = [names[number] for number in shortest_cycle(successors, component[0], set(component))]
        closing = next(use.call for use in survey.calls[cycle[1]] if use.site.task == cycle[0])
        message = f"task '{cycle[0]}' calls itself: {' -> '.join(cycle)}"
        yield Problem("task-recursion", message, closing.span, hint="a task may not run itself; steps may form a cycle")


def _unused(survey: Survey, names: list[str], successors: list[list[int]], called: set[int]) -> Iterator[Problem]:
    todo = list(called)
    while todo:
        for target in successors[todo.pop()]:
            if target not in called:
                called.add(target)
                todo.append(target)
    for number, name in enumerate(names):
        if number not in called:
            yield Problem(
                "unused-task", f"task '{name}' is never used", survey.playbook.tasks[name].span, Severity.WARNING
            )


def check_arguments(survey: Survey) -> Iterator[Problem]:
    """Arguments that a call gives, and that its task neither declares nor reads: most often a slip of the pen."""
    read = _names_read(survey)
    for name, uses in survey.calls.items():
        known = read[name] | survey.playbook.tasks[name].args.keys()
        for use in uses:
            for argument in use.call.args.keys() - known - ALWAYS - FUNCTIONS:
                place = survey.places.key_before(argument, use.call.args[argument].span)
                message = f"task '{name}' does not use the argument '{argument}'"
                hint = did_you_mean(argument, survey.playbook.tasks[name].args)
                yield Problem("unused-argument", message, place, Severity.WARNING, hint)


def _names_read(survey: Survey) -> dict[str, set[str]]:
    """The names that each task reads or, as it may not, sets; itself, or by a fallback that sees what it sees."""
    read: dict[str, set[str]] = {name: set() for name in survey.playbook.tasks}
    for use in survey.uses:
        if use.task is not None:
            read[use.task] |= _names_in(use.expression)
    for site, write in survey.writes:
        if site.task is not None:
            read[site.task].add(write.name)
    fallbacks = [
        (use.site.task, name)
        for name, uses in survey.calls.items()
        for use in uses
        if use.site.is_fallback and use.site.task is not None
    ]
    grown = bool(fallbacks)
    while grown:
        grown = False
        for task, fallback in fallbacks:
            grown = grown or not read[fallback] <= read[task]
            read[task] |= read[fallback]
    return read


def _names_in(expression: Expression) -> set[str]:
    # One that did not compile has no names; what stands in it may still be a use.
    return set(expression.names) or set(_WORD.findall(expression.source))


def check_inputs(survey: Survey) -> Iterator[Problem]:
    """Inputs that no expression reads."""
    inputs = survey.playbook.inputs
    unread = set(inputs)
    for expression in survey.expressions:
        if not unread:
            return
        unread -= _names_in(expression)
        if "inputs" in expression.names:
            for path in expression.paths:
                if path[0] == "inputs":
                    unread -= set(unread) if len(path) == 1 else {str(path[1])}
    for name in inputs:
        if name in unread:
            yield Problem("unused-input", f"input '{name}' is never read", inputs[name].span, Severity.WARNING)
