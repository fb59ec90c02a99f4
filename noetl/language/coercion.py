"""The values that a run is given for the inputs of its playbook: read from text where they are text, and validated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from noetl.errors import PlaybookError, Problem
from noetl.language.json_schema import is_type, violations
from noetl.language.nodes import Document
from noetl.language.scalars import core_value
from noetl.model.playbook import Input, Playbook
from noetl.span import Span
from noetl.spelling import did_you_mean
from noetl.values import to_json

_SECTION = re.compile(r"^inputs(?=\s*:)", re.MULTILINE)

#: In which order a text is tried as the types that an input allows; as a text it always can be read.
_ORDER = ("null", "boolean", "integer", "number", "array", "object")


def coerce_inputs(
    playbook: Playbook, given: Mapping[str, Any], text: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The value of every input: one `given`, or read from a `text` of a command line, which comes first.

    Raises PlaybookError.
    """
    texts = text or {}
    problems = [_unknown(playbook, name) for name in {**given, **texts} if name not in playbook.inputs]
    values: dict[str, Any] = {}
    for name, parameter in playbook.inputs.items():
        if name in texts:
            values[name] = _value(parameter, _read(texts[name], parameter), problems)
        elif name in given:
            values[name] = _value(parameter, given[name], problems)
        else:
            values[name] = parameter.default
            if parameter.required and parameter.default is None:
                message = f"input '{name}' is required"
                problems.append(
                    Problem("missing-input", message, parameter.span, hint=f"give it with '-i {name}=VALUE'")
                )
    if problems:
        raise PlaybookError(problems)
    return values


def _unknown(playbook: Playbook, name: str) -> Problem:
    source = playbook.source
    section = _SECTION.search(source.text)
    span = Span(source, 1, 1) if section is None else Document(source).span(section.start(), section.end())
    hint = did_you_mean(name, playbook.inputs) if playbook.inputs else "it has none"
    return Problem("unknown-input", f"the playbook has no input '{name}'", span, hint=hint)


def _value(parameter: Input, given: Any, problems: list[Problem]) -> Any:
    try:
        value = to_json(given)
    except TypeError as error:
        problems.append(Problem("bad-input", f"input '{parameter.name}': {error}", parameter.span))
        return None
    for path, sentence in violations(parameter.schema, value):
        part = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        problems.append(Problem("bad-input", f"input '{parameter.name}{part}' {sentence}", parameter.span))
    return value


def _read(text: str, parameter: Input) -> Any:
    """The value that a text stands for by the types of the schema; the text itself where it is none of them."""
    types = parameter.schema.get("type")
    if types is None and parameter.default is not None:
        # Who gives no type gives it by the default: `threshold: {default: 100}` is a number.
        types = tuple(name for name in _ORDER if is_type(parameter.default, name))
    allowed = () if types is None else (types,) if isinstance(types, str) else tuple(types)
    for name in _ORDER:
        if name in allowed:
            value = _json(text) if name in ("array", "object") else core_value(text.strip())
            if is_type(value, name) and not (name == "null" and not text and "string" in allowed):
                return int(value) if isinstance(value, float) and name == "integer" else value
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
