"""JSON Schema as inputs use it: whether a schema is one, and what of a value does not fit it, in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from noetl.language import literals
from noetl.language.conforms import Checker
from noetl.language.nodes import Node
from noetl.language.report import Report

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")

#: What other languages call the types of JSON.
_ALIASES = {
    "str": "string", "text": "string", "int": "integer", "float": "number", "double": "number", "decimal": "number",
    "bool": "boolean", "list": "array", "sequence": "array", "dict": "object", "map": "object", "mapping": "object",
    "none": "null",
}  # fmt: skip

#: Types of other languages that are formats of a text here.
_FORMATS = {
    "date": "date", "time": "time", "uuid": "uuid", "email": "email", "uri": "uri", "url": "uri",
    **dict.fromkeys(("datetime", "date-time", "timestamp", "timestamptz"), "date-time"),
}  # fmt: skip

_SCHEMA = {"$ref": "#/$defs/schema"}
_SCHEMAS = {"type": "object", "additionalProperties": _SCHEMA}
_LIST_OF_SCHEMAS = {"type": "array", "minItems": 1, "items": _SCHEMA}
_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "number"}
_TEXT = {"type": "string"}
_BOOLEAN = {"type": "boolean"}
_NAMES = {"type": "array", "items": _TEXT}
_ANY: dict[str, Any] = {}

#: The keywords of JSON Schema 2020-12, each with what it takes.
_KEYWORDS: dict[str, dict[str, Any]] = {
    "type": {"anyOf": [{"type": "string", "enum": list(TYPES)}, {"type": "array", "items": {"enum": list(TYPES)}}]},
    "enum": {"type": "array", "minItems": 1},
    "const": _ANY,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    "multipleOf": {"type": "number", "exclusiveMinimum": 0},
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains"), _COUNT),
    **dict.fromkeys(("minProperties", "maxProperties"), _COUNT),
    "pattern": {"type": "string", "format": "regex"},
    **dict.fromkeys(("format", "title", "description", "$id", "$schema", "$ref", "$anchor", "$comment"), _TEXT),
    **dict.fromkeys(("contentEncoding", "contentMediaType", "$dynamicRef", "$dynamicAnchor"), _TEXT),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), _BOOLEAN),
    **dict.fromkeys(("items", "contains", "additionalProperties", "propertyNames"), _SCHEMA),
    **dict.fromkeys(("not", "if", "then", "else"), _SCHEMA),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties", "contentSchema"), _SCHEMA),
    **dict.fromkeys(("properties", "patternProperties", "dependentSchemas", "$defs"), _SCHEMAS),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _LIST_OF_SCHEMAS),
    "required": _NAMES,
    "dependentRequired": {"type": "object", "additionalProperties": _NAMES},
    "examples": {"type": "array"},
    "default": _ANY,
}
_META: dict[str, Any] = {
    "$defs": {
        "schema": {
            "anyOf": [{"type": "boolean"}, {"type": "object", "properties": _KEYWORDS, "additionalProperties": False}]
        }
    }
}

KEYWORDS = frozenset(_KEYWORDS)
#: Schemas of these keywords alone are held against values without the library.
_PLAIN = frozenset({"type", "title", "$comment", "examples", "deprecated", "default", "description"})


def check_keyword(report: Report, key: str, node: Node) -> None:
    """Report what is wrong with the value of one keyword."""
    Checker(report, _META, templates=False).check(node, _KEYWORDS[key], f"'{key}'")


def type_meant(word: str) -> str | None:
    """What to write for a type of another language."""
    word = word.lower()
    if word in _FORMATS:
        return f"type: string, format: {_FORMATS[word]}"
    return _ALIASES.get(word)


def violations(schema: Mapping[str, Any], value: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where in a value it does not fit the schema, with a sentence that goes on after the name of that part."""
    types = schema.get("type")
    wanted = TYPES if types is None else (types,) if isinstance(types, str) else tuple(types)
    if not any(is_type(value, name) for name in wanted):
        yield (), f"must be {_type_nouns(wanted)}, got {described(value)}"
    elif not schema.keys() <= _PLAIN:
        yield from _validated(schema, value)


def _validated(schema: Mapping[str, Any], value: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # Without a registry the library would fetch what a schema refers to from the network.
    formats = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(dict(schema), registry=Registry(), format_checker=formats)
    try:
        errors = [best_match([error]) or error for error in validator.iter_errors(value)]
    except Unresolvable as error:
        yield (), f"cannot be checked, as its schema refers to '{error.ref}', which is not in it"
    except RecursionError:
        yield (), "cannot be checked, as its schema refers to itself without an end"
    except re.error as error:
        yield (), f"cannot be checked, as '{error.pattern!s}' in its schema is not a regular expression"
    else:
        for found in errors:
            yield tuple(found.absolute_path), _sentence(found.validator, found.validator_value, found.instance)


def _sentence(keyword: object, limit: Any, value: object) -> str:
    got = f"got {described(value)}"
    match keyword:
        case "type":
            return f"must be {_type_nouns((limit,) if isinstance(limit, str) else tuple(limit))}, {got}"
        case "enum" | "const":
            choices = limit if keyword == "enum" else [limit]
            return f"must be {literals.listed([_shown(choice) for choice in choices])}, {got}"
        case str() if keyword in _LIMITS:
            return f"must be {_LIMITS[keyword]} {limit}, {got}"
        case "minLength" | "minItems" | "minProperties":
            return f"must have at least {limit} {_PARTS[keyword[3:]]}, {got}"
        case "maxLength" | "maxItems" | "maxProperties":
            return f"must have at most {limit} {_PARTS[keyword[3:]]}, {got}"
        case "pattern":
            return f"must match '{limit}', {got}"
        case "format":
            return f"must have the format '{limit}', {got}"
        case "uniqueItems":
            return "must not hold an entry twice"
        case "required":
            missing = [key for key in limit if isinstance(value, Mapping) and key not in value]
            return f"needs the key {literals.listed(missing)}"
        case "additionalProperties" | "unevaluatedProperties":
            return "has a key that its schema does not know"
        case _:
            return f"does not fit '{keyword}' of its schema, {got}"


_LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
}
_PARTS = {"Length": "characters", "Items": "entries", "Properties": "keys"}
_TYPE_NOUNS = {
    "string": "a text",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def is_type(value: object, name: str) -> bool:
    """Whether a JSON value is of a type of JSON Schema."""
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, float) and name == "integer":
        return value.is_integer()
    return isinstance(value, _PYTHON_TYPES.get(name, ()))


def described(value: object) -> str:
    """A JSON value, for a sentence that says what was got."""
    if isinstance(value, str):
        return f"the text '{value}'" if len(value) <= 40 and value.isprintable() else "a longer text"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "null" if value is None else "a mapping" if isinstance(value, Mapping) else "a list"


def _shown(choice: object) -> str:
    return str(choice).lower() if isinstance(choice, bool) else "null" if choice is None else str(choice)


def _type_nouns(types: tuple[str, ...]) -> str:
    nouns = [_TYPE_NOUNS[name] for name in types]
    return nouns[0] if len(nouns) == 1 else f"{', '.join(nouns[:-1])} or {nouns[-1]}"
