"""`reserved-name`: no name of the user's hides one of the language's, and no variable is named like an argument."""

from __future__ import annotations

from collections.abc import Iterator

from noetl.errors import Problem
from noetl.language.checks.survey import Survey
from noetl.language.checks.vocabulary import ALWAYS, FUNCTIONS, KEYWORDS
from noetl.model.playbook import TaskCall
from noetl.span import Span

_RESERVED = ALWAYS | FUNCTIONS | KEYWORDS


def check_reserved(survey: Survey) -> Iterator[Problem]:
    """Variables, arguments, inputs and entries whose name is taken."""
    places = survey.places
    playbook = survey.playbook
    for name in playbook.inputs.keys() & _RESERVED:
        yield _taken("an input", name, playbook.inputs[name].span)
    for what, entries in (("an entry of 'environment'", playbook.environment), ("a variable", playbook.context)):
        for name in entries.keys() & _RESERVED:
            yield _taken(what, name, places.key_before(name, entries[name].span))
    for task in playbook.tasks.values():
        for name in task.args.keys() & _RESERVED:
            yield _taken("an argument", name, places.key_before(name, task.args[name].span))
    for site in survey.sites:
        work = site.work
        if work.loop is not None and work.loop.name in _RESERVED:
            yield _taken("a loop variable", work.loop.name, places.value_after("as", work.loop.name, work.loop.span))
        if isinstance(work, TaskCall):
            for name in work.args.keys() & _RESERVED:
                yield _taken("an argument", name, places.key_before(name, work.args[name].span))
    for site, write in survey.writes:
        if write.name in _RESERVED:
            yield _taken("a variable", write.name, places.of_write(write))
        elif site.task is not None and write.name in survey.arguments[site.task]:
            message = (
                f"'{write.name}' is an argument of task '{site.task}', and 'as' and 'set' write the run's variables"
            )
            yield Problem("reserved-name", message, places.of_write(write), hint="choose another name")


def _taken(what: str, name: str, span: Span) -> Problem:
    if name in KEYWORDS:
        message = f"'{name}' is a word of the expression language and cannot name {what}"
    elif name in FUNCTIONS:
        message = f"{what} must not be named '{name}': it would hide the function '{name}()'"
    else:
        message = f"{what} must not be named '{name}': it would hide the name that is always present"
    return Problem("reserved-name", message, span, hint="choose another name")
