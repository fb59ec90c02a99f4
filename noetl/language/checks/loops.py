"""`late-name`: a loop that waits for what its own `as` sets, which is when the loop has ended."""

from __future__ import annotations

from collections.abc import Iterator

from noetl.errors import Problem, Severity
from noetl.expressions import find_name
from noetl.language.checks.survey import Survey
from noetl.model.playbook import Store


def check_loops(survey: Survey) -> Iterator[Problem]:
    """`while` and `until` that read a variable of the `as` beside them."""
    for site in survey.sites:
        loop, store = site.work.loop, site.work.store
        if loop is None or store is None:
            continue
        for key, condition in (("while", loop.while_), ("until", loop.until)):
            if condition is not None:
                for name in sorted(_names_of(store) & condition.names):
                    message = f"'{name}' is set when the loop has ended: its '{key}' does not see it"
                    hint = "'result.data' is what the last iteration gave"
                    yield Problem("late-name", message, find_name(condition, name), Severity.WARNING, hint)


def _names_of(store: Store) -> set[str]:
    return {name for name, _ in store.unpack} if store.name is None else {store.name}
