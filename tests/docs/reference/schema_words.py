"""JSON Schema in words: what type a key takes, what it is without one, and the tables of keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from markdown_text import code, sentence, table, value

Schema = Mapping[str, Any]

_TYPES = {
    "string": "text",
    "number": "number",
    "integer": "integer",
    "boolean": "true or false",
    "object": "mapping",
    "array": "list",
}


def type_words(schema: Schema, definitions: Schema, named: Mapping[str, str]) -> str:
    """What a key takes; `named` has the definitions that have a word, or a section, of their own."""
    parts = list(dict.fromkeys(_alternatives(schema, definitions, named)))
    whole = [part for part in parts if not part.startswith("list")]
    if f"list of {' or '.join(whole)}" in parts or f"list ({' or '.join(whole)})" in parts:
        parts = [*whole, "a list of them"]
    return " or ".join(parts)


def _alternatives(schema: Schema, definitions: Schema, named: Mapping[str, str]) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in named:
            yield from filter(None, [named[name]])
        else:
            yield from _alternatives(definitions[name], definitions, named)
    elif "const" in schema:
        yield code(str(schema["const"]))
    elif "enum" in schema:
        yield " or ".join(code(str(choice)) for choice in schema["enum"])
    elif "anyOf" in schema:
        for part in schema["anyOf"]:
            yield from _alternatives(part, definitions, named)
    elif schema.get("type") == "array" and schema.get("items"):
        items = type_words(schema["items"], definitions, named)
        yield "list" if not items else f"list ({items})" if " or " in items else f"list of {items}"
    else:
        types = schema.get("type", [])
        for name in [types] if isinstance(types, str) else types:
            if name != "null":
                yield _TYPES[name]


def key_table(schema: Schema, definitions: Schema, named: Mapping[str, str], without: Collection[str] = ()) -> str:
    """The keys of a mapping, in the order of its schema."""
    required = schema.get("required", ())
    rows = [
        (
            code(key),
            type_words(given, definitions, named) or "any value",
            "required" if key in required else value(given.get("default")),
            sentence(" ".join(given["description"].split())),
        )
        for key, given in schema["properties"].items()
        if key not in without
    ]
    return table(("key", "type", "default", "meaning"), rows)
