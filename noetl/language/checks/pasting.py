"""`unquoted-in-shell` and `pasted-into-sql`: what a template puts into a command or statement as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from noetl.errors import Problem, Severity
from noetl.language.checks.sites import Site
from noetl.language.checks.survey import Survey
from noetl.model.expression import Expression, Path
from noetl.model.playbook import ActionCall
from noetl.span import Span

_NUMERIC = frozenset({"integer", "number", "boolean"})


def check_pasting(survey: Survey) -> Iterator[Problem]:
    """Commands for a shell, and SQL statements, that foreign text may get into."""
    for site in survey.sites:
        work = site.work
        if isinstance(work, ActionCall):
            if work.action == "shell" and "cmd" in work.options:
                yield from _unquoted(work.options["cmd"].value, site, survey)
            elif work.action == "postgres":
                for key in ("query", "queries"):
                    if key in work.options and work.options[key].expressions:
                        yield from _pasted(work.options[key].value, site, survey)


def _unquoted(command: Any, site: Site, survey: Survey) -> Iterator[Problem]:
    if not isinstance(command, Expression):
        return
    for text, span, cure in _foreign(command, "sh", site, survey):
        message = f"'{text}' is put into the command unquoted, where a shell reads it"
        hint = f"write '{cure}', or give 'cmd' as a list"
        yield Problem("unquoted-in-shell", message, span, Severity.WARNING, hint)


def _pasted(statement: Any, site: Site, survey: Survey) -> Iterator[Problem]:
    """A statement, a list of them, or a statement with its own `params`."""
    if isinstance(statement, list | tuple):
        for item in statement:
            yield from _pasted(item, site, survey)
    elif isinstance(statement, Mapping):
        yield from _pasted(statement.get("query"), site, survey)
    elif isinstance(statement, Expression):
        for text, span, cure in _foreign(statement, "ident", site, survey):
            message = f"'{text}' is pasted into the statement"
            hint = f"pass it in 'params'; an identifier is written '{cure}'"
            yield Problem("pasted-into-sql", message, span, Severity.WARNING, hint)


def _foreign(template: Expression, quoting: str, site: Site, survey: Survey) -> Iterator[tuple[str, Span, str]]:
    """Each `{{ }}` that may print foreign text: what it prints, its place, and how it is written with `quoting`."""
    from noetl.language.checks.printed import Harmless, printed_by

    harmless = Harmless(quoting, _numbers(site, survey))
    for printed in printed_by(template.source):
        whole = printed.length == len(template.source.strip())
        if whole and not printed.joined:
            return  # the statement comes from elsewhere as it is; quoting it would break it
        if not harmless(printed.node):
            yield printed.text, template.at(printed.offset, printed.length), printed.filtered(quoting)


def _numbers(site: Site, survey: Survey) -> frozenset[Path]:
    """The inputs whose type lets no foreign text through."""
    numeric = {name for name, entry in survey.playbook.inputs.items() if entry.schema.get("type") in _NUMERIC}
    plain = numeric - survey.variables - survey.names_within(site)
    return frozenset({("inputs", name) for name in numeric} | {(name,) for name in plain})
