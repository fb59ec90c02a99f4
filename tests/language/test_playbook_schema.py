"""The JSON Schema of playbooks that editors complete from: it describes every part, and agrees with the parser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mutations import SOUND
from reading import HEADER, nodes_of, plain, read_text
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from noetl.actions.registry import BUILT_IN
from noetl.cli.schemas import shipped_schemas
from noetl.grammar import grammar_file
from noetl.language.inline import INLINE

SCHEMA: dict[str, Any] = json.loads(grammar_file("playbook.schema.json").read_text(encoding="utf-8"))
PLAYBOOKS = sorted((Path(__file__).parents[2] / "playbooks").rglob("*.yaml"))

_SCHEMAS = ("properties", "$defs", "patternProperties", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else")


def nodes(schema: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in _SCHEMAS:
        for name, inner in schema.get(key, {}).items():
            yield from nodes(inner, f"{path}/{key}/{name}")
    for key in _LISTS:
        for number, inner in enumerate(schema.get(key, [])):
            yield from nodes(inner, f"{path}/{key}/{number}")
    for key in _SINGLE:
        yield from nodes(schema.get(key), f"{path}/{key}")


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    registry: Registry[Any] = Registry()
    for path, content in shipped_schemas().items():
        resource = Resource.from_contents(json.loads(content), default_specification=DRAFT202012)
        registry = registry.with_resource(f"actions/{path.name}", resource)
    return Draft202012Validator(SCHEMA, registry=registry)


def accepted(validator: Draft202012Validator, text: str) -> bool:
    root, problems = nodes_of(text)
    assert problems == []
    return bool(validator.is_valid(plain(root)))


def test_it_is_a_schema_of_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_every_node_has_a_description() -> None:
    assert [path for path, node in nodes(SCHEMA) if not node.get("description")] == []


def test_every_action_has_a_branch_with_all_its_keys() -> None:
    action = SCHEMA["$defs"]["action_call"]
    branches = {
        branch["if"]["properties"]["action"]["const"]: branch["then"]
        for branch in action["allOf"]
        if "const" in branch["if"]["properties"]["action"]
    }
    assert branches.keys() == {*BUILT_IN, *INLINE}
    assert action["properties"]["action"]["anyOf"][0]["enum"] == sorted(branches)
    shapes = {path.name.partition(".")[0]: json.loads(content) for path, content in shipped_schemas().items()}
    shapes |= {name: shape.schema for name, shape in INLINE.items()}
    for name, branch in branches.items():
        assert branch["properties"].keys() == shapes[name]["properties"].keys(), name
        assert branch.get("required", []) == shapes[name].get("required", []), name
        for key, schema in branch["properties"].items():
            assert schema["description"] == shapes[name]["properties"][key]["description"], f"{name}.{key}"


def test_the_inline_actions_are_those_of_the_parser() -> None:
    assert {name: SCHEMA["$defs"][name] for name in INLINE} == {name: shape.schema for name, shape in INLINE.items()}


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in PLAYBOOKS])
def test_the_playbooks_that_we_ship_are_accepted(validator: Draft202012Validator, path: Path) -> None:
    root, _ = nodes_of(path.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(plain(root))] == []


_STEP = "steps: [{name: A, run: [{action: noop}]}]\n"
_IN_STEP = "steps:\n  - name: A\n    "
_IN_RUN = "steps:\n  - name: A\n    run:\n      - "

GOOD = {
    "a small playbook": _STEP,
    "inputs": "inputs: {a: {type: number, default: 1, minimum: 0, multipleOf: 2}, b: , c: {required: true}}\n" + _STEP,
    "sections": "environment: {a: '{{ env.A }}'}\ncontext: {b: [1, {c: null}]}\nsecrets: {d: 'env:D'}\n" + _STEP,
    "a start list": "start: [A]\nparallel: 3\ntimeout: 90\nversion: 1.0\n" + _STEP,
    "a rule": _IN_STEP + "rule: [{case: default, run: [A]}, {case: true}, {case: error.transient, run: []}]\n",
    "work in a case": _IN_STEP + "rule: [{case: default, run: [{action: noop}, t]}]\ntasks: [{name: t, run: []}]\n",
    "a template for a list": _IN_RUN + "{action: shell, cmd: '{{ words }}', expect: '{{ code }}'}\n",
    "a template in a list": _IN_RUN + "{action: shell, cmd: ls, expect: [0, '{{ code }}']}\n",
    "a template in a mapping": _IN_RUN + "{action: shell, cmd: ls, env: {A: {b: '{{ x }}'}}}\n",
    "policies": _IN_RUN
    + "{action: noop, retry: 3, timeout: '{{ t }}', loop: {items: 3, as: n}, as: {a: '{{ data }}'}}\n",
    "a program": _IN_RUN + "{action: python, code: 'return 1', args: {a: [1]}, runtime: isolated}\n",
    "an action of a plug-in": _IN_RUN + "{action: teleport, to: {x: 1}, as: y}\n",
    "a task call": _IN_RUN + "{task: t, with: {a: 1}, fallback: {task: u, retry: 2}}\n",
    "a step that undoes its branch": _IN_STEP + "on_error: compensate\n    run: []\n",
    "waiting": _IN_RUN + "{action: wait, for: 10}\n",
}

BAD = {
    "nothing": "",
    "an unknown key": "stepz: []\n" + _STEP,
    "no steps": "description: x\n",
    "steps as a mapping": "steps: {A: {run: []}}\n",
    "an empty step": "steps: [{name: A}]\n",
    "a step without a name": "steps: [{run: []}]\n",
    "a bad name": "steps: [{name: 'a b', run: []}]\n",
    "a bad variable": "context: {a-b: 1}\n" + _STEP,
    "a secret without a source": "secrets: {a: abc}\n" + _STEP,
    "a bad join": _IN_STEP + "join: al\n    rule: []\n",
    "an unknown key of a step": _IN_STEP + "runn: []\n    rule: []\n",
    "a move in a step": _IN_RUN + "{step: A}\n",
    "moves and work": _IN_STEP + "rule: [{case: default, run: [{step: A}, {action: noop}]}]\n",
    "a case without a condition": _IN_STEP + "rule: [{run: [A]}]\n",
    "an unknown key of an action": _IN_RUN + "{action: shell, cmd: ls, cmdd: x}\n",
    "a missing key of an action": _IN_RUN + "{action: shell}\n",
    "a bad option": _IN_RUN + "{action: shell, cmd: {a: 1}}\n",
    "a bad option of an inline action": _IN_RUN + "{action: log, message: x, level: loud}\n",
    "a bad retry": _IN_RUN + "{action: noop, retry: {attempts: 0}}\n",
    "a loop of two kinds": _IN_RUN + "{action: noop, loop: {items: 3, while: true}}\n",
    "an unknown type": "inputs: {a: {type: int}}\n" + _STEP,
    "a bad on_error": "on_error: retry\n" + _STEP,
    "an action that undoes a branch": _IN_RUN + "{action: noop, on_error: compensate}\n",
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in GOOD.items()])
def test_a_sound_playbook_is_accepted(validator: Draft202012Validator, body: str) -> None:
    root, _ = nodes_of(HEADER + body)
    assert [error.message for error in validator.iter_errors(plain(root))] == []


def test_a_playbook_of_everything_is_accepted(validator: Draft202012Validator) -> None:
    assert accepted(validator, SOUND)


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BAD.items()])
def test_a_spoilt_playbook_is_refused_by_schema_and_parser(validator: Draft202012Validator, body: str) -> None:
    assert not accepted(validator, HEADER + body)
    assert read_text(HEADER + body)[1]
