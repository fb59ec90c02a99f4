"""Playbooks as texts for the tests of the parser, with actions whose shapes stand here."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from noetl.errors import Problem, sort_problems
from noetl.language import ActionShape, parse
from noetl.language.nodes import Mapping, Node, Scalar, Sequence
from noetl.language.reader import read
from noetl.model.playbook import Playbook
from noetl.span import Source

HEADER = "apiVersion: noetl.io/v1\nkind: Playbook\nname: read\n"

_TEXT = {"type": "string"}
_NULL = {"type": "null"}


def _shape(required: str, properties: dict[str, Any], **rest: Any) -> ActionShape:
    schema = {"type": "object", "properties": properties, "required": required.split(), "$defs": rest.pop("defs", {})}
    return ActionShape(schema=schema, required=frozenset(required.split()), **rest)


_STATEMENT = {
    "type": "object",
    "properties": {"query": _TEXT, "params": {}},
    "required": ["query"],
    "additionalProperties": False,
}

#: Like the handlers' own, in the forms that msgspec gives to JSON Schema.
ACTIONS = {
    "postgres": _shape(
        "connection",
        {
            "connection": {**_TEXT, "minLength": 1},
            "query": {"anyOf": [_TEXT, _NULL], "default": None},
            "params": {"anyOf": [{"type": "array"}, {"type": "object"}, _NULL]},
            "queries": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Statement"}}, _NULL]},
            "fetch": {"enum": ["all", "one", "value", "none"]},
            "pool": {"type": "integer", "minimum": 1, "maximum": 100},
            "idle": {"type": ["string", "number"], "format": "duration"},
        },
        defs={"Statement": _STATEMENT},
    ),
    "python": _shape(
        "",
        {"code": _TEXT, "args": {"type": "object"}},
        program_text=frozenset({"code"}),
        runtimes=("in-process", "isolated"),
    ),
    "shell": _shape(
        "cmd",
        {
            "cmd": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]},
            "env": {"type": "object", "additionalProperties": {"anyOf": [_TEXT, {"type": "number"}]}},
            "expect": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
        },
    ),
}


def read_text(text: str) -> tuple[Playbook | None, list[Problem]]:
    """A whole playbook, and the problems of its shape in the order of the text."""
    playbook, problems = parse(Source("p.yaml", text), ACTIONS)
    return playbook, sort_problems(problems)


def read_body(body: str) -> tuple[Playbook | None, list[Problem]]:
    """A playbook below the header: the first line of the body is line 4."""
    return read_text(HEADER + dedent(body).lstrip("\n"))


def valid(body: str) -> Playbook:
    """A playbook below the header, without a problem."""
    playbook, problems = read_body(body)
    assert not problems, "\n".join(problem.render() for problem in problems)
    assert playbook is not None
    return playbook


def rendered(body: str) -> str:
    """What `noetl validate` prints of the shape of a playbook below the header."""
    return "".join(f"{problem.render()}\n" for problem in read_body(body)[1])


def nodes_of(text: str) -> tuple[Node | None, list[Problem]]:
    """The root of a YAML text, and what is wrong with its syntax."""
    problems: list[Problem] = []
    return read(Source("t.yaml", text), problems), problems


def plain(node: Node | None) -> Any:
    """What nodes say, without their places."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    assert isinstance(node, Scalar)
    return node.value
