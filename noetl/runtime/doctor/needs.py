"""What a playbook needs of the machine that it is to run on, found without running it and without a network.

All work there is is looked at, whether or not a run would come to it, with the values that are known before a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from noetl.actions.registry import BUILT_IN, Registry, Shapes
from noetl.actions.touch import Unknown
from noetl.errors import ExpressionError, PlaybookError, Severity
from noetl.language import load
from noetl.language.checks.survey import Survey
from noetl.language.checks.timeouts import check_timeouts
from noetl.language.inline import INLINE
from noetl.model.expression import Expression
from noetl.model.playbook import ActionCall, Playbook
from noetl.runtime.doctor.finding import Finding, State
from noetl.runtime.doctor.installation import powershell
from noetl.runtime.doctor.outside import Called, Outside
from noetl.runtime.planning.beginning import begin
from noetl.runtime.planning.knowledge import Partial
from noetl.runtime.planning.outlook import Beginning, Changes, Outlook
from noetl.runtime.planning.rendering import render
from noetl.runtime.planning.sources import look_at_secrets
from noetl.runtime.secrets import is_source

_THE_RUN = Unknown.of(("the run",))

#: The worst is told where several places need the same.
_WORST_LAST = [State.FOUND, State.ABSENT, State.DOUBTFUL, State.MISSING]


def examine_needs(playbook: Playbook, registry: Registry, folder: Path, working_folder: Path) -> list[Finding]:
    """Each need once, those of the playbooks that it calls too. `folder` is that of the playbook's file."""
    examination = _Examination(registry, working_folder)
    examination.add(_inputs(playbook))
    examination.examine(playbook, folder, frozenset())
    return list(examination.findings.values())


class _Examination:
    """Goes from a playbook to those that it calls; each is looked at once."""

    def __init__(self, registry: Registry, working_folder: Path) -> None:
        self.findings: dict[tuple[str, str], Finding] = {}
        self._registry = registry
        self._working_folder = working_folder
        self._seen: set[Path] = set()

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            key = finding.kind, finding.name
            known = self.findings.get(key)
            if known is None or _WORST_LAST.index(finding.state) > _WORST_LAST.index(known.state):
                self.findings[key] = finding

    def examine(self, playbook: Playbook, folder: Path, given: frozenset[str]) -> None:
        """`given` are the secrets that the caller gives."""
        self._seen.add(Path(playbook.source.name).resolve())
        survey = Survey(playbook)
        begun = begin(playbook, _likely_inputs(playbook), os.environ, [])
        outside = Outside(self._registry, folder, self._working_folder)
        self.add(finding for finding in _secrets(playbook, folder) if finding.name not in given)
        self.add(_variables(survey, begun))
        self.add(_handlers(survey))
        self.add(_outside(survey, begun, outside))
        self.add(_timeouts(survey))
        for call in outside.called:
            if call.file.resolve() not in self._seen:
                self._examine_file(call)

    def _examine_file(self, call: Called) -> None:
        try:
            playbook = load(_near(call.file), Shapes(self._registry))
        except PlaybookError as error:
            self._seen.add(call.file.resolve())
            first = next(problem for problem in error.problems if problem.severity is Severity.ERROR)
            name = str(_near(call.file))
            self.add([Finding("playbook", name, State.MISSING, f"invalid: {first.message}", None, first.span)])
        else:
            self.examine(playbook, call.file.parent.absolute(), call.secrets)


def _near(file: Path) -> Path:
    """The file as somebody in the working folder calls it."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _likely_inputs(playbook: Playbook) -> dict[str, Any]:
    return {name: _THE_RUN if entry.required else entry.default for name, entry in playbook.inputs.items()}


def _inputs(playbook: Playbook) -> Iterator[Finding]:
    for entry in playbook.inputs.values():
        if entry.required:
            yield Finding("input", entry.name, State.ABSENT, "to be given", f"-i {entry.name}=VALUE", entry.span)


def _secrets(playbook: Playbook, folder: Path) -> Iterator[Finding]:
    for plan in look_at_secrets(playbook, folder)[0]:
        span = playbook.secrets[plan.name].span
        if plan.found is None and not is_source(playbook.secrets[plan.name].scheme):
            yield Finding("secret", plan.name, State.MISSING, f"from {plan.source}: there is no such source", span=span)
        elif plan.found is None:
            yield Finding("secret", plan.name, State.ABSENT, f"from {plan.source}, which was not asked", span=span)
        elif plan.found:
            yield Finding("secret", plan.name, State.FOUND, f"from {plan.source}", span=span)
        else:
            yield Finding("secret", plan.name, State.MISSING, f"from {plan.source}: {plan.problem}", span=span)


def _variables(survey: Survey, begun: Beginning) -> Iterator[Finding]:
    """The variables of the process that templates read."""
    playbook = survey.playbook
    for template in (*playbook.environment.values(), *playbook.context.values()):
        for expression in template.expressions:
            yield from _read_by(expression, Outlook.at_start(begun))
    outlook = _anywhere(begun)
    for use in survey.uses:
        yield from _read_by(use.expression, outlook.with_names(_unknown(survey.names_at(use))))


def _read_by(expression: Expression, outlook: Outlook) -> Iterator[Finding]:
    for path in sorted(expression.paths, key=str):
        if len(path) > 1 and path[0] == "env":
            yield _variable(str(path[1]), expression, outlook)


def _unknown(names: Iterable[str]) -> dict[str, Any]:
    """Loop variables and arguments, whose values the run gives."""
    return dict.fromkeys([*names, "loop"], _THE_RUN)


def _variable(name: str, expression: Expression, outlook: Outlook) -> Finding:
    if name in os.environ:
        return Finding("variable", name, State.FOUND, "set", span=expression.span)
    try:
        render(expression, outlook)
    except ExpressionError:
        return Finding("variable", name, State.MISSING, "not set in the environment", span=expression.span)
    return Finding("variable", name, State.ABSENT, "not set; the playbook does without", span=expression.span)


def _anywhere(begun: Beginning) -> Outlook:
    """A place before which everything may have happened."""
    everything = (1 << len(begun.playbook.step_list)) - 1
    return Outlook(begun, Partial({}), Changes(outcome=_THE_RUN), everything)


def _handlers(survey: Survey) -> Iterator[Finding]:
    for site in survey.sites:
        work = site.work
        if isinstance(work, ActionCall) and work.action not in INLINE:
            origin = "part of noetl" if work.action in BUILT_IN else "installed"
            yield Finding("action", work.action, State.FOUND, origin, span=work.span)
            if work.action == "powershell":
                yield powershell(State.MISSING)._replace(span=work.span)


def _outside(survey: Survey, begun: Beginning, outside: Outside) -> Iterator[Finding]:
    """What actions need outside of noetl: programs, files, modules, servers."""
    outlook = _anywhere(begun)
    for site in survey.sites:
        if isinstance(site.work, ActionCall) and site.work.action not in INLINE:
            yield from outside.needed_by(site.work, outlook.with_names(_unknown(survey.names_within(site))))


def _timeouts(survey: Survey) -> Iterator[Finding]:
    for problem in check_timeouts(survey):
        yield Finding("timeout", str(problem.span), State.DOUBTFUL, problem.message, span=problem.span)
