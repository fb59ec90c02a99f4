"""How the time of a regular expression grows with the text: a safe estimate from its syntax tree.

A backtracking engine takes as many steps as there are ways to match a part of the text, times the way to read on. A
repetition of a character set has one way for each length, unless what must follow it cannot be confused with it
(`\\d+,`): then only one length can go on. The estimate multiplies these ways along the pattern.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

# The parser of the standard library; typeshed does not know it.
_parse: Callable[[str, int], Any] = importlib.import_module("re._parser").parse

Chars = frozenset[str]

#: Longer repetitions count as endless ones.
_FEW = 32
#: Beyond, the length of the longest readable text would be a handful of characters.
_HIGHEST_DEGREE = 6
#: Stands for characters of all kinds: what is compared are sets over it and over the characters of the pattern.
_SAMPLE = frozenset(map(chr, range(256))) | frozenset("Жж中😀\u2028\u0663\u017f\u212a")
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


class ExponentialPattern(Exception):
    """The pattern may take time that doubles with every character."""


class Cost(msgspec.Struct, frozen=True):
    """At most `factor * n**degree` steps for a text of n characters."""

    degree: int
    factor: int


class _Ways(msgspec.Struct, frozen=True):
    """`degree` and `factor`: in how many ways a part can match; `work`: the degree of the time that takes."""

    degree: int = 0
    factor: int = 1
    work: int = 0

    def then(self, other: _Ways) -> _Ways:
        degree = self.degree + other.degree
        return _Ways(degree, self.factor * other.factor, max(self.work, self.degree + other.work, degree))

    def once(self) -> _Ways:
        """The same work, of which one way goes on."""
        return _Ways(0, 1, self.work)


_ONE = _Ways()


def estimate(pattern: str, flags: int) -> Cost:
    """The cost of searching for the pattern in a text. Raises ExponentialPattern, or re.error when it is malformed."""
    tree = _parse(pattern, flags)
    estimator = _Estimator(tree)
    items = list(tree)
    # What follows the last part is success, which no set can be confused with.
    ways = estimator.sequence(items, frozenset())
    anchored = bool(items) and _is_start(items[0], tree.state.flags)
    failing = _without_open_end(items)
    starts = 0 if anchored or estimator.starts_apart(failing) else 1
    work = max(1, ways.work, estimator.sequence(failing, frozenset()).work + starts)
    if work > _HIGHEST_DEGREE:
        raise ExponentialPattern
    return Cost(work, ways.factor)


def _is_start(item: Any, flags: int) -> bool:
    name = str(item[1]) if str(item[0]) == "AT" else ""
    return name == "AT_BEGINNING_STRING" or (name == "AT_BEGINNING" and not flags & re.MULTILINE)


def _without_open_end(items: list[Any]) -> list[Any]:
    """What of the pattern can fail: of repetitions at its end only the least number, since any more is success."""
    kept = list(items)
    while kept:
        name, value = str(kept[-1][0]), kept[-1][1]
        if name == "SUBPATTERN":
            kept[-1:] = _without_open_end(list(value[3]))
            break
        if name not in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            break
        kept.pop()
        if int(value[0]) > 0:
            kept.append((name, (value[0], value[0], value[2])))
            break
    return kept


class _Estimator:
    def __init__(self, tree: Any) -> None:
        literals = {chr(code) for code in _codes(tree)}
        self.universe: Chars = _SAMPLE | literals | {chr(min(ord(char) + 1, 0x10FFFF)) for char in literals}

    def sequence(self, items: Sequence[Any], after: Chars | None) -> _Ways:
        """`after` are the characters that can follow, None when nothing is known of them."""
        ways = _ONE
        for index, item in enumerate(items):
            ways = ways.then(self.ways(item, self.following(items[index + 1 :], after)))
            if ways.factor > 1 << 40:
                raise ExponentialPattern
        return ways

    def following(self, items: Sequence[Any], after: Chars | None) -> Chars | None:
        chars: Chars = frozenset()
        for item in items:
            if str(item[0]) in ("ASSERT", "ASSERT_NOT"):
                # Each way may try it, at a cost of its own, before the next character is looked at.
                return None
            if str(item[0]) == "AT":
                continue
            chars |= self.first(item)
            if not self.nullable(item):
                return chars
        return None if after is None else chars | after

    def ways(self, item: Any, after: Chars | None) -> _Ways:
        name, value = str(item[0]), item[1]
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            return self.repeat(value, after)
        if name == "POSSESSIVE_REPEAT":
            return self.repeat(value, frozenset()).once()
        if name == "SUBPATTERN":
            return self.sequence(list(value[3]), after)
        if name == "ATOMIC_GROUP":
            return self.sequence(list(value), frozenset()).once()
        if name in ("ASSERT", "ASSERT_NOT"):
            return self.sequence(list(value[1]), frozenset()).once()
        if name == "BRANCH":
            return self.branch([list(branch) for branch in value[1]], after)
        if name == "GROUPREF_EXISTS":
            return self.branch([list(branch or ()) for branch in value[1:]], after)
        return _Ways(work=1) if name == "GROUPREF" else _ONE

    def branch(self, branches: list[list[Any]], after: Chars | None) -> _Ways:
        each = [self.sequence(branch, after) for branch in branches]
        degree, work = max(ways.degree for ways in each), max(ways.work for ways in each)
        starts = [self.following(branch, after) for branch in branches]
        if _disjoint(starts):
            return _Ways(degree, max(ways.factor for ways in each), work)
        return _Ways(degree, sum(ways.factor for ways in each), work)

    def repeat(self, value: Any, after: Chars | None) -> _Ways:
        fewest, times, items = int(value[0]), int(value[1]), list(value[2])
        start = self.following(items, after)
        again = None if start is None or after is None else start | after
        once = self.sequence(items, again if times > 1 else after)
        apart = start is not None and after is not None and not start & after and not self.nullable_all(items)
        if times <= _FEW:
            choices = 1 if apart or fewest == times else times - fewest + 1
            return _Ways(once.degree * times, once.factor**times * choices, max(once.work, once.degree * times))
        if once.degree or once.factor > 1 or self.nullable_all(items):
            raise ExponentialPattern
        return _Ways(0 if apart or fewest == times else 1, 1, max(1, once.work))

    def starts_apart(self, items: Sequence[Any]) -> bool:
        """Whether no repetition can run over a place where another match starts, so that all starts share one run."""
        if not items or str(items[0][0]) not in ("LITERAL", "IN", "NOT_LITERAL"):
            return False
        start = self.first(items[0])
        return not any(start & self.all_chars(body) for body in _endless(items))

    def first(self, item: Any) -> Chars:
        """The characters that a part can start with."""
        name, value = str(item[0]), item[1]
        if name in ("LITERAL", "NOT_LITERAL", "IN", "RANGE", "CATEGORY"):
            return self.chars(name, value)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self.first_all(list(value[2]))
        if name == "SUBPATTERN":
            return self.first_all(list(value[3]))
        if name == "ATOMIC_GROUP":
            return self.first_all(list(value))
        if name == "BRANCH":
            return frozenset().union(*(self.first_all(list(branch)) for branch in value[1]))
        return self.universe

    def first_all(self, items: Sequence[Any]) -> Chars:
        found = self.following(items, frozenset())
        return self.universe if found is None else found

    def all_chars(self, items: Sequence[Any]) -> Chars:
        return frozenset().union(*(self.first(item) for item in _flat(items)))

    def nullable(self, item: Any) -> bool:
        name, value = str(item[0]), item[1]
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return int(value[0]) == 0 or self.nullable_all(list(value[2]))
        if name == "SUBPATTERN":
            return self.nullable_all(list(value[3]))
        if name == "ATOMIC_GROUP":
            return self.nullable_all(list(value))
        if name == "BRANCH":
            return any(self.nullable_all(list(branch)) for branch in value[1])
        return name not in ("LITERAL", "NOT_LITERAL", "IN", "ANY")

    def nullable_all(self, items: Sequence[Any]) -> bool:
        return all(self.nullable(item) for item in items)

    def chars(self, name: str, value: Any) -> Chars:
        if name == "LITERAL":
            return _both_cases(chr(value))
        if name == "NOT_LITERAL":
            return self.universe - {chr(value)}
        if name == "RANGE":
            within = {char for char in self.universe if value[0] <= ord(char) <= value[1]}
            return frozenset().union(*map(_both_cases, within))
        if name == "CATEGORY":
            category = re.compile(_CATEGORIES[str(value)])
            return frozenset(char for char in self.universe if category.match(char))
        if str(value[0][0]) == "NEGATE":
            exact = (self.exact(str(part[0]), part[1]) for part in value[1:])
            return self.universe - frozenset().union(*exact)
        return frozenset().union(*(self.chars(str(part[0]), part[1]) for part in value))

    def exact(self, name: str, value: Any) -> Chars:
        """The characters of a part of a set that is negated: rather too few than too many."""
        if name == "LITERAL":
            return frozenset({chr(value)})
        if name == "RANGE":
            return frozenset(char for char in self.universe if value[0] <= ord(char) <= value[1])
        return self.chars(name, value)


def _both_cases(char: str) -> Chars:
    # Whether case counts can change inside a pattern; sets that are too large only make the estimate more careful.
    return frozenset(variant for variant in (char, char.lower(), char.upper()) if len(variant) == 1)


def _disjoint(sets: Sequence[Chars | None]) -> bool:
    seen: Chars = frozenset()
    for chars in sets:
        if chars is None or not chars or seen & chars:
            return False
        seen |= chars
    return True


def _children(item: Any) -> list[list[Any]]:
    name, value = str(item[0]), item[1]
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [list(value[2])]
    if name == "SUBPATTERN":
        return [list(value[3])]
    if name == "ATOMIC_GROUP":
        return [list(value)]
    if name in ("ASSERT", "ASSERT_NOT"):
        return [list(value[1])]
    if name == "BRANCH":
        return [list(branch) for branch in value[1]]
    if name == "GROUPREF_EXISTS":
        return [list(branch or ()) for branch in value[1:]]
    return []


def _flat(items: Sequence[Any]) -> list[Any]:
    """All parts, however deep, that read a character."""
    found = []
    for item in items:
        inner = _children(item)
        found += [part for child in inner for part in _flat(child)] if inner else [item]
    return [item for item in found if str(item[0]) != "AT"]


def _endless(items: Sequence[Any]) -> list[list[Any]]:
    """The bodies of all long repetitions; a reference to a group counts as one."""
    found = []
    for item in items:
        if str(item[0]).endswith("_REPEAT") and int(item[1][1]) > _FEW:
            found.append(list(item[1][2]))
        if str(item[0]).startswith("GROUPREF"):
            found.append([item])
        for child in _children(item):
            found += _endless(child)
    return found


def _codes(items: Any) -> list[int]:
    """The characters that the pattern names."""
    found: list[int] = []
    for item in _flat(list(items)):
        parts = item[1] if str(item[0]) == "IN" else [item]
        for name, value in parts:
            if str(name) in ("LITERAL", "NOT_LITERAL"):
                found.append(value)
            elif str(name) == "RANGE":
                found += value
    return found
