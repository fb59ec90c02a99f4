"""Plans a run: from its start along the rules, as far as conditions that are known already do not close a way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from noetl.actions.registry import Registry
from noetl.actions.touch import Unknown
from noetl.errors import ExpressionError
from noetl.language.checks.flow import live_cases
from noetl.model.expression import Expression
from noetl.model.playbook import Case, Join, Playbook, Step
from noetl.runtime.planning.around import told_condition
from noetl.runtime.planning.beginning import begin
from noetl.runtime.planning.outlook import Beginning, Outlook
from noetl.runtime.planning.plan import CasePlan, Plan, StepPlan
from noetl.runtime.planning.rendering import render
from noetl.runtime.planning.sources import look_at_secrets
from noetl.runtime.planning.touching import Teller
from noetl.runtime.planning.work import WorkPlanner
from noetl.units import parse_duration
from noetl.values import Masker, to_json

#: The fields that hold data of any shape.
_FOREIGN_DATA = frozenset({"inputs", "environment", "context", "details"})


def make_plan(
    playbook: Playbook, inputs: Mapping[str, Any], process: Mapping[str, str], registry: Registry, folder: Path
) -> Plan:
    """What a run with these inputs would do.

    `process` is the environment of the process, `folder` that of the playbook's file. Nothing is touched: files that
    the playbook names may be read, and nothing is asked of a network.
    """
    problems: list[str] = []
    begun = begin(playbook, inputs, process, problems)
    secrets, values = look_at_secrets(playbook, folder)
    planner = WorkPlanner(Teller(registry, folder))
    steps = _reached(begun, planner)
    reached = {step.name for step in steps}
    plan = Plan(
        playbook=playbook.name,
        inputs=to_json(begun.inputs.values_shown),
        environment=to_json(begun.environment.values_shown),
        context=to_json(begun.context.values_shown),
        secrets=secrets,
        timeout=_timeout(begun, problems),
        on_error=str(playbook.on_error),
        steps=steps,
        unreachable=[name for name in playbook.steps if name not in reached],
        problems=problems,
        truncated=planner.truncated,
    )
    return msgspec.convert(_masked(msgspec.to_builtins(plan), Masker(values)), Plan)


def _masked(value: Any, masker: Masker) -> Any:
    """The fields of a plan with the secrets in them masked; their names and numbers are ours."""
    if isinstance(value, dict):
        return {
            name: masker.mask(item) if name in _FOREIGN_DATA else _masked(item, masker) for name, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item, masker) for item in value]
    return masker.text(value) if isinstance(value, str) else value


def _timeout(begun: Beginning, problems: list[str]) -> float | str | None:
    timeout = begun.playbook.timeout
    if not isinstance(timeout, Expression):
        return timeout
    try:
        value = render(timeout, Outlook.at_start(begun))
        return str(value) if isinstance(value, Unknown) else parse_duration(value)
    except (ExpressionError, ValueError) as error:
        problems.append(f"'timeout' cannot be known: {error}")
        return None


def _reached(begun: Beginning, planner: WorkPlanner) -> list[StepPlan]:
    """The steps that a token can come to, those on the way to others before them."""
    playbook = begun.playbook
    plans: dict[str, StepPlan] = {}
    ended: list[str] = []
    # Depth first, and the last way first: turned round, each step stands before what can only come after it.
    todo = [(name, False) for name in playbook.start]
    while todo:
        name, is_over = todo.pop()
        if is_over:
            ended.append(name)
        elif name not in plans:
            step = playbook.steps[name]
            plans[name] = plan = _step(step, begun, planner)
            todo.append((name, True))
            todo += [(target, False) for case in plan.cases if case.followed for target in case.moves]
    return [plans[name] for name in reversed(ended)]


def _step(step: Step, begun: Beginning, planner: WorkPlanner) -> StepPlan:
    outlook = Outlook.at_step(begun, step)
    work = None if step.work is None else planner.plan(step.work, outlook, step.name)
    return StepPlan(
        name=step.name,
        line=step.span.line,
        cases=_cases(step, outlook, planner),
        work=work,
        start=step.name in begun.playbook.start,
        join=_join(step.join),
        parallel=step.parallel,
        description=step.description,
    )


def _join(join: Join | int) -> str | int | None:
    if isinstance(join, Join):
        return None if join is Join.EACH else str(join)
    return join


def _cases(step: Step, outlook: Outlook, planner: WorkPlanner) -> list[CasePlan]:
    plans: list[CasePlan] = []
    possible: list[Case] = []
    for case in step.cases:
        plan = CasePlan(number=case.number, condition=None, moves=list(case.moves))
        if case.condition is not None:
            plan.condition = told_condition(case.condition, outlook, plan.problems)
        holds = True if plan.condition is None else plan.condition.holds
        if holds is not False:
            possible.append(msgspec.structs.replace(case, condition=None) if holds else case)
        plans.append(plan)
    live = {case.number for case in live_cases(msgspec.structs.replace(step, cases=tuple(possible)))}
    for case, plan in zip(step.cases, plans, strict=True):
        plan.followed = case.number in live
        if case.work is not None and plan.followed:
            plan.work = planner.plan(case.work, outlook.apart(), step.name)
    return plans
