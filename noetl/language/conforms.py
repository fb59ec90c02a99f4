"""Holds literal values against the part of JSON Schema that handlers' schemas are made of, in sentences of our own."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from noetl.language import literals
from noetl.language.fields import unknown_key
from noetl.language.nodes import Mapping as MappingNode
from noetl.language.nodes import Node, Scalar, Sequence
from noetl.language.report import Report
from noetl.language.templating import is_expression
from noetl.spelling import did_you_mean
from noetl.units import parse_duration, parse_rate, parse_size

Schema = Mapping[str, Any]


def _read_pattern(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"expected a regular expression, got '{text}': {error.msg}") from None


#: Formats of texts that the language knows, with the code of what is wrong.
FORMATS: Mapping[str, tuple[Callable[[Any], object], str]] = {
    "duration": (parse_duration, "bad-duration"),
    "rate": (parse_rate, "bad-rate"),
    "size": (parse_size, "bad-value"),
    "regex": (_read_pattern, "bad-value"),
}

#: How a number must stand to a bound, and the words for it.
_BOUNDS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "minimum": (operator.ge, "at least"),
    "exclusiveMinimum": (operator.gt, "more than"),
    "maximum": (operator.le, "at most"),
    "exclusiveMaximum": (operator.lt, "less than"),
}

_SCALARS: Mapping[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "null": (type(None),)}

_NOUNS = {
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


class Checker:
    """Checks nodes against the schemas of one document; templates are left to the run, which knows their values."""

    def __init__(self, report: Report, root: Schema, *, templates: bool) -> None:
        self._report = report
        self._root = root
        self._templates = templates

    def check(self, node: Node, schema: Schema, what: str) -> None:
        """Report what is wrong with the value of `what`."""
        if self._templates and is_expression(node):
            return
        schema = self._resolved(schema)
        variants = schema.get("anyOf") or schema.get("oneOf")
        if variants:
            self._check_variants(node, [self._resolved(variant) for variant in variants], what)
        elif "enum" in schema or "const" in schema:
            self._check_choice(node, schema.get("enum", [schema.get("const")]), what)
        elif not _has_type(node, schema):
            hint = "quote it" if _wants_quotes(node, schema) else None
            self._report.wrong_type(what, _noun(schema), node, hint)
        else:
            self._check_content(node, schema, what)

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            name = str(schema["$ref"]).rsplit("/", 1)[-1]
            schema = self._root["$defs"][name]
        return schema

    def _check_variants(self, node: Node, variants: list[Schema], what: str) -> None:
        fitting = [variant for variant in variants if _has_type(node, variant) and _in_choice(node, variant)]
        if len(fitting) == 1:
            self.check(node, fitting[0], what)
        elif len(typed := [variant for variant in variants if _has_type(node, variant)]) == 1:
            self.check(node, typed[0], what)
        elif not fitting:
            wanted = _joined([_noun(variant) for variant in variants if variant.get("type") != "null"])
            self._report.wrong_type(what, wanted, node)
        else:
            self._check_alternatives(node, fitting, what)

    def _check_alternatives(self, node: Node, variants: list[Schema], what: str) -> None:
        """Of several that the node might be meant as, the one that fits best speaks."""
        fewest: Report | None = None
        for variant in variants:
            attempt = Report()
            Checker(attempt, self._root, templates=self._templates).check(node, variant, what)
            if fewest is None or len(attempt.problems) < len(fewest.problems):
                fewest = attempt
        self._report.problems.extend([] if fewest is None else fewest.problems)

    def _check_choice(self, node: Node, choices: list[Any], what: str) -> None:
        if any(_equals(node, choice) for choice in choices):
            return
        words = [_shown(choice) for choice in choices if choice is not None]
        got = node.text if isinstance(node, Scalar) and node.value is not None else None
        wanted = literals.listed(words) if words else "null"
        if got is None or got in words:
            self._report.wrong_type(what, wanted, node, "quote it" if got in words else None)
        else:
            self._report.error("bad-value", f"{what} must be {wanted}, got '{got}'", node, did_you_mean(got, words))

    def _check_content(self, node: Node, schema: Schema, what: str) -> None:
        if isinstance(node, MappingNode):
            self._check_mapping(node, schema, what)
        elif isinstance(node, Sequence):
            self._check_length(node, len(node.items), schema, "Items", "entries", what)
            items = schema.get("items")
            if isinstance(items, Mapping):
                for item in node.items:
                    self.check(item, items, f"an entry of {what}")
        elif isinstance(node, Scalar):
            self._check_scalar(node, schema, what)

    def _check_mapping(self, node: MappingNode, schema: Schema, what: str) -> None:
        self._check_length(node, len(node.entries), schema, "Properties", "keys", what)
        properties: Mapping[str, Schema] = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        for key, (key_node, value) in node.entries.items():
            if key in properties:
                self.check(value, properties[key], f"'{key}'")
            elif isinstance(others, Mapping):
                self.check(value, others, f"'{key}' in {what}")
            elif others is False:
                unknown_key(self._report, key_node, what, properties)
        for key in schema.get("required", ()):
            if key not in node.entries:
                self._report.missing_key(what, key, node)

    def _check_scalar(self, node: Scalar, schema: Schema, what: str) -> None:
        value = node.value
        if isinstance(value, str):
            self._check_length(node, len(value), schema, "Length", "characters", what)
            pattern = schema.get("pattern")
            if pattern is not None and not re.search(pattern, value):
                self._report.error("bad-value", f"{what} must match '{pattern}', got '{value}'", node)
        elif isinstance(value, int | float):
            self._check_range(node, value, schema, what)
        reader, code = FORMATS.get(schema.get("format", ""), (None, ""))
        if reader is not None:
            try:
                reader(value)
            except ValueError as error:
                self._report.error(code, literals.must_be(what, error), node)

    def _check_range(self, node: Scalar, value: float, schema: Schema, what: str) -> None:
        for bound, (fits, words) in _BOUNDS.items():
            if bound in schema and not fits(value, schema[bound]):
                self._report.error("bad-value", f"{what} must be {words} {schema[bound]}, got {node.text}", node)

    def _check_length(self, node: Node, length: int, schema: Schema, suffix: str, noun: str, what: str) -> None:
        least, most = schema.get(f"min{suffix}", 0), schema.get(f"max{suffix}")
        if length < least:
            wanted = "must not be empty" if least == 1 else f"must have at least {least} {noun}, got {length}"
            self._report.error("bad-value", f"{what} {wanted}", node)
        elif most is not None and length > most:
            self._report.error("bad-value", f"{what} must have at most {most} {noun}, got {length}", node)


def _types(schema: Schema) -> tuple[str, ...]:
    found = schema.get("type", ())
    return (found,) if isinstance(found, str) else tuple(found)


def _has_type(node: Node, schema: Schema) -> bool:
    types = _types(schema)
    if not types:
        return isinstance(node, Scalar) or "enum" not in schema
    if isinstance(node, Scalar):
        return any(_is_scalar(node.value, type) for type in types)
    return ("object" if isinstance(node, MappingNode) else "array") in types


def _is_scalar(value: object, type: str) -> bool:
    if type == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and value.is_integer()
        )
    if type == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, _SCALARS.get(type, ()))


def _in_choice(node: Node, schema: Schema) -> bool:
    return "enum" not in schema or any(_equals(node, choice) for choice in schema["enum"])


def _equals(node: Node, choice: object) -> bool:
    return isinstance(node, Scalar) and type(node.value) is type(choice) and node.value == choice


def _shown(choice: object) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def _wants_quotes(node: Node, schema: Schema) -> bool:
    return isinstance(node, Scalar) and node.value is not None and "string" in _types(schema)


def _noun(schema: Schema) -> str:
    if "enum" in schema:
        return literals.listed([_shown(choice) for choice in schema["enum"]])
    if schema.get("format") in FORMATS:
        return f"a {schema['format']}"
    types = [type for type in _types(schema) if type != "null" or len(_types(schema)) == 1]
    return _joined([_NOUNS[type] for type in types])


def _joined(nouns: list[str]) -> str:
    unique = list(dict.fromkeys(nouns))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} or {unique[-1]}"
