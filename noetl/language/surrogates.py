"""Characters that JSON writes as two escapes and YAML as one: rewritten for the parser, with each offset kept."""

from __future__ import annotations

import re

_ESCAPE = r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)"
#: The two characters that YAML's escape is shorter; noncharacters, which no text has.
_FILLER = "\ufdd0\ufdd0"


def joined(text: str) -> str:
    """A JSON document with its surrogate pairs as single escapes of the same length; any other text as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    return re.sub(_ESCAPE, _join, text)


def _join(escape: re.Match[str]) -> str:
    high, low = escape.groups()
    if high is None:
        return escape[0]
    code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
    return f"\\U{code:08x}{_FILLER}"


def without_filler(text: str) -> str:
    """A value of a document that was rewritten."""
    return text.replace(_FILLER, "")
