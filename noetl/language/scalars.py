"""What a plain scalar means by the core schema of YAML 1.2: only true and false are booleans, no date is an object."""

from __future__ import annotations

import re

from noetl.language.nodes import Value

#: More digits than any number that a playbook can pass on; Python refuses to read some longer ones.
MAX_DIGITS = 400

_WORDS: dict[str, Value] = {
    "": None,
    "~": None,
    **{word: None for word in ("null", "Null", "NULL")},
    **{word: True for word in ("true", "True", "TRUE")},
    **{word: False for word in ("false", "False", "FALSE")},
    **{f"{sign}.{word}": float(f"{sign}inf") for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")},
    **{f".{word}": float("nan") for word in ("nan", "NaN", "NAN")},
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_STARTS = frozenset("0123456789+-.")
_BASES = {"0o": 8, "0x": 16}


def core_value(text: str) -> Value:
    """The value of a plain scalar; the text itself where it is nothing else."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > MAX_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text, _BASES.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
