"""`nothing-to-undo`: steps that undo their branch, where nothing says how it is undone."""

from __future__ import annotations

from collections.abc import Iterator

from noetl.errors import Problem, Severity
from noetl.language.checks.survey import Survey
from noetl.model.playbook import OnError


def check_undoing(survey: Survey) -> Iterator[Problem]:
    """Where no work of the playbook has a `compensate`."""
    if any(site.work.compensate is not None for site in survey.sites):
        return
    for step in survey.playbook.steps.values():
        if step.work is not None and step.work.on_error is OnError.COMPENSATE:
            message = f"step '{step.name}' undoes its branch when it fails, and no work has a 'compensate'"
            place = survey.places.value_after("on_error", "compensate", step.span)
            hint = "give the work that is to be undone a 'compensate: TASK', or write 'on_error: continue'"
            yield Problem("nothing-to-undo", message, place, Severity.WARNING, hint)
