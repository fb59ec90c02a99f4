"""The `inputs` section: each parameter's JSON Schema, default and whether it must be given."""

from __future__ import annotations

from typing import Any

from noetl.language import literals
from noetl.language.fields import Fields
from noetl.language.json_schema import KEYWORDS, check_keyword, type_meant, violations
from noetl.language.nodes import Mapping, Node, Scalar
from noetl.language.report import Report
from noetl.language.templating import data, is_expression
from noetl.model.playbook import Input

_OWN_KEYS = frozenset({"default", "required", "description"})
_KEYS = KEYWORDS | _OWN_KEYS


def read_inputs(report: Report, node: Mapping) -> dict[str, Input]:
    """The parameters by name."""
    return {
        name: _input(report, key, value)
        for name, (key, value) in node.entries.items()
        if literals.identifier(report, name, key, "the name of an input")
    }


def _input(report: Report, key: Scalar, node: Node) -> Input:
    name = key.text
    if isinstance(node, Scalar) and node.value is None:
        return Input(name=name, schema={}, span=key.span)
    if not isinstance(node, Mapping):
        hint = f"write '{name}: {{default: {node.text}}}'" if isinstance(node, Scalar) else None
        report.wrong_type(f"input '{name}'", "a mapping", node, hint)
        return Input(name=name, schema={}, span=key.span)
    fields = Fields(report, node, f"input '{name}'", _KEYS | {key for key in node.entries if key.startswith("x-")})
    schema = _schema(fields)
    return Input(
        name=name,
        schema=schema,
        default=_default(fields, schema),
        required=_is_required(fields),
        description=fields.text("description"),
        span=key.span,
    )


def _schema(fields: Fields) -> dict[str, Any]:
    """The keys that are JSON Schema's; a wrong one is reported and left out."""
    schema: dict[str, Any] = {}
    for key, (_, node) in fields.node.entries.items():
        if key not in KEYWORDS or key in ("default", "description"):
            continue
        if key == "required" and isinstance(node, Scalar):
            _check_required(fields.report, node)
            continue
        before = len(fields.report.problems)
        if key == "type" and isinstance(node, Scalar) and type_meant(node.text) is not None:
            meant = type_meant(node.text)
            message = f"'type' must be a type of JSON Schema, got '{node.text}'"
            fields.report.error("bad-value", message, node, f"write '{meant}'")
        else:
            check_keyword(fields.report, key, node)
        value = data(fields.report, node)
        if len(fields.report.problems) == before:
            schema[key] = value
    return schema


def _check_required(report: Report, node: Scalar) -> None:
    """Ours is a boolean; a list is JSON Schema's, about the keys of a mapping."""
    if not isinstance(node.value, bool):
        report.wrong_type("'required'", "true, false or a list of keys", node)


def _is_required(fields: Fields) -> bool:
    node = fields.get("required")
    return isinstance(node, Scalar) and node.value is True


def _default(fields: Fields, schema: dict[str, Any]) -> Any:
    node = fields.get("default")
    if node is None:
        return None
    if is_expression(node):
        hint = "write it in 'environment' or 'context', or '!literal' before it"
        fields.report.error("bad-value", f"the default of {fields.owner} cannot be a template", node, hint)
        return None
    value = data(fields.report, node)
    if value is not None:
        for path, sentence in violations(schema, value):
            part = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
            fields.report.error("bad-value", f"'default{part}' {sentence}", node)
    return value
