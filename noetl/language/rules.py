"""The rule language: located nodes to a playbook, with all problems of its shape collected on the way."""

from __future__ import annotations

from collections.abc import Mapping

from noetl.language import literals
from noetl.language.checks.held import held_environment
from noetl.language.definitions import Definitions, find_definitions
from noetl.language.fields import Fields
from noetl.language.inputs import read_inputs
from noetl.language.limits import read_limits
from noetl.language.nodes import Mapping as MappingNode
from noetl.language.nodes import Node, Scalar, Sequence
from noetl.language.policies import ON_ERROR_HINTS, read_retry
from noetl.language.program import Program
from noetl.language.report import Report
from noetl.language.schema import ActionShape
from noetl.language.secrets import read_secrets
from noetl.language.steps import read_step, read_task
from noetl.language.templating import data, template
from noetl.language.work import find_step
from noetl.model.expression import Template
from noetl.model.playbook import SEQUENTIAL, OnError, Playbook, Retry, Step, Task
from noetl.span import Source

API_VERSION = "noetl.io/v1"
KIND = "Playbook"

_KEYS = (
    "apiVersion", "kind", "name", "version", "description", "labels", "inputs", "environment", "context", "variables",
    "secrets", "tasks", "steps", "start", "parallel", "limits", "timeout", "on_error", "concurrency", "retry_budget",
    "sla", "outputs",
)  # fmt: skip
_REQUIRED = ("apiVersion", "kind", "name", "steps")
_ON_ERROR = ("abort", "continue")


def read_playbook(report: Report, source: Source, root: Node, actions: Mapping[str, ActionShape]) -> Playbook | None:
    """The playbook; None where too little is there to check the whole of it."""
    if not isinstance(root, MappingNode):
        report.wrong_type("a playbook", "a mapping", root)
        return None
    fields = Fields(report, root, "the playbook", _KEYS)
    fields.require(_REQUIRED)
    _check_header(fields)
    tasks, steps = find_definitions(fields, "tasks", "task"), find_definitions(fields, "steps", "step")
    limits = read_limits(fields)
    program = Program(
        report=report,
        actions=actions,
        steps=frozenset(steps.by_name),
        tasks=frozenset(tasks.by_name),
        limits=frozenset(limits),
    )
    given = fields.parallel("parallel")
    parallel = SEQUENTIAL if given is None else given
    made_tasks, made_steps = _read_tasks(program, tasks), _read_steps(program, steps, parallel)
    inputs, environment = fields.mapping("inputs"), _templates(fields, "environment")
    playbook = Playbook(
        name=_text_of(fields, "name"),
        source=source,
        version=_version(fields),
        description=fields.text("description"),
        labels=_labels(fields),
        inputs={} if inputs is None else read_inputs(report, inputs),
        environment=environment,
        held=held_environment(environment),
        context=_context(fields),
        secrets=read_secrets(fields),
        tasks=made_tasks,
        steps=made_steps,
        start=_start(program, fields, tuple(made_steps)),
        parallel=parallel,
        timeout=fields.duration_or_expression("timeout"),
        on_error=_on_error(fields),
        retry=_retry(fields),
        retry_budget=fields.count("retry_budget", 0),
        sla=fields.duration("sla"),
        concurrency=fields.count("concurrency"),
        limits=limits,
        outputs=None if fields.get("outputs") is None else _templates(fields, "outputs"),
        works=program.works(),
    )
    return playbook if made_steps else None


def _read_tasks(program: Program, tasks: Definitions) -> dict[str, Task]:
    made = {name: read_task(program, task.node, task.name) for name, task in tasks.by_name.items()}
    for task in tasks.others:
        read_task(program, task.node, task.name)
    return made


def _read_steps(program: Program, steps: Definitions, parallel: int) -> dict[str, Step]:
    made = {
        name: read_step(program, step.node, step.name, index, parallel)
        for index, (name, step) in enumerate(steps.by_name.items())
    }
    for step in steps.others:
        read_step(program, step.node, step.name, len(made), parallel)
    return made


def _check_header(fields: Fields) -> None:
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        fields.choice(key, (wanted,))
    name, steps = fields.get("name"), fields.get("steps")
    if name is not None:
        literals.name(fields.report, name, "'name'")
    if isinstance(steps, Sequence) and not steps.items:
        fields.report.error("bad-value", "'steps' must not be empty", steps)


def _text_of(fields: Fields, key: str) -> str:
    node = fields.get(key)
    return node.text if isinstance(node, Scalar) else ""


def _version(fields: Fields) -> str | None:
    """A text, or a number as it is written: `1.10` is a version of its own."""
    node = fields.get("version")
    if isinstance(node, Scalar) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.text
    return fields.text("version")


def _labels(fields: Fields) -> dict[str, str | int | float | bool]:
    section = fields.mapping("labels")
    labels = {}
    for name, (_, node) in {} if section is None else section.entries.items():
        if isinstance(node, Scalar) and node.value is not None:
            labels[name] = data(fields.report, node)
        else:
            fields.report.wrong_type(f"label '{name}'", "a text, a number or a boolean", node)
    return labels


def _start(program: Program, fields: Fields, steps: tuple[str, ...]) -> tuple[str, ...]:
    """The steps that a run starts with; the first one where it is not said."""
    node = fields.get("start")
    first = steps[:1]
    if node is None:
        return first
    names = node.items if isinstance(node, Sequence) else [node]
    if not names:
        program.report.error("bad-value", "'start' must name at least one step", node)
    found = [find_step(program, name, "'start'") for name in names]
    return tuple(step for step in found if step is not None) or first


def _templates(fields: Fields, key: str) -> dict[str, Template]:
    """A section of names with templates."""
    section = fields.mapping(key)
    if section is None:
        return {}
    return {
        name: template(fields.report, node)
        for name, (key_node, node) in section.entries.items()
        if literals.identifier(fields.report, name, key_node, f"a name in '{key}'")
    }


def _context(fields: Fields) -> dict[str, Template]:
    if fields.get("context") is not None and fields.get("variables") is not None:
        message = "'variables' is another word for 'context', and here are both"
        fields.report.error("duplicate-key", message, fields.key("variables"), "put all variables into one of them")
    return {**_templates(fields, "context"), **_templates(fields, "variables")}


def _on_error(fields: Fields) -> OnError:
    """`on_error: {retry: ...}` aborts first."""
    if isinstance(fields.get("on_error"), MappingNode):
        return OnError.ABORT
    return OnError(fields.choice("on_error", _ON_ERROR, ON_ERROR_HINTS) or OnError.ABORT)


def _retry(fields: Fields) -> Retry | None:
    """How the whole run is tried again."""
    node = fields.get("on_error")
    if not isinstance(node, MappingNode):
        return None
    retrying = Fields(fields.report, node, "'on_error'", ("retry",))
    retrying.require(("retry",))
    retry = retrying.get("retry")
    return None if retry is None else read_retry(fields.report, retry, retrying.key("retry"))
