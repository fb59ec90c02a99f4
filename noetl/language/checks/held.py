"""`secret-in-state`: what reads `secrets` or `env` must not become state of the run (language.md 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from noetl.errors import Problem
from noetl.expressions import find_name
from noetl.language.checks.sites import NO_NAMES
from noetl.language.checks.survey import Survey, TaskUse
from noetl.language.checks.uses import Use
from noetl.model.expression import Expression, Template

_OUTSIDE = frozenset({"secrets", "env"})

_HINTS = {
    "secrets": "only options of actions, 'with' and 'environment' may read secrets",
    "env": "take the process variable into 'context' and read that",
}


def held_environment(environment: Mapping[str, Template]) -> frozenset[str]:
    """The entries that read `secrets` or `env`, directly or through an earlier entry."""
    return frozenset(_held_entries(environment))


def _held_entries(environment: Mapping[str, Template]) -> dict[str, str]:
    """For each held entry, which of `secrets` and `env` it reads; secrets where it reads both."""
    held: dict[str, str] = {}
    for name, template in environment.items():
        roots = {root for expression in template.expressions for root in _roots(expression, held)}
        if roots:
            held[name] = "secrets" if "secrets" in roots else "env"
    return held


def _roots(expression: Expression, held: Mapping[str, str]) -> Iterator[str]:
    for name in expression.names:
        if name in _OUTSIDE:
            yield name
        elif name in held:
            yield held[name]
    yield from _roots_of_sections(expression, held).values()


def _roots_of_sections(expression: Expression, held: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """What is read as `environment.NAME`, or as `environment` as a whole, and is held."""
    found: dict[tuple[str, ...], str] = {}
    for path in expression.paths if held and "environment" in expression.names else ():
        if path[0] == "environment" and len(path) == 1:
            found["environment",] = "secrets" if "secrets" in held.values() else "env"
        elif path[0] == "environment" and path[1] in held:
            found["environment", str(path[1])] = held[str(path[1])]
    return found


def check_held(survey: Survey) -> Iterator[Problem]:
    """Every place whose value becomes state of the run, and that reads what must not."""
    held = _Held(survey)
    suspects = held.suspects()
    # In `context` a name is that of an earlier variable, not yet of any.
    earlier = {"env", *survey.playbook.inputs}
    for variable, template in survey.playbook.context.items():
        for expression in template.expressions:
            roots = {name: held.outer_root(name) for name in expression.names - earlier}
            yield from _problems(Use(expression, "'context'"), roots, held)
        earlier.add(variable)
    for use in survey.uses:
        if not use.may_hold and not suspects.isdisjoint(use.expression.names):
            roots = {name: held.root(name, use.bound, use.task) for name in use.expression.names}
            yield from _problems(use, roots, held)


def _problems(use: Use, roots: Mapping[str, str | None], held: _Held) -> Iterator[Problem]:
    expression = use.expression
    consequence = "it would enter the run's state"
    for name, root in sorted(roots.items()):
        if root is None:
            continue
        if name in _OUTSIDE:
            path = _path_read(expression, name)
            span = find_name(expression, path)
            message = f"{use.where} may not read '{'.'.join(path)}': {consequence}"
        else:
            span = find_name(expression, name)
            message = f"{use.where} may not read '{name}', which reads '{root}': {consequence}"
        yield Problem("secret-in-state", message, span, hint=_HINTS[root])
    for path, root in sorted(_roots_of_sections(expression, held.entries).items()):
        message = f"{use.where} may not read '{'.'.join(path)}', which reads '{root}': {consequence}"
        yield Problem("secret-in-state", message, find_name(expression, path), hint=_HINTS[root])


def _path_read(expression: Expression, root: str) -> tuple[str, ...]:
    """`secrets.token` where the expression reads only that, else `secrets`."""
    read = {str(path[1]) if len(path) > 1 else None for path in expression.paths if path[0] == root}
    part = read.pop() if len(read) == 1 else None
    return (root,) if part is None else (root, part)


class _Held:
    """The held names of a playbook: entries of the environment, and names within each task."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._in_tasks: dict[tuple[str, str], str] = {}
        self._certain = {name: _certain_arguments(survey, name) for name in survey.playbook.tasks}
        self.entries = _held_entries(survey.playbook.environment)
        self._spread()

    def suspects(self) -> frozenset[str]:
        """All names that are held somewhere."""
        return _OUTSIDE | self.entries.keys() | {name for _, name in self._in_tasks} | {"environment"}

    def root(self, name: str, bound: frozenset[str], task: str | None) -> str | None:
        """Which of `secrets` and `env` the name reads; None where it is not held."""
        if name in bound:
            return None
        if task is not None:
            if (task, name) in self._in_tasks:
                return self._in_tasks[task, name]
            if name in self._certain[task]:
                return None
        if name in self._survey.playbook.context or name in self._survey.playbook.inputs:
            return None
        return self.outer_root(name)

    def outer_root(self, name: str) -> str | None:
        """The same for a name that no variable, input or argument hides."""
        return name if name in _OUTSIDE else self.entries.get(name)

    def _spread(self) -> None:
        """Follow held values from the calls that give them into tasks, and on into the tasks that those call."""
        onward: dict[_TaskName, list[_TaskName]] = {}
        found: list[tuple[_TaskName, str]] = []
        for flow in _flows(self._survey):
            root = self.root(flow.name, flow.bound, flow.task)
            if flow.name == "environment" and flow.expression is not None:
                root = next(iter(_roots_of_sections(flow.expression, self.entries).values()), None)
            if root is not None:
                found.append((flow.target, root))
            if flow.task is not None and flow.name not in flow.bound:
                onward.setdefault((flow.task, flow.name), []).append(flow.target)
        while found:
            target, root = found.pop()
            if target not in self._in_tasks:
                self._in_tasks[target] = root
                found.extend((reader, root) for reader in onward.get(target, ()))


_TaskName = tuple[str, str]


class _Flow(msgspec.Struct, frozen=True, gc=False):
    """The value of `name`, read at a place in `task` where `bound` hide others, reaches the name `target` of a task."""

    name: str
    bound: frozenset[str]
    task: str | None
    target: _TaskName
    expression: Expression | None = None


def _flows(survey: Survey) -> Iterator[_Flow]:
    for callee, uses in survey.calls.items():
        for argument, template in survey.playbook.tasks[callee].args.items():
            for expression in template.expressions:
                for name in expression.names:
                    yield _Flow(name, NO_NAMES, callee, (callee, argument), expression)
        for use in uses:
            yield from _flows_of_call(survey, callee, use)


def _flows_of_call(survey: Survey, callee: str, use: TaskUse) -> Iterator[_Flow]:
    site = use.site
    for argument, template in use.call.args.items():
        for expression in template.expressions:
            for name in expression.names:
                yield _Flow(name, site.inner_loops, site.task, (callee, argument), expression)
    if site.is_fallback and site.task is not None:
        for name in survey.task_names[site.task] - use.call.args.keys() - survey.playbook.tasks[callee].args.keys():
            yield _Flow(name, site.inner_loops, site.task, (callee, name))


def _certain_arguments(survey: Survey, task: str) -> frozenset[str]:
    """The arguments that always have a value, so that nothing behind them is ever read."""
    given = [frozenset(use.call.args) for use in survey.calls[task]]
    return frozenset(survey.playbook.tasks[task].args) | (frozenset.intersection(*given) if given else NO_NAMES)
