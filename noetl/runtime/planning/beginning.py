"""What a run would begin with: inputs, environment and variables, rendered as far as they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from noetl.actions.touch import SECRET, Unknown
from noetl.errors import ExpressionError
from noetl.language.checks.literals import names_secret
from noetl.model.playbook import Playbook
from noetl.runtime.planning.knowledge import Partial
from noetl.runtime.planning.outlook import Beginning, Outlook
from noetl.runtime.planning.rendering import render
from noetl.runtime.planning.writes import WriteTable


def begin(playbook: Playbook, inputs: Mapping[str, Any], process: Mapping[str, str], problems: list[str]) -> Beginning:
    """The first values; what cannot be rendered is added to the problems.

    A text whose name says that it is secret shows as such, be it an input, an entry or a process variable: a plan is
    read by more people than may know it.
    """
    sources = {secret.reference for secret in playbook.secrets.values() if secret.scheme == "env"}
    begun = Beginning(
        playbook=playbook,
        inputs=Partial({name: _shown(name, value) for name, value in inputs.items()}),
        environment=Partial({}),
        context=Partial({}),
        process=Partial({name: _secret() if name in sources else _shown(name, text) for name, text in process.items()}),
        writes=WriteTable(playbook),
        sources=_sources(playbook),
    )
    entries: dict[str, Any] = {}
    for name, template in playbook.environment.items():
        entries[name] = _shown(name, _rendered(f"environment.{name}", template.value, begun, problems))
        begun = replace(begun, environment=Partial(entries))
    variables: dict[str, Any] = {}
    for name, template in playbook.context.items():
        variables[name] = _shown(name, _rendered(f"context.{name}", template.value, begun, problems))
        begun = replace(begun, context=Partial(variables))
    return begun


def _sources(playbook: Playbook) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in playbook.step_list:
        for name in dict.fromkeys(target for case in step.cases for target in case.moves):
            found.setdefault(name, []).append(step.name)
    return found


def _rendered(place: str, value: Any, begun: Beginning, problems: list[str]) -> Any:
    try:
        return render(value, Outlook.at_start(begun))
    except ExpressionError as error:
        problems.append(f"'{place}' cannot be rendered: {error.message}")
        return Unknown.of(("error",))


def _shown(name: str, value: Any) -> Any:
    return _secret() if isinstance(value, str) and value and names_secret(name) else value


def _secret() -> Unknown:
    return Unknown.of((SECRET,))
