"""The whole-playbook check (language.md 9): what can be wrong though each part is well-formed."""

from __future__ import annotations

from collections.abc import Iterator

from noetl.errors import Problem, sort_problems
from noetl.language.checks.flow import Flow, check_flow
from noetl.language.checks.held import check_held
from noetl.language.checks.literals import check_literals
from noetl.language.checks.loops import check_loops
from noetl.language.checks.merges import check_merges
from noetl.language.checks.names import check_names
from noetl.language.checks.pasting import check_pasting
from noetl.language.checks.reserved import check_reserved
from noetl.language.checks.survey import Survey
from noetl.language.checks.tasks import check_arguments, check_inputs, check_tasks
from noetl.language.checks.timeouts import check_timeouts
from noetl.language.checks.undoing import check_undoing
from noetl.model.playbook import Playbook


def check(playbook: Playbook, *, strict: bool = False) -> list[Problem]:
    """All problems of a playbook, in the order of the text; `strict` adds advice that not all need."""
    return sort_problems(_problems(Survey(playbook), strict))


def _problems(survey: Survey, strict: bool) -> Iterator[Problem]:
    flow = Flow(survey.playbook)
    yield from check_names(survey)
    yield from check_reserved(survey)
    yield from check_held(survey)
    yield from check_tasks(survey)
    yield from check_arguments(survey)
    yield from check_inputs(survey)
    yield from check_loops(survey)
    yield from check_flow(survey, flow)
    yield from check_merges(survey, flow)
    yield from check_pasting(survey)
    yield from check_literals(survey)
    yield from check_undoing(survey)
    if strict:
        yield from check_timeouts(survey)
