"""The parameters in a text of SQL: where `$1` and `:name` stand, and where they only seem to."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noetl.errors import ActionError, ErrorKind
from noetl.spelling import did_you_mean

#: Strings and dollar quotes are taken whole, to their end or that of the text; block comments are not, since they nest.
_TOKEN = re.compile(
    r"""
      (?P<space>   \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<quoted>  [eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\Z)
                 | (?:[uU]&)?'[^']*(?:''[^']*)*(?:'|\Z)
                 | (?:[uU]&)?"[^"]*(?:""[^"]*)*(?:"|\Z)
                 | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<word>    [^\W\d][\w$]* )
    | (?P<number>  \d[\w.]* )
    | (?P<dollar>  \$\d+ )
    | (?P<name>    :[^\W\d]\w* )
    | (?P<other>   :: | := | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_STREAM = re.compile(r"\bstd(?:in|out)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `$1` or `:name` at `start:end` of a text; `key` is the number or the name."""

    start: int
    end: int
    key: int | str


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement with numbered parameters and their values; `labels` are what errors call the parameters.

    `names` are the placeholders of `source`, the text as the user wrote it, that became numbers in `sql`.
    """

    source: str
    sql: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]
    names: tuple[Placeholder, ...] = ()

    def origin(self, offset: int) -> int:
        """Where in `source` a 0-based offset in `sql` comes from."""
        shift = 0
        for hole in self.names:
            if offset <= hole.start + shift:
                break
            shift += len(_written(self.source, hole, self._number(hole))) - (hole.end - hole.start)
        return min(offset - shift, len(self.source))

    def filled(self, literals: Sequence[str]) -> str:
        """The statement with a literal in the place of each parameter."""
        holes = self.names or [hole for hole in find(self.source) if isinstance(hole.key, int)]
        return _replace(self.source, holes, lambda hole: literals[self._number(hole) - 1])

    def _number(self, hole: Placeholder) -> int:
        return hole.key if isinstance(hole.key, int) else self.labels.index(f":{hole.key}") + 1


def place(source: str, params: Sequence[Any] | Mapping[str, Any] | None) -> Placed:
    """Gives every `:name` its number; with a list, or nothing, the text stays as it is. Raises `bad_parameter`."""
    if not isinstance(params, Mapping):
        values = tuple(params or ())
        return Placed(source, source, values, tuple(f"${number + 1}" for number in range(len(values))))
    holes = tuple(find(source, params))
    for hole in holes:
        if isinstance(hole.key, int):
            raise bad_parameter(f"the query has '${hole.key}' but 'params' is a mapping; write ':name', or give a list")
        if hole.key not in params:
            hint = did_you_mean(hole.key, params)
            missing = f"the query has ':{hole.key}' but 'params' does not"
            raise bad_parameter(missing if hint is None else f"{missing}; {hint}")
    names = list(dict.fromkeys(str(hole.key) for hole in holes))
    numbers = {name: number for number, name in enumerate(names, 1)}
    sql = _replace(source, holes, lambda hole: _written(source, hole, numbers[str(hole.key)]))
    return Placed(source, sql, tuple(params[name] for name in names), tuple(f":{name}" for name in names), holes)


def bad_parameter(message: str) -> ActionError:
    return ActionError(ErrorKind.PERMANENT, "bad_parameter", message)


def words(sql: str) -> Iterator[str]:
    """The bare words of a text in lower case, with a `;` between those of two statements; empty for comments alone."""
    for kind, text, _ in tokens(sql):
        if kind == "word" or text == ";":
            yield text.lower()


def is_blank(sql: str) -> bool:
    """Whether there is nothing in a text that a server could do."""
    return all(text == ";" for _, text, _ in tokens(sql))


def without_end(sql: str) -> str:
    """One statement without its `;` and what follows, so that it can stand inside another."""
    return next((sql[:start] for _, text, start in tokens(sql) if text == ";"), sql)


def streams_copy(sql: str) -> bool:
    """Whether a statement is a COPY from the standard input of its client, or to its output."""
    if not _STREAM.search(sql):
        return False
    is_copy, is_first = False, True
    for word in words(sql):
        is_copy = word == "copy" if is_first else is_copy
        is_first = word == ";"
        if is_copy and word in ("stdin", "stdout"):
            return True
    return False


def find(sql: str, known: Container[str] = ()) -> Iterator[Placeholder]:
    """The placeholders of a text.

    `known` settles `a[:n]`: an element if there is a parameter `n`, else a slice that ends at a column `n`.
    """
    # For each open bracket or parenthesis: None, or in a subscript whether something stands before a colon.
    open_: list[bool | None] = []
    operand = constructor = False
    for kind, text, start in tokens(sql):
        if text in ("[", "("):
            open_.append(False if text == "[" and operand and not constructor else None)
            operand = constructor = False
            continue
        if text in ("]", ")") and open_:
            open_.pop()
        subscript = open_[-1] if open_ else None
        if text == ":" and subscript is not None:
            open_[-1] = operand = False
            continue
        if kind == "dollar":
            yield Placeholder(start, start + len(text), int(text[1:]))
        elif kind == "name" and (subscript is None or (not subscript and text[1:] in known)):
            yield Placeholder(start, start + len(text), text[1:])
        operand = kind != "other" or text in ("]", ")")
        constructor = kind == "word" and text.lower() == "array"
        if subscript is not None:
            open_[-1] = True


def tokens(sql: str) -> Iterator[tuple[str, str, int]]:
    """The parts of a text that are neither space nor comment: kind, text and 0-based offset."""
    offset = 0
    while offset < len(sql):
        match = _TOKEN.match(sql, offset)
        assert match is not None
        offset = match.end()
        kind = match.lastgroup
        assert kind is not None
        if kind == "comment":
            offset = _end_of_comment(sql, offset)
        elif kind != "space":
            yield kind, match.group(), match.start()


def _end_of_comment(sql: str, offset: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(sql, offset)
        if edge is None:
            return len(sql)
        depth += 1 if edge.group() == "/*" else -1
        offset = edge.end()
    return offset


def _written(source: str, hole: Placeholder, number: int) -> str:
    before = source[hole.start - 1 : hole.start]
    # `LIMIT:n` must not become the name `LIMIT$1`.
    return f" ${number}" if before.isalnum() or before in ("_", "$") else f"${number}"


def _replace(text: str, holes: Sequence[Placeholder], written: Callable[[Placeholder], str]) -> str:
    parts: list[str] = []
    offset = 0
    for hole in holes:
        parts += text[offset : hole.start], written(hole)
        offset = hole.end
    return "".join((*parts, text[offset:]))
