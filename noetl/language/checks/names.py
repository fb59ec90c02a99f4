"""`unknown-name`: what an expression reads must be able to exist where it stands (language.md 4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from noetl.errors import Problem
from noetl.expressions import find_name
from noetl.language.checks.places import last_part_of
from noetl.language.checks.survey import Survey
from noetl.language.checks.uses import Use
from noetl.language.checks.vocabulary import (
    ALWAYS,
    AT_START,
    FIELDS,
    FUNCTIONS,
    VISIT_FIELDS,
)
from noetl.model.expression import Expression, Template
from noetl.spelling import did_you_mean

#: A misspelt name is compared with all there are: a huge playbook full of them must not take minutes.
_MOST_COMPARED = 100_000

#: A list of what there is helps while it is short.
_MOST_LISTED = 10


def check_names(survey: Survey) -> Iterator[Problem]:
    """Names that cannot exist, and parts that the always-present names do not have."""
    spelling = _Spelling()
    yield from _check_start(survey, spelling)
    yield from _check_run(survey, spelling)


def _check_start(survey: Survey, spelling: _Spelling) -> Iterator[Problem]:
    """`environment`, then `context`: each entry sees those before it, and nothing of the run."""
    playbook = survey.playbook
    known = AT_START | FUNCTIONS | playbook.inputs.keys()
    yield from _check_entries("environment", ("environment",), playbook.environment, known, survey, spelling)
    known |= playbook.environment.keys() | {"context", "variables"}
    yield from _check_entries("context", ("context", "variables"), playbook.context, known, survey, spelling)


def _check_entries(
    section: str,
    aliases: Iterable[str],
    entries: Mapping[str, Template],
    before: frozenset[str],
    survey: Survey,
    spelling: _Spelling,
) -> Iterator[Problem]:
    known = set(before)
    earlier: set[str] = set()
    parts = _parts(survey) | dict.fromkeys(aliases, earlier)
    for name, template in entries.items():
        for expression in template.expressions:
            for unknown in sorted(expression.names - known):
                if unknown in entries:
                    late = "it cannot read itself" if unknown == name else f"'{unknown}' comes later"
                    hint: str | None = f"the entries of '{section}' are rendered in order, and {late}"
                elif unknown in ALWAYS or unknown in survey.variables:
                    hint = f"'{section}' is rendered before the run has done anything"
                else:
                    hint = spelling.hint(unknown, known, section)
                yield _not_defined(expression, unknown, hint)
            yield from _check_parts(expression, parts, spelling)
        known.add(name)
        earlier.add(name)


def _check_run(survey: Survey, spelling: _Spelling) -> Iterator[Problem]:
    playbook = survey.playbook
    known = ALWAYS | FUNCTIONS | survey.variables
    known |= playbook.inputs.keys() | playbook.environment.keys()
    parts = _parts(survey)
    for use in survey.uses:
        unknown = use.expression.names - known
        if unknown and not survey.any_variable_may_exist:
            local = survey.names_at(use)
            for name in sorted(unknown - local):
                hint = _why_not_here(name, use, survey) or spelling.hint(name, known, use.task or "", local)
                yield _not_defined(use.expression, name, hint)
        yield from _check_parts(use.expression, parts, spelling)


def _why_not_here(name: str, use: Use, survey: Survey) -> str | None:
    """Why a name that exists in some other way is not known here."""
    if name == use.later:
        return f"{use.where} is decided once, outside the loop that gives '{name}' its values"
    if name in ("else", "otherwise") and use.where == "a condition":
        return "write 'case: default' for what is always true"
    if name == "data":
        return "did you mean 'result.data'?"
    for owner, names in (("secrets", survey.playbook.secrets), ("steps", survey.playbook.steps)):
        if name in names:
            return f"did you mean '{owner}.{name}'?"
    if use.task is not None and any(name in survey.names_within(call.site) for call in survey.calls[use.task]):
        return "a task does not see its caller's names: pass it in 'with'"
    return None


def _parts(survey: Survey) -> dict[str, Collection[str]]:
    """The second parts of each always-present name whose parts are all known."""
    playbook = survey.playbook
    found: dict[str, Collection[str]] = {
        **FIELDS,
        "inputs": playbook.inputs,
        "environment": playbook.environment,
        "secrets": playbook.secrets,
        "steps": playbook.steps,
    }
    if not survey.any_variable_may_exist:
        found |= {"context": survey.variables, "variables": survey.variables}
    return found


def _check_parts(
    expression: Expression, parts: Mapping[str, Collection[str]], spelling: _Spelling
) -> Iterator[Problem]:
    for path in sorted(expression.paths, key=str):
        name = str(path[0])
        if len(path) == 1 or name not in parts or (name == "loop" and _has_own_loop(expression)):
            continue
        part = path[1]
        if isinstance(part, str) and part not in parts[name]:
            yield _no_part(expression, (name, part), parts[name], spelling)
        elif name == "steps" and len(path) > 2 and isinstance(path[2], str) and path[2] not in VISIT_FIELDS:
            yield _no_part(expression, (name, str(part), path[2]), VISIT_FIELDS, spelling)


def _has_own_loop(expression: Expression) -> bool:
    """Whether `loop` may be that of a `{% for %}`, which has parts of its own."""
    return "{%" in expression.source


def _no_part(expression: Expression, path: tuple[str, ...], known: Collection[str], spelling: _Spelling) -> Problem:
    hint = spelling.hint(path[-1], known, ".".join(path[:-1]))
    if hint is None and 0 < len(known) <= _MOST_LISTED:
        hint = f"there is {', '.join(sorted(known))}"
    span = last_part_of(expression, path)
    return Problem("unknown-name", f"'{'.'.join(path)}' is not defined", span, hint=hint)


def _not_defined(expression: Expression, name: str, hint: str | None) -> Problem:
    return Problem("unknown-name", f"name '{name}' is not defined", find_name(expression, name), hint=hint)


class _Spelling:
    """Did-you-mean with a bound on the work that it may take."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str | None] = {}
        self._left = _MOST_COMPARED

    def hint(self, name: str, known: Collection[str], among: str, local: Collection[str] = ()) -> str | None:
        """The hint at the nearest of the names `known` and `local`; `among` says which names these are."""
        if (among, name) not in self._found and self._left > 0:
            self._left -= len(known)
            self._found[among, name] = did_you_mean(name, [*known, *local])
        return self._found.get((among, name))
