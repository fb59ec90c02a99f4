from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_case import Case
from jsonschema import Draft202012Validator
from sample_playbooks import BROKEN, GREET
from yaml import safe_load

from noetl.actions.registry import BUILT_IN
from noetl.cli.schemas import shipped_schemas
from noetl.language.inline import INLINE


def printed(case: Case, *words: str) -> dict[str, Any]:
    ended = case.args("schema", *words).run()
    assert (ended.stderr, ended.code) == ("", 0)
    schema: dict[str, Any] = json.loads(ended.stdout)
    Draft202012Validator.check_schema(schema)
    return schema


def test_the_schemas_that_are_shipped_are_those_of_the_handlers() -> None:
    """When this fails: `noetl schema --write`."""
    shipped = {path: path.read_text(encoding="utf-8") for path in shipped_schemas() if path.exists()}
    assert shipped == shipped_schemas()
    assert shipped.keys() == set(next(iter(shipped)).parent.iterdir())


@pytest.mark.parametrize("words", [[], ["playbook"]], ids=["default", "by name"])
def test_the_schema_of_playbooks_stands_on_its_own(case: Case, words: list[str]) -> None:
    schema = printed(case, *words)
    references = {reference for reference in _references(schema) if not reference.startswith("#/$defs/")}
    assert references == set()
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(safe_load(GREET))) == []
    assert list(validator.iter_errors({**safe_load(BROKEN), "steps": [{"nam": "Start"}]})) != []


def _references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_references, value))
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    return set()


@pytest.mark.parametrize("name", sorted({*BUILT_IN, *INLINE}))
def test_every_action_has_a_schema(case: Case, name: str) -> None:
    schema = printed(case, f"actions/{name}")
    assert schema["title"] == name
    assert schema["description"]
    assert schema["additionalProperties"] is False
    assert name == "playbook" or printed(case, name) == schema


def test_an_unknown_name_gets_all_known_ones(case: Case) -> None:
    names = "playbook, fail, http, log, noop, actions/playbook, postgres, powershell, python, set, shell, stop, wait"
    case.args("schema", "frobnicate").stderr(
        f"error: there is no schema 'frobnicate' (there is one for {names})\n'noetl schema --help' tells more\n"
    ).exit(2)


@pytest.mark.parametrize("path", shipped_schemas(), ids=lambda path: path.name)
def test_every_key_of_an_action_is_described(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema["description"]
    assert [key for key, value in schema["properties"].items() if not value.get("description")] == []
