"""`no-timeout` (strict): actions that could run for ever."""

from __future__ import annotations

from collections.abc import Iterator

from noetl.errors import Problem, Severity
from noetl.language.checks.survey import Survey
from noetl.model.playbook import ActionCall

#: Actions that end at once, or at a time that they name.
_BOUNDED = frozenset({"set", "log", "fail", "stop", "noop"})


def check_timeouts(survey: Survey) -> Iterator[Problem]:
    """Actions that neither they themselves, nor their step, nor the calls that lead to them, nor the run bounds."""
    if survey.playbook.timeout is not None:
        return
    unbounded_tasks = _unbounded_tasks(survey)
    for site in survey.sites:
        work = site.work
        if not isinstance(work, ActionCall) or not _may_run_for_ever(work):
            continue
        bounded = site.is_bounded or (site.task is not None and site.task not in unbounded_tasks)
        if not bounded:
            message = f"action '{work.action}' has no 'timeout', nor has its step or the run"
            yield Problem("no-timeout", message, work.span, Severity.WARNING)


def _may_run_for_ever(work: ActionCall) -> bool:
    if work.timeout is not None or "timeout" in work.options or work.action in _BOUNDED:
        return False
    return work.action != "wait" or "event" in work.options


def _unbounded_tasks(survey: Survey) -> frozenset[str]:
    """The tasks that some chain of calls leads to without a timeout."""
    onward: dict[str | None, list[str]] = {}
    for name, uses in survey.calls.items():
        for use in uses:
            if not use.site.is_bounded and use.call.timeout is None:
                onward.setdefault(use.site.task, []).append(name)
    found: set[str] = set()
    todo = list(onward.get(None, ()))
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(onward.get(name, ()))
    return frozenset(found)
