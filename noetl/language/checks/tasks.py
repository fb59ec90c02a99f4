"""How tasks call each other: `task-recursion`, `unused-task`; and `unused-input`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from noetl.errors import Problem, Severity
from noetl.language.checks.components import cyclic_components, shortest_cycle
from noetl.language.checks.survey import Survey

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


def check_inputs(survey: Survey) -> Iterator[Problem]:
    """Inputs that no expression reads."""
    inputs = survey.playbook.inputs
    unread = set(inputs)
    for expression in survey.expressions:
        if not unread:
            return
        # One that did not compile has no names; what stands in it may still be a use.
        unread -= expression.names or set(_WORD.findall(expression.source))
        if "inputs" in expression.names:
            for path in expression.paths:
                if path[0] == "inputs":
                    unread -= set(unread) if len(path) == 1 else {str(path[1])}
    for name in inputs:
        if name in unread:
            yield Problem("unused-input", f"input '{name}' is never read", inputs[name].span, Severity.WARNING)
