"""The page of the language names every name and join that there is, and the reference every key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pages import first_column, prose, section

from noetl.grammar import grammar_file
from noetl.language.checks.vocabulary import ALWAYS
from noetl.language.unsupported import UNSUPPORTED_VALUES
from noetl.model.playbook import Join

PAGE = "docs/language.md"
KEYS = "docs/reference/playbook-keys.md"


def _words(text: str) -> set[str]:
    """What stands in code marks."""
    return {word for mark in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", mark)}


def _keys(schema: Any) -> Iterator[str]:
    """The keys of playbooks in a schema, at whatever depth; those of actions have a page of their own."""
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            yield name
            yield from _keys(value)
        for name, value in schema.items():
            if name != "properties":
                yield from _keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keys(value)


def test_every_key_of_the_schema_is_explained() -> None:
    schema = json.loads(grammar_file("playbook.schema.json").read_text())
    definitions = schema["$defs"]
    for action in ("set", "log", "wait", "fail", "stop", "noop", "limit", "input", "action_call"):
        definitions.pop(action, None)

    assert set(_keys(schema)) - _words(prose(KEYS)) == set()


def test_every_name_that_is_always_there_is_explained() -> None:
    assert set(first_column(section(PAGE, "Names"))) >= ALWAYS


def test_every_join_is_explained() -> None:
    assert {str(join) for join in Join} <= set(first_column(section(PAGE, "Branches and joins")))


def test_what_is_not_carried_out_stands_in_one_place() -> None:
    text = section(PAGE, "Not yet carried out")
    values = {value.partition(":")[2].strip() for value in UNSUPPORTED_VALUES}

    assert values <= _words(text)
