"""The JSON Schemas that noetl ships: the playbook's, written by hand, and the actions', made from their handlers."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from noetl.actions.registry import BUILT_IN, Registry, shape_of
from noetl.grammar import grammar_file
from noetl.language.inline import INLINE

PLAYBOOK = "playbook"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: How the playbook's schema points into an action's.
_FOLDER, _ENDING = "actions/", ".schema.json"

Schema = dict[str, Any]


def action_schema(name: str, registry: Registry) -> Schema | None:
    """The JSON Schema of the mapping of an action's own keys; None where there is no such action."""
    handler = registry.get(name)
    if handler is not None:
        return _described(name, shape_of(handler).schema)
    if name in INLINE:
        return _described(name, _shipped()["$defs"][name])
    return None


def playbook_schema(registry: Registry) -> Schema:
    """The schema of playbooks as one document: editors do not follow it into other files."""
    used: dict[str, None] = {}

    def inside(reference: str) -> str:
        file, _, pointer = reference.partition("#")
        if not file:
            return reference
        name = file.removeprefix(_FOLDER).removesuffix(_ENDING)
        used[name] = None
        return f"#/$defs/action_{name}{pointer}"

    whole: Schema = _rewritten(_shipped(), inside)
    for name in used:
        found = action_schema(name, registry)
        assert found is not None, f"the playbook's schema points at '{name}', which is no action"
        del found["$schema"]
        whole["$defs"][f"action_{name}"] = _rewritten(found, _below(f"#/$defs/action_{name}"))
    return whole


def find_schema(name: str, registry: Registry) -> Schema | None:
    """The schema of playbooks (`playbook`), or of an action (`NAME`, or `actions/NAME`)."""
    if name == PLAYBOOK:
        return playbook_schema(registry)
    return action_schema(name.removeprefix(_FOLDER), registry)


def known_names(registry: Registry) -> list[str]:
    """By which `find_schema` finds each."""
    actions = sorted({*registry, *INLINE})
    return [PLAYBOOK, *(f"{_FOLDER}{name}" if name == PLAYBOOK else name for name in actions)]


def shipped_schemas() -> dict[Path, str]:
    """What the files in `grammar/actions/` have to hold."""
    registry = Registry()
    folder = grammar_file("actions")
    schemas = {name: action_schema(name, registry) for name in BUILT_IN}
    return {folder / f"{name}{_ENDING}": written(schema) for name, schema in schemas.items() if schema is not None}


def written(schema: Schema) -> str:
    """The text of a schema's file."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _shipped() -> Schema:
    """The playbook's schema as it lies beside those of the actions."""
    schema: Schema = msgspec.json.decode(grammar_file(f"{PLAYBOOK}{_ENDING}").read_bytes())
    return schema


def _described(name: str, schema: Any) -> Schema:
    document: Schema = {"$schema": _DIALECT, **schema, "title": name}
    if "description" in document:
        document["description"] = cleandoc(document["description"])
    if not document.get("$defs"):
        document.pop("$defs", None)
    return document


def _below(place: str) -> Callable[[str], str]:
    """References within a document that has become a part of another."""
    return lambda reference: place + reference.removeprefix("#")


def _rewritten(value: Any, reference: Callable[[str], str]) -> Any:
    """The value with every reference replaced."""
    if isinstance(value, list):
        return [_rewritten(item, reference) for item in value]
    if isinstance(value, dict):
        return {
            key: reference(item) if key == "$ref" and isinstance(item, str) else _rewritten(item, reference)
            for key, item in value.items()
        }
    return value
