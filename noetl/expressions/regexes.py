"""The filters `regex_search` and `regex_replace`, on patterns and texts whose cost is known beforehand.

Python's engine backtracks and cannot be interrupted, so the pattern is judged first: one that may take exponential time
is refused, and one that may take n² or n³ steps may only read texts that are short enough for that.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import factorial
from typing import Any

from noetl.expressions.errors import Refused
from noetl.expressions.limits import check_size, describe
from noetl.expressions.text import text

_LONGEST_PATTERN = 1_000
#: Steps that one search may take at worst: about a second.
_MOST_STEPS = 2**25


def regex_search(
    value: Any, pattern: str, *groups: Any, ignorecase: bool = False, multiline: bool = False
) -> str | list[str | None] | None:
    """The first match, or null; with the numbers or names of groups, what these matched (several: a list)."""
    subject = text(value)
    found = _prepared(pattern, ignorecase, multiline, len(subject)).search(subject)
    if found is None:
        return None
    parts = [_group(found, group) for group in groups]
    return found[0] if not parts else parts[0] if len(parts) == 1 else parts


def regex_replace(
    value: Any,
    pattern: str,
    replacement: Any = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
) -> str:
    r"""The text with every match replaced; `\1` and `\g<name>` stand for groups."""
    subject, new = text(value), text(replacement)
    compiled = _prepared(pattern, ignorecase, multiline, len(subject))
    matched = [found.end() - found.start() for found in compiled.finditer(subject)]
    check_size(len(subject) + len(matched) * len(new) + new.count("\\") * sum(matched))
    try:
        return compiled.sub(new, subject, count=count)
    except (re.error, IndexError):
        raise Refused("the replacement names a group that the pattern has not, or is malformed") from None


def _group(found: re.Match[str], group: Any) -> str | None:
    key = group
    if isinstance(group, str):
        key = group.removeprefix("\\g<").removesuffix(">") if group.startswith("\\g<") else group.removeprefix("\\")
        key = int(key) if key.isdigit() else key
    try:
        matched: str | None = found[key]
    except (IndexError, TypeError):
        raise Refused("the pattern has no such group") from None
    return matched


def _prepared(pattern: Any, ignorecase: bool, multiline: bool, length: int) -> re.Pattern[str]:
    if not isinstance(pattern, str):
        raise Refused(f"a pattern is text, not {describe(pattern)}")
    if len(pattern) > _LONGEST_PATTERN:
        raise Refused(f"a pattern of more than {_LONGEST_PATTERN} characters is not possible")
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    compiled, longest = _judged(pattern, flags)
    if length > longest:
        raise Refused(
            f"the text has {length} characters, but this pattern backtracks and may read at most {longest};"
            " anchor it with '^' or use fewer repetitions"
        )
    return compiled


@lru_cache(256)
def _judged(pattern: str, flags: int) -> tuple[re.Pattern[str], int]:
    from noetl.expressions.regex_cost import ExponentialPattern, estimate

    try:
        compiled = re.compile(pattern, flags)
        cost = estimate(pattern, flags)
    except re.error as error:
        raise Refused(f"the pattern is malformed: {error.msg} at character {(error.pos or 0) + 1}") from None
    except ExponentialPattern:
        raise Refused(
            "the pattern repeats something that itself can match in several ways, which may take exponential time;"
            " make the inner repetition possessive ('++') or separate its parts"
        ) from None
    except (RecursionError, OverflowError):
        raise Refused("the pattern is too large") from None
    # n positions in order can be chosen in n**degree / degree! ways.
    return compiled, int((_MOST_STEPS * factorial(cost.degree) / cost.factor) ** (1 / cost.degree))
