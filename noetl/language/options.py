"""An action's own keys: known, required, well-formed where they are literal, and templates unless they are programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from noetl.language.conforms import Checker
from noetl.language.fields import Fields
from noetl.language.inline import check_inline
from noetl.language.nodes import Node, Scalar
from noetl.language.program import Program
from noetl.language.report import Report, head
from noetl.language.schema import ActionShape
from noetl.language.templating import constant, is_expression, template
from noetl.model.expression import Template
from noetl.model.playbook import Later
from noetl.spelling import did_you_mean


def shape_of(program: Program, node: Node, action: str) -> ActionShape | None:
    """The shape of an action; None, reported, where there is no such action."""
    shape = program.shape(action)
    if shape is None:
        message = f"there is no action '{action}'"
        known = program.action_names()
        hint = did_you_mean(action, known) or f"known are {', '.join(sorted(known))}"
        program.report.error("unknown-action", message, node, hint)
    return shape


def read_options(
    program: Program,
    fields: Fields,
    own: Mapping[str, tuple[Scalar, Node]],
    action: str | None,
    shape: ActionShape | None,
) -> dict[str, Template]:
    """The templates of the action's own keys, each checked where it is literal."""
    report = program.report
    if shape is None:
        return {key: template(report, node) for key, (_, node) in own.items()}
    before = len(report.problems)
    fields.require(sorted(shape.required))
    options = {}
    for key, (_, node) in own.items():
        program_text = key in shape.program_text
        Checker(report, shape.schema, templates=not program_text).check(node, shape.keys[key], f"'{key}'")
        if key in shape.later:
            options[key] = _later(report, node, key, shape.later[key])
        else:
            options[key] = constant(report, node) if program_text else template(report, node)
        if program_text and shape.fault_in is not None and isinstance(node, Scalar) and isinstance(node.value, str):
            _check_program(report, key, node, node.value, shape.fault_in(key, node.value))
    check_inline(action, fields)
    if (
        shape.verify is not None
        and fields.sound
        and len(report.problems) == before
        and all(given.constant for given in options.values())
    ):
        _verify(fields, shape.verify, options)
    return options


def _later(report: Report, node: Node, key: str, later: Later) -> Template:
    """An option whose keys the handler renders: they have to stand in the playbook."""
    if is_expression(node):
        report.wrong_type(f"'{key}'", "a mapping", node, "its keys may be templates, it may not be one itself")
    return template(report, node, later.conditions)


def _verify(fields: Fields, verify: Callable[[Mapping[str, Any]], object], options: Mapping[str, Template]) -> None:
    try:
        verify({key: given.value for key, given in options.items()})
    except ValueError as error:
        fields.report.error("bad-value", f"{fields.owner}: {error}", head(fields.node))


def _check_program(report: Report, key: str, node: Scalar, text: str, fault: tuple[int, int, str] | None) -> None:
    if fault is None:
        return
    line, column, sentence = fault
    lines = text.split("\n")
    offset = sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
    report.error("program-syntax", f"'{key}' is no program: {sentence}", node.at(min(offset, len(text)), 1))
