"""The page of actions: every action with its own keys, from the JSON Schemas that are made of their handlers."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from markdown_text import code
from schema_words import Schema, key_table

from noetl.actions.registry import BUILT_IN, Registry, Shapes
from noetl.language.inline import INLINE
from noetl.language.schema import ActionShape

_INTRODUCTION = """\
# Actions: every key

`{action: TYPE, ...}` in a `run` list. Besides its own keys each takes [those of every action](playbook-keys.md#action).
What an action gives, and how it behaves, stands on the page of [actions](../actions.md).
"""


def page() -> str:
    shapes: dict[str, ActionShape] = {**INLINE, **{name: Shapes(Registry())[name] for name in BUILT_IN}}
    return "\n".join([_INTRODUCTION, *(_section(name, shapes[name]) for name in sorted(shapes))])


def _section(name: str, shape: ActionShape) -> str:
    parts = [f"## {name}", cleandoc(shape.schema.get("description", ""))]
    if len(shape.runtimes) > 1:
        parts.append(f"`runtime`: {', '.join(map(code, shape.runtimes))}; the first by default.")
    parts += _tables(name, shape.schema, shape.schema.get("$defs", {}))
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def _tables(owner: str, schema: Schema, definitions: Schema) -> Iterator[str]:
    """The keys of a mapping, and under headings of their own those of the mappings inside of it."""
    if not schema.get("properties"):
        return
    inner = {key: name for key, given in schema["properties"].items() for name in _references(given)}
    named = {name: f"[mapping](#{_anchor(owner, key)})" for key, name in inner.items()}
    yield key_table(schema, definitions, named)
    for key, name in inner.items():
        yield f"### {owner}: {key}"
        yield cleandoc(definitions[name].get("description", ""))
        yield from _tables(f"{owner}: {key}", definitions[name], definitions)


def _anchor(owner: str, key: str) -> str:
    return f"{owner}: {key}".replace(":", "").replace(" ", "-")


def _references(schema: Any) -> Iterator[str]:
    """The definitions of mappings that a key may take."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for part in schema.values():
            yield from _references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _references(part)
