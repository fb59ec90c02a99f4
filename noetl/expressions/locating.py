"""Where in the text of a template a name or a path stands."""

from __future__ import annotations

from collections.abc import Sequence

from noetl.expressions.errors import CompileError
from noetl.expressions.reading import RawToken, raw_tokens
from noetl.expressions.templates import is_template
from noetl.model.expression import Path


def locate(text: str, path: Path, start: int = 0) -> tuple[int, int] | None:
    """Offset and length of the first place at or after `start` that reads the path; None where none does.

    A path of one name that is read nowhere is looked for as any word: a key, an argument, a text.
    """
    tokens = _code(text)
    found = (_matched(tokens, index, path) for index, token in enumerate(tokens) if token.offset >= start)
    for last in found:
        if last is not None:
            first, end = last
            return first.offset, end.offset + len(end.text) - first.offset
    if len(path) == 1:
        word = next((token for token in tokens if token.word == str(path[0])), None)
        return None if word is None else (word.offset, len(word.text))
    return None


def _code(text: str) -> list[RawToken]:
    try:
        return [token for token in raw_tokens(text, bare=not is_template(text)) if token.is_code]
    except CompileError:
        return []


def _matched(tokens: Sequence[RawToken], index: int, path: Path) -> tuple[RawToken, RawToken] | None:
    """The first and last token of the path if it starts here."""
    first = last = tokens[index]
    if first.kind != "name" or first.text != path[0] or (index and tokens[index - 1].text in (".", "|", "is")):
        return None
    position = index + 1
    for key in path[1:]:
        texts = [token.word for token in tokens[position : position + 3]]
        if texts[:2] == [".", str(key)]:
            position += 2
        elif texts == ["[", str(key), "]"]:
            position += 3
        else:
            return None
        last = tokens[position - 1]
    return first, last
