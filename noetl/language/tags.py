"""YAML's tags: `!literal`, and those of the core schema."""

from __future__ import annotations

from noetl.language.nodes import Value
from noetl.language.scalars import core_value

#: Switches templating off for the scalar that follows.
LITERAL = "!literal"

_CORE = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "an integer"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "a boolean"),
    "null": ((type(None),), "null"),
}


def shown(tag: str) -> str:
    """The tag as users write it."""
    return f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag


def is_known(tag: str, mapping: bool | None = None) -> bool:
    """Whether it may stand before a scalar; before a mapping or a list where `mapping` is given."""
    name = tag.removeprefix(_CORE)
    if name == tag:
        return False
    if mapping is None:
        return name == "str" or name in _TYPES
    return name == ("map" if mapping else "seq")


def tagged_value(tag: str, text: str) -> Value:
    """The value of a scalar with a tag of the core schema; ValueError, with a sentence, where it does not fit."""
    name = tag.removeprefix(_CORE)
    if name == "str":
        return text
    types, noun = _TYPES[name]
    value = core_value(text)
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise ValueError(f"'!!{name}' wants {noun}, got '{text}'")
    return float(value) if name == "float" and value is not None else value
