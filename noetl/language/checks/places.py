"""Where in the text a name stands that the model keeps without a place of its own: keys, and parts of a path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from noetl.expressions import find_name
from noetl.language.checks.sites import Write
from noetl.model.expression import Expression
from noetl.span import Source, Span

#: How far above its value a key is looked for; comments may stand between.
_MOST_LINES = 20


class Places:
    """Looks names up in one source; made when the first problem is found."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lines = source.text.split("\n")

    def key_before(self, name: str, value: Span) -> Span:
        """The key `name` of the value that stands at this place; the value's own place if it has none."""
        pattern = _key(name)
        for number in range(value.line, max(0, value.line - _MOST_LINES), -1):
            line = self._lines[number - 1]
            matches = list(pattern.finditer(line, 0, value.column - 1 if number == value.line else len(line)))
            if matches:
                return Span(self._source, number, matches[-1].start("name") + 1, len(name))
        return value

    def key_within(self, name: str, mapping: Mapping[str, Any], start: Span) -> Span:
        """The key `name` of a mapping that begins at `start`."""
        first = first_expression(mapping[name])
        if first is not None:
            return self.key_before(name, first.span)
        return self._first(_key(name), len(name), start)

    def of_write(self, write: Write) -> Span:
        """The name of a variable where it is set."""
        return write.span if write.mapping is None else self.key_within(write.name, write.mapping, write.span)

    def value_after(self, key: str, value: str, start: Span) -> Span:
        """The first `key: value` at or after `start`: the place of the value."""
        pattern = re.compile(rf"""(?<![\w.-])["']?{key}["']?\s*:\s*["']?(?P<name>{re.escape(value)})(?![\w-])""")
        return self._first(pattern, len(value), start)

    def text_after(self, text: str, start: Span) -> Span:
        """The first place of a literal text at or after `start`; `start` itself where it is written otherwise."""
        line = text.split("\n", 1)[0]
        return self._first(re.compile(f"(?P<name>{re.escape(line)})"), len(line), start)

    def _first(self, pattern: re.Pattern[str], length: int, start: Span) -> Span:
        for number in range(start.line, len(self._lines) + 1):
            match = pattern.search(self._lines[number - 1], start.column - 1 if number == start.line else 0)
            if match:
                return Span(self._source, number, match.start("name") + 1, length)
        return start


def last_part_of(expression: Expression, path: tuple[str, ...]) -> Span:
    """The place of `c` in `a.b.c` or `a['b']['c']`."""
    whole = find_name(expression, path)
    start = whole.column - 1
    offset = whole.source.line(whole.line)[start : start + whole.length].rfind(path[-1])
    return whole if offset < 0 else Span(whole.source, whole.line, whole.column + offset, len(path[-1]))


def first_expression(value: Any) -> Expression | None:
    """The first expression in a template's value."""
    if isinstance(value, Expression):
        return value
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return next((found for item in items if (found := first_expression(item)) is not None), None)


def _key(name: str) -> re.Pattern[str]:
    return re.compile(rf"""(?<![\w.-])["']?(?P<name>{re.escape(name)})(?:["']\s*:|\s*:(?=\s|$))""")
