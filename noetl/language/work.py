"""The items of `run` lists: calls of actions and tasks with what stands around them, and moves to steps."""

from __future__ import annotations

import msgspec

from noetl.language import literals
from noetl.language.fields import Fields
from noetl.language.nodes import Mapping, Node, Scalar
from noetl.language.options import read_options, shape_of
from noetl.language.policies import NO_POLICIES, Policies, read_policies, read_store
from noetl.language.program import Call, Program
from noetl.language.report import head
from noetl.language.schema import RUNTIMES
from noetl.language.templating import template
from noetl.language.unsupported import check_value
from noetl.model.expression import Template
from noetl.model.playbook import ActionCall, Store, TaskCall
from noetl.spelling import did_you_mean, nearest

_SHARED_KEYS = ("as", "when", "loop", "retry", "timeout", "on_error", "fallback", "compensate", "description")
_TASK_KEYS = ("task", "with", *_SHARED_KEYS)
_ACTION_KEYS = ("action", "limit", "runtime", *_SHARED_KEYS)
#: A fallback or compensation stands in for what has failed: `as` and the judgement of its failure are not its own.
_SPARE_KEYS = ("task", "with", "retry", "timeout", "description")
_KINDS = ("action", "task", "step")


class _Around(Policies):
    """What stands around a call, by the names of its fields in the model."""

    store: Store | None
    fallback: TaskCall | None
    compensate: TaskCall | None


_NOTHING_AROUND = _Around(**NO_POLICIES, store=None, fallback=None, compensate=None)
_AROUND_KEYS = frozenset(_SHARED_KEYS) - {"description"}


class Item(msgspec.Struct, frozen=True, gc=False):
    """An item of a `run` list: its position in the list, and whether it is an action, a task or a step."""

    position: int
    node: Node
    kind: str


def read_work(program: Program, node: Node, place: str, owner: str) -> tuple[Call, ...]:
    """The `run` of a step or task, `owner` in words: only calls."""
    items = _items(program, node, moves=False)
    for item in items:
        if item.kind == "step":
            message = f"a move to a step stands in the 'run' of {owner}, which holds only work"
            program.report.error("mixed-run", message, _mark(item), "the cases of a step's 'rule' move to steps")
    return read_calls(program, items, place)


def sorted_items(program: Program, node: Node) -> list[Item]:
    """The items of a case's `run`: steps to move to, or calls; a list of both is reported."""
    items = _items(program, node, moves=True)
    if items:
        first = items[0].kind == "step"
        odd = next((item for item in items if (item.kind == "step") != first), None)
        if odd is not None:
            message = "a 'run' holds either steps to move to, or work, not both"
            hint = "do the work in the step's own 'run', or in a step of its own"
            program.report.error("mixed-run", message, _mark(odd), hint)
    return items


def read_moves(program: Program, items: list[Item]) -> tuple[str, ...]:
    """The steps that a list moves to."""
    found = [_move(program, item.node) for item in items if item.kind == "step"]
    return tuple(step for step in found if step is not None)


def read_calls(program: Program, items: list[Item], place: str) -> tuple[Call, ...]:
    """The calls of a list, whose place in the playbook is `place`."""
    found = [_call(program, item.node, item.kind, f"{place}[{item.position}]") for item in items if item.kind != "step"]
    return tuple(call for call in found if call is not None)


def read_spare(program: Program, fields: Fields, key: str, place: str) -> TaskCall | None:
    """`fallback` or `compensate`: the name of a task, or a mapping with `task` and `with`."""
    node = fields.get(key)
    if node is None:
        return None
    if isinstance(node, Mapping):
        return _task_call(program, node, place, _SPARE_KEYS)
    name = literals.text(program.report, node, f"'{key}'", "a task")
    target = None if name is None else _target(program, node, name, "task")
    if target is None:
        return None
    call = TaskCall(id=program.reserve(), place=place, span=node.span, task=target, args={})
    program.keep(call)
    return call


def _items(program: Program, node: Node, *, moves: bool) -> list[Item]:
    """The items of a list that are one of the kinds; what is none is reported."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        item = node.value if " " not in node.value else f"{{action: shell, cmd: {node.value}}}"
        program.report.wrong_type("'run'", "a list", node, f"write 'run: [{item}]'")
        return []
    nodes = literals.sequence(program.report, node, "'run'") or []
    found = []
    for index, entry in enumerate(nodes):
        kind = _kind(program, entry, moves=moves)
        if kind is not None:
            found.append(Item(index, entry, kind))
    return found


def _kind(program: Program, item: Node, *, moves: bool) -> str | None:
    """`action`, `task` or `step`; None where it is neither, which is reported."""
    if isinstance(item, Mapping):
        found = [kind for kind in _KINDS if kind in item.entries]
        if len(found) == 1:
            return found[0]
        _report_kinds(program, item, found)
        return None
    if not isinstance(item, Scalar) or not isinstance(item.value, str):
        program.report.wrong_type("an item of 'run'", "a mapping or a name", item)
        return None
    return _kind_of_name(program, item, item.value, moves=moves)


def _report_kinds(program: Program, item: Mapping, found: list[str]) -> None:
    report = program.report
    if found:
        kinds = "' and '".join(found)
        message = f"an item of 'run' is an action, a task or a step, and this one has '{kinds}'"
        report.error("mixed-run", message, item.entries[found[1]][0])
        return
    action = next((key for key in item.entries if program.shape(key) is not None), None)
    misspelt = next((key for key in item.entries if nearest(key, _KINDS)), None)
    if misspelt is not None:
        report.error(
            "unknown-key", f"unknown key '{misspelt}' in an item of 'run'", item.entries[misspelt][0],
            did_you_mean(misspelt, _KINDS),
        )  # fmt: skip
    else:
        hint = None if action is None else f"write 'action: {action}', and its keys beside it"
        message = f"an item of 'run' needs one of the keys {literals.listed(_KINDS)}"
        report.error("missing-key", message, head(item), hint)


def _kind_of_name(program: Program, item: Scalar, name: str, *, moves: bool) -> str | None:
    report = program.report
    if name in program.steps and name in program.tasks:
        message = f"'{name}' is the name of a step and of a task"
        hint = f"write '{{step: {name}}}' or '{{task: {name}}}'" if moves else f"write '{{task: {name}}}'"
        report.error("ambiguous-name", message, item, hint)
        return None
    if name in program.steps:
        return "step"
    if name in program.tasks:
        return "task"
    if program.shape(name) is not None:
        meant: str | None = f"write '{{action: {name}}}'"
    else:
        meant = did_you_mean(name, program.steps | program.tasks if moves else program.tasks)
    code, what = ("unknown-step", "step or task") if moves else ("unknown-task", "task")
    report.error(code, f"{what} '{name}' is not defined", item, meant)
    return None


def _mark(item: Item) -> Node:
    """Where to point in an item that is in the wrong place."""
    return item.node.entries[item.kind][0] if isinstance(item.node, Mapping) else item.node


def _move(program: Program, item: Node) -> str | None:
    if not isinstance(item, Mapping):
        assert isinstance(item, Scalar)
        return item.text
    fields = Fields(program.report, item, "a move to a step", ("step",))
    return find_step(program, fields.node.entries["step"][1], "'step'")


def find_step(program: Program, node: Node, what: str) -> str | None:
    """The step that the value of `what` names."""
    name = literals.text(program.report, node, what, "the name of a step")
    return None if name is None else _target(program, node, name, "step")


def _target(program: Program, node: Node, name: str, kind: str) -> str | None:
    """The step or task of this name; the nearest one where it is misspelt, to check the rest as it was meant."""
    known = program.steps if kind == "step" else program.tasks
    if name in known:
        return name
    program.report.unknown_name(f"unknown-{kind}", kind, name, node, known)
    return nearest(name, known)


def _call(program: Program, item: Node, kind: str, place: str) -> Call | None:
    if not isinstance(item, Mapping):
        assert isinstance(item, Scalar)
        call = TaskCall(id=program.reserve(), place=place, span=item.span, task=item.text, args={})
        program.keep(call)
        return call
    if kind == "task":
        return _task_call(program, item, place, _TASK_KEYS)
    return _action_call(program, item, place)


def _task_call(program: Program, item: Mapping, place: str, keys: tuple[str, ...]) -> TaskCall | None:
    fields = Fields(program.report, item, "a task call", keys)
    fields.require(("task",))
    fields.text("description")
    name, node = fields.text("task"), fields.get("task")
    target = None if name is None or node is None else _target(program, node, name, "task")
    id = None if target is None else program.reserve()
    args = _arguments(program, fields)
    around = _around(program, fields, place)
    if target is None or id is None or node is None:
        return None
    call = TaskCall(id=id, place=place, span=node.span, task=target, args=args, **around)
    program.keep(call)
    return call


def _arguments(program: Program, fields: Fields) -> dict[str, Template]:
    given = fields.mapping("with")
    if given is None:
        return {}
    return {
        name: template(program.report, value)
        for name, (key, value) in given.entries.items()
        if literals.identifier(program.report, name, key, "the name of an argument")
    }


def _action_call(program: Program, item: Mapping, place: str) -> ActionCall | None:
    report = program.report
    node = item.entries["action"][1]
    name = literals.text(report, node, "'action'", "the name of an action")
    shape = None if name is None else shape_of(program, node, name)
    keys = (*_ACTION_KEYS, *(item.entries if shape is None else shape.keys))
    fields = Fields(report, item, f"action '{name}'", keys)
    fields.text("description")
    id = program.reserve()
    own = {key: entry for key, entry in item.entries.items() if key not in _ACTION_KEYS and key in keys}
    options = read_options(program, fields, own, name, shape)
    call = ActionCall(
        id=id, place=place, span=node.span, action=name or "noop", options=options,
        later={} if shape is None else {key: later for key, later in shape.later.items() if key in options},
        limit=_limit(program, fields), runtime=_runtime(fields, () if shape is None else shape.runtimes),
        **_around(program, fields, place),
    )  # fmt: skip
    program.keep(call)
    return call


def _around(program: Program, fields: Fields, place: str) -> _Around:
    if _AROUND_KEYS.isdisjoint(fields.node.entries):
        return _NOTHING_AROUND
    return _Around(
        **read_policies(fields),
        store=_store(fields),
        fallback=read_spare(program, fields, "fallback", f"{place}.fallback"),
        compensate=read_spare(program, fields, "compensate", f"{place}.compensate"),
    )


def _store(fields: Fields) -> Store | None:
    node = fields.get("as")
    return None if node is None else read_store(fields.report, node, fields.key("as"))


def _limit(program: Program, fields: Fields) -> str | None:
    name, node = fields.text("limit"), fields.get("limit")
    if name is not None and node is not None and name not in program.limits:
        program.report.unknown_name("unknown-limit", "limit", name, node, program.limits)
    return name


def _runtime(fields: Fields, allowed: tuple[str, ...]) -> str | None:
    found, node = fields.choice("runtime", RUNTIMES), fields.get("runtime")
    if found is None or node is None:
        return None
    check_value(fields.report, f"runtime: {found}", node)
    if allowed and found != "callback" and found not in allowed:
        message = f"'runtime' of {fields.owner} must be {literals.listed(allowed)}, got '{found}'"
        fields.report.error("bad-value", message, node)
    return found
