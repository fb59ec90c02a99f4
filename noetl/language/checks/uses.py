"""Each expression of a running playbook, with what its place adds to the names of the run and takes from them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from noetl.language.checks.sites import NO_NAMES, Site
from noetl.model.expression import Expression, Template
from noetl.model.playbook import ActionCall, Playbook, TaskCall

_DATA = frozenset({"data"})


#: Actions whose options become part of the state of the run: all options (None), or those named.
_OPTIONS_IN_STATE: dict[str, frozenset[str] | None] = {
    "set": None,
    "fail": None,
    "stop": None,
    "wait": None,
    "playbook": frozenset({"inputs"}),
}


class Use(msgspec.Struct, frozen=True, gc=False):
    """An expression in its place.

    `bound` are the names that exist here beside those of the run and of `task`; `later` is the variable of the own loop
    where that has not begun. `where` names the place in a sentence; `may_hold` says that its value is no state.
    """

    expression: Expression
    where: str
    may_hold: bool = False
    bound: frozenset[str] = NO_NAMES
    later: str | None = None
    task: str | None = None


def all_uses(playbook: Playbook, sites: list[Site]) -> Iterator[Use]:
    """All expressions but those of `environment` and `context`, which are rendered before the run."""
    if isinstance(playbook.timeout, Expression):
        yield Use(playbook.timeout, "'timeout'")
    for site in sites:
        if not site.work.plain or site.work.store is not None:
            yield from _policies(site)
        yield from _own_keys(site)
    for task in playbook.tasks.values():
        for template in task.args.values():
            for expression in template.expressions:
                yield Use(expression, "'args'", may_hold=True, task=task.name)
    for step in playbook.steps.values():
        for case in step.cases:
            if case.condition is not None:
                yield Use(case.condition, "a condition")
    for template in (playbook.outputs or {}).values():
        for expression in template.expressions:
            yield Use(expression, "'outputs'")


def _policies(site: Site) -> Iterator[Use]:
    work, task = site.work, site.task
    loop, retry = work.loop, work.retry
    later = None if loop is None else loop.name
    if work.when is not None:
        yield Use(work.when, "'when'", bound=site.loops, later=later, task=task)
    if loop is not None:
        for value in (*_expressions(loop.items), loop.parallel, loop.max):
            if isinstance(value, Expression):
                yield Use(value, "'loop'", bound=site.loops, later=later, task=task)
        for condition in (loop.while_, loop.until):
            if condition is not None:
                yield Use(condition, "'loop'", bound=site.inner_loops, task=task)
    if retry is not None:
        for setting in (retry.attempts, retry.delay, retry.when):
            if isinstance(setting, Expression):
                yield Use(setting, "'retry'", bound=site.inner_loops, task=task)
    if isinstance(work.timeout, Expression):
        yield Use(work.timeout, "'timeout'", bound=site.inner_loops, task=task)
    if work.store is not None:
        for _, template in work.store.unpack:
            for expression in template.expressions:
                yield Use(expression, "'as'", bound=site.loops | _DATA, later=later, task=task)


def _own_keys(site: Site) -> Iterator[Use]:
    work = site.work
    if isinstance(work, ActionCall):
        for name, template in work.options.items():
            if template.expressions:
                bound, later = site.inner_loops, work.later.get(name)
                bound = bound if later is None else bound | later.names
                may_hold = not _is_state(work.action, name)
                where = "'set'" if work.action == "set" else f"'{name}' of '{work.action}'"
                for expression in template.expressions:
                    yield Use(expression, where, may_hold, bound, task=site.task)
    elif isinstance(work, TaskCall):
        for template in work.args.values():
            for expression in template.expressions:
                yield Use(expression, "'with'", True, site.inner_loops, task=site.task)


def _is_state(action: str, option: str) -> bool:
    if action not in _OPTIONS_IN_STATE:
        return False
    options = _OPTIONS_IN_STATE[action]
    return options is None or option in options


def _expressions(template: Template | None) -> tuple[Expression, ...]:
    return () if template is None else template.expressions
