"""Tasks and steps with their rules: located nodes to the model."""

from __future__ import annotations

from noetl.language import literals
from noetl.language.fields import Fields
from noetl.language.nodes import Mapping, Node, Scalar
from noetl.language.outcome import reads_outcome
from noetl.language.policies import STEP_ON_ERROR, read_policies
from noetl.language.program import Program
from noetl.language.templating import condition, template
from noetl.language.work import read_calls, read_moves, read_spare, read_work, sorted_items
from noetl.model.expression import Expression
from noetl.model.playbook import SEQUENTIAL, Block, Case, Join, Merge, Step, Task

_TASK_KEYS = ("name", "run", "parallel", "args", "description")
_STEP_KEYS = (
    "name", "run", "rule", "parallel", "join", "merge", "timeout", "retry", "when", "loop", "on_error", "compensate",
    "priority", "sla", "max_visits", "description",
)  # fmt: skip
_CASE_KEYS = ("case", "run")
#: Keys of a step that say something about its work.
_WORK_KEYS = ("when", "loop", "retry", "timeout", "on_error", "compensate")
_JOINS = tuple(str(join) for join in Join)
_MERGES = tuple(str(merge) for merge in Merge)
_PRIORITIES = ("high", "normal", "low")
_ALWAYS = frozenset({"default", "true", "True", "TRUE"})


def read_task(program: Program, node: Mapping, name: Scalar) -> Task:
    report = program.report
    fields = Fields(report, node, f"task '{name.text}'", _TASK_KEYS)
    fields.require(("run",))
    run = fields.get("run")
    calls = () if run is None else read_work(program, run, f"task {name.text}.run", fields.owner)
    args = fields.mapping("args")
    return Task(
        name=name.text,
        run=calls,
        parallel=_parallel(fields, SEQUENTIAL),
        args={}
        if args is None
        else {
            arg: template(report, value)
            for arg, (key, value) in args.entries.items()
            if literals.identifier(report, arg, key, "the name of an argument")
        },
        description=fields.text("description"),
        span=name.span,
    )


def read_step(program: Program, node: Mapping, name: Scalar, index: int, parallel: int) -> Step:
    """`parallel` is the playbook's, for steps without their own."""
    report = program.report
    fields = Fields(report, node, f"step '{name.text}'", _STEP_KEYS)
    bound = _parallel(fields, parallel)
    rule = fields.get("rule")
    merge = fields.choice("merge", _MERGES)
    work = _work(program, fields, name.text, bound)
    cases = () if rule is None else _cases(program, rule, name.text, bound)
    if rule is None and work is None and not fields.has_misspelt("run", "rule"):
        report.error("empty-step", f"{fields.owner} has neither a 'run' nor a 'rule'", name)
    return Step(
        name=name.text,
        index=index,
        work=work,
        cases=cases,
        parallel=bound,
        join=_join(fields),
        join_given=fields.get("join") is not None,
        merge=Merge.CONFLICT if merge is None else Merge(merge),
        priority=fields.choice("priority", _PRIORITIES) or "normal",
        sla=fields.duration("sla"),
        max_visits=fields.count("max_visits") or 10_000,
        description=fields.text("description"),
        span=name.span,
    )


def _parallel(fields: Fields, default: int) -> int:
    found = fields.parallel("parallel")
    return default if found is None else found


def _join(fields: Fields) -> Join | int:
    node = fields.get("join")
    if node is None:
        return Join.EACH
    if isinstance(node, Scalar) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return fields.count("join") or Join.EACH
    found = literals.choice(fields.report, node, "'join'", _JOINS)
    return Join.EACH if found is None else Join(found)


def _work(program: Program, fields: Fields, step: str, parallel: int) -> Block | None:
    run = fields.get("run")
    policies = read_policies(fields, STEP_ON_ERROR)
    if run is None:
        for key in _WORK_KEYS:
            if fields.get(key) is not None:
                message = f"'{key}' is about the work of a step, and {fields.owner} has no 'run'"
                program.report.error("missing-key", message, fields.key(key))
        return None
    id = program.reserve()
    calls = read_work(program, run, f"{step}.run", fields.owner)
    compensate = read_spare(program, fields, "compensate", f"{step}.run.compensate")
    block = Block(
        id=id, place=f"{step}.run", span=fields.key_span("run"), run=calls, parallel=parallel,
        compensate=compensate, **policies,
    )  # fmt: skip
    program.keep(block)
    return block


def _cases(program: Program, rule: Node, step: str, parallel: int) -> tuple[Case, ...]:
    items = literals.sequence(program.report, rule, "'rule'") or []
    cases = []
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            cases.append(_case(program, item, index, f"{step}.rule[{index}].run", parallel))
        else:
            hint = "write '- case: ...', and 'run' under it"
            program.report.wrong_type("an entry of 'rule'", "a mapping", item, hint)
    return tuple(cases)


def _case(program: Program, item: Mapping, index: int, place: str, parallel: int) -> Case:
    report = program.report
    fields = Fields(report, item, "a case", _CASE_KEYS)
    if fields.get("case") is None:
        report.missing_key("a case", "case", item, "write 'case: default' for what is always true")
    node = fields.get("case")
    tested = _condition(program, node)
    moves, work = _taken(program, fields, place, parallel)
    return Case(
        number=index + 1,
        condition=tested,
        reads_outcome=tested is not None and reads_outcome(tested.paths),
        moves=moves,
        work=work,
        span=(item if node is None else node).span,
    )


def _taken(program: Program, fields: Fields, place: str, parallel: int) -> tuple[tuple[str, ...], Block | None]:
    """What a case does: moves to steps, or work."""
    run = fields.get("run")
    items = [] if run is None else sorted_items(program, run)
    moves = read_moves(program, items)
    if moves or not any(item.kind in ("action", "task") for item in items):
        # A list of both has been reported; its moves matter more to the rest of the check.
        read_calls(program, items, place)
        return moves, None
    id = program.reserve()
    calls = read_calls(program, items, place)
    block = Block(id=id, place=place, span=fields.key_span("run"), run=calls, parallel=parallel)
    program.keep(block)
    return (), block


def _condition(program: Program, node: Node | None) -> Expression | None:
    """None where it is always true."""
    if node is None or (isinstance(node, Scalar) and node.text.strip() in _ALWAYS):
        return None
    return condition(program.report, node, "'case'")
