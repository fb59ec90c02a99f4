"""A look at SQL without a server: the kind of each statement and the tables that it names.

It knows where the common statements have their tables, and no grammar; what it does not know it leaves out. What a view
or a function reads no look at the text can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from noetl.actions.postgres.placeholders import tokens

Token = tuple[str, str]

_DEFINING = frozenset({"create", "drop", "alter"})
#: What may stand between CREATE and the kind of the object, and between that and its name.
_MODIFIER_WORDS = """
    or replace unique temp temporary unlogged global local recursive if not exists concurrently only
"""
_MODIFIERS = frozenset(_MODIFIER_WORDS.split())
#: Kinds of two words.
_DOUBLE_KINDS = frozenset({"materialized", "foreign", "event"})
#: Statements whose tables stand right behind the first word and these.
_LISTING = frozenset({"truncate", "lock", "analyze", "vacuum", "refresh"})
_BEFORE_LIST = frozenset(
    {"table", "only", "full", "freeze", "verbose", "analyze", "materialized", "view", "concurrently"}
)
#: Statements that name no table, or not where a query does.
_OTHER_WORDS = """
    comment grant revoke fetch move set show reset call do begin start commit rollback
"""
_OTHERS = frozenset(_OTHER_WORDS.split())
_QUERIES = frozenset({"select", "insert", "update", "delete", "merge", "values", "table"})

#: What ends the tables behind FROM.
_CLAUSE_WORDS = """
    where group having window order limit offset fetch for union intersect except set returning on when values select
    with insert delete
"""
_CLAUSES = frozenset(_CLAUSE_WORDS.split())
#: Functions in whose brackets FROM is no clause.
_CALLS_WITH_FROM = frozenset({"extract", "substring", "trim", "overlay"})
#: Behind these, UPDATE is no statement.
_BEFORE_OTHER_UPDATE = frozenset({"for", "do", "on", "key", "or", "before", "after"})


#: What stands between a statement and its tables, by whether it writes them.
_LINKS = {
    ("SELECT", False): " from ",
    ("SELECT", True): ", writes ",
    ("DELETE", True): " from ",
    ("INSERT", True): " into ",
    ("MERGE", True): " into ",
    ("COPY", False): " from ",
    ("COPY", True): " into ",
}
_ON_TABLES = frozenset({"CREATE INDEX", "CREATE TRIGGER", "CREATE POLICY", "CREATE RULE"})


@dataclass(frozen=True, slots=True)
class Glance:
    """A statement: its kind (`INSERT`, `CREATE TABLE`), and the tables that it writes and reads, as written."""

    statement: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]

    @property
    def text(self) -> str:
        """`INSERT into orders, reads customers`."""
        tables = self.writes or self.reads
        link = _LINKS.get((self.statement, bool(self.writes)), " on " if self.statement in _ON_TABLES else " ")
        also = f", reads {', '.join(self.reads)}" if self.writes and self.reads else ""
        return f"{self.statement}{link}{', '.join(tables)}{also}" if tables else self.statement


def glance(sql: str) -> Iterator[Glance]:
    """The statements of a text, in order."""
    statement: list[Token] = []
    for kind, text, _ in tokens(sql):
        if text != ";":
            statement.append((kind, text))
        elif statement:
            yield _Reader(statement).read()
            statement = []
    if statement:
        yield _Reader(statement).read()


@dataclass(slots=True)
class _Level:
    """Where the reading is between two brackets.

    `lists` says that a comma leads to another table, `expects` that one may stand here; `names` and `expects_name` are
    the same for the names that WITH gives.
    """

    lists: bool = False
    expects: bool = False
    names: bool = False
    expects_name: bool = False
    is_call: bool = False


class _Reader:
    """Goes once through the tokens of a statement."""

    def __init__(self, statement: list[Token]) -> None:
        self._tokens = statement
        self._at = 0
        self._levels = [_Level()]
        self._kind = ""
        self._given: set[str] = set()
        self._writes: dict[str, None] = {}
        self._reads: dict[str, None] = {}

    def read(self) -> Glance:
        first = self._word(0)
        self._kind = first.upper()
        self._at = 1 if first else 0
        if first in _DEFINING:
            self._define(first)
        elif first in _LISTING:
            self._list(self._writes, _BEFORE_LIST)
        elif first == "copy":
            self._copy()
        elif first not in _OTHERS:
            self._at = 0
            self._query()
        return Glance(self._kind or "SQL", tuple(self._writes), tuple(self._reads))

    def _word(self, index: int) -> str:
        """The bare word there, in lower case; empty where there is none."""
        kind, text = self._tokens[index] if 0 <= index < len(self._tokens) else ("", "")
        return text.lower() if kind == "word" else ""

    def _text(self, index: int) -> str:
        return self._tokens[index][1] if 0 <= index < len(self._tokens) else ""

    def _define(self, first: str) -> None:
        """`CREATE [OR REPLACE] [UNIQUE] INDEX ... ON orders`, `DROP TABLE IF EXISTS a, b`."""
        self._skip(_MODIFIERS)
        length = 2 if self._word(self._at) in _DOUBLE_KINDS else 1
        kind = " ".join(self._word(self._at + offset) for offset in range(length)).strip()
        self._kind = f"{first} {kind}".upper().strip()
        self._at += length
        if kind.endswith(("table", "view")):
            self._list(self._writes, _MODIFIERS)
        elif self._kind in _ON_TABLES:
            on = next((i for i in range(self._at, len(self._tokens)) if self._word(i) == "on"), len(self._tokens))
            self._at = on + 1
            self._list(self._writes, _MODIFIERS)
        if first == "create":
            self._query()

    def _copy(self) -> None:
        if self._text(self._at) == "(":
            self._query()
            return
        found: dict[str, None] = {}
        self._list(found, frozenset())
        into = any(self._word(index) == "from" for index in range(self._at, len(self._tokens)))
        (self._writes if into else self._reads).update(found)

    def _list(self, found: dict[str, None], before: frozenset[str]) -> None:
        """Names of tables with commas between them."""
        if self._text(self._at) == "(":
            while self._at < len(self._tokens) and self._text(self._at) != ")":
                self._at += 1
            self._at += 1
        while True:
            self._skip(before)
            name = self._name()
            if name:
                found[name] = None
            if not name or self._text(self._at) != ",":
                return
            self._at += 1

    def _skip(self, words: frozenset[str]) -> None:
        while self._word(self._at) in words:
            self._at += 1

    def _name(self) -> str:
        """The name that stands here, and go on behind it; empty where there is none."""
        if self._text(self._at) == "<":
            # What a plan writes where it does not know.
            end = next((i for i in range(self._at, len(self._tokens)) if self._text(i) == ">"), None)
            if end is None:
                return ""
            inner = " ".join(self._text(index) for index in range(self._at + 1, end)).replace(" ,", ",")
            self._at = end + 1
            return f"<{inner}>"
        parts = []
        while self._tokens[self._at : self._at + 1]:
            kind, text = self._tokens[self._at]
            if kind != "word" and not text.startswith('"'):
                break
            parts.append(text)
            self._at += 1
            if self._text(self._at) != ".":
                break
            self._at += 1
        return ".".join(parts)

    def _query(self) -> None:
        while self._at < len(self._tokens):
            level = self._levels[-1]
            kind, text = self._tokens[self._at]
            if kind == "other" and text in "(),":
                self._bracket(level, text)
            elif kind == "word" and self._keyword(level, text.lower()):
                pass
            elif level.expects and (kind == "word" or text == "<" or text.startswith('"')):
                self._table(level)
                continue
            elif level.expects_name and (kind == "word" or text.startswith('"')):
                self._given.add(text.lower())
                level.expects_name = False
            self._at += 1

    def _bracket(self, level: _Level, text: str) -> None:
        if text == ",":
            level.expects = level.lists
            level.expects_name = level.names
        elif text == "(":
            is_call = self._word(self._at - 1) in _CALLS_WITH_FROM
            self._levels.append(_Level(lists=level.expects, expects=level.expects, is_call=is_call))
            level.expects = False
        elif len(self._levels) > 1:
            self._levels.pop()

    def _table(self, level: _Level) -> None:
        name = self._name()
        level.expects = False
        if not name:
            self._at += 1
        elif self._text(self._at) != "(" and name.lower() not in self._given:
            self._reads[name] = None

    def _keyword(self, level: _Level, word: str) -> bool:
        """Whether it is a word that says what stands where, and not a name."""
        before = self._word(self._at - 1)
        if word in _QUERIES and len(self._levels) == 1 and self._kind in ("", "WITH"):
            self._kind = word.upper()
        if word == "with" and not before:
            level.names = level.expects_name = True
            return True
        if word in ("recursive", "only", "lateral"):
            return True
        if word in _QUERIES:
            level.names = level.expects_name = False
        if word in ("from", "join", "using"):
            return self._source(level, word, before)
        if word in ("into", "update", "table"):
            return self._target(level, word, before)
        if word in _CLAUSES:
            level.lists = level.expects = False
            return True
        return False

    def _source(self, level: _Level, word: str, before: str) -> bool:
        if word == "from" and before == "delete":
            self._write()
        elif word == "using":
            level.expects = level.lists = self._kind in ("DELETE", "MERGE") and self._text(self._at + 1) != "("
        elif word == "join" or not (level.is_call or before == "distinct"):
            level.expects = level.lists = True
        return True

    def _target(self, level: _Level, word: str, before: str) -> bool:
        is_update = word == "update" and before not in _BEFORE_OTHER_UPDATE and self._word(self._at + 1) != "set"
        if word == "into" or is_update:
            self._write()
        elif word == "table" and not before:
            level.expects = True
        else:
            return False
        return True

    def _write(self) -> None:
        """The table that is changed stands behind this word."""
        self._at += 1
        self._skip(_MODIFIERS | {"table"})
        name = self._name()
        if name:
            self._writes[name] = None
        self._at -= 1
