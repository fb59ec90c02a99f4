"""What one template may cost: operators and methods that refuse what would eat the memory or the time of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from noetl.expressions.errors import Refused

#: Characters of a text, or entries of data, that a template may build.
LARGEST = 32 * 1024 * 1024
#: Rounds of all `for` blocks of one rendering together.
MOST_ROUNDS = 1_000_000
#: Entries of a list that operators and filters may build.
LONGEST_LIST = 4_000_000
#: Numbers in one `range`.
LONGEST_RANGE = 100_000
#: Characters that one call of `center`, `ljust`, `indent`, `%20s` and the like may pad with.
WIDEST = 10_000
#: Bits of an integer, and digits of a text that is read as one; Python itself writes no longer ones as text.
MOST_BITS = 14_000
MOST_DIGITS = 4_000

#: Characters that an entry of data costs at least once it is written out: quotes, a comma, a digit.
_ENTRY = 4

_TYPE_WORDS = {
    "NoneType": "null",
    "bool": "a boolean",
    "int": "an integer",
    "float": "a number",
    "str": "text",
    "dict": "a mapping",
    "list": "a list",
    "tuple": "a list",
    "range": "a list",
}


def type_word(kind: str) -> str:
    """What a user calls a Python type of this name."""
    return _TYPE_WORDS.get(kind, f"a '{kind}'")


def describe(value: object) -> str:
    """What kind of value this is, in the user's words."""
    return type_word(type(value).__name__)


def bounded_text(text: str) -> str:
    if len(text) > LARGEST:
        raise Refused("the text becomes too long")
    return text


def check_size(size: int) -> None:
    """Refuses to build a text or data of this size."""
    if size > LARGEST:
        raise Refused("the result becomes too large")


def check_width(width: object) -> None:
    """Refuses to pad to more than WIDEST."""
    if isinstance(width, int) and abs(width) > WIDEST:
        raise Refused(f"a width of more than {WIDEST} is not possible")


def weigh(value: Any, limit: int = LARGEST) -> int:
    """How large the data is once written out, what it shares counted each time; refuses what is too large."""
    total = 0
    todo = [value]
    while todo:
        part = todo.pop()
        kind = part.__class__
        if kind is str:
            total += len(part)
        elif kind is dict:
            total += len(part)
            todo.extend(part.values())
        elif kind is list or kind is tuple:
            total += len(part)
            todo.extend(part)
        total += _ENTRY
        if total > limit:
            raise Refused("the result becomes too large")
    return total


def add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        check_size(len(left) + len(right))
    elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        check_length(len(left) + len(right))
    return bounded_number(left + right)


def check_length(length: int) -> None:
    """Refuses to build a list of this length."""
    if length > LONGEST_LIST:
        raise Refused("the list becomes too long")


def bounded_number(number: Any) -> Any:
    if number.__class__ is int and number.bit_length() > MOST_BITS:
        raise Refused("the number becomes too large")
    return number


def multiply(left: Any, right: Any) -> Any:
    if left.__class__ is int and right.__class__ is int:
        return bounded_number(left * right)
    if isinstance(left, (str, list, tuple)) and isinstance(right, int):
        return _repeat(left, right)
    if isinstance(right, (str, list, tuple)) and isinstance(left, int):
        return _repeat(right, left)
    return bounded_number(left * right)


def _repeat(value: Any, times: int) -> Any:
    if isinstance(value, str):
        check_size(len(value) * times)
    elif times > 1:
        check_length(len(value) * times)
        check_size(weigh(value) * times)
    return value * times


def power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1:
        if exponent > 0 and base.bit_length() * exponent > MOST_BITS:
            raise Refused("the number becomes too large")
        if exponent < -MOST_BITS:
            return 0.0
    result = base**exponent
    if isinstance(result, complex):
        raise Refused("a root of a negative number is not possible")
    return result


def modulo(left: Any, right: Any) -> Any:
    return format_percent(left, right) if isinstance(left, str) else left % right


def number_range(*bounds: Any) -> range:
    numbers = range(*bounds)
    # A range that does not fit an index has no length.
    if abs(numbers.stop - numbers.start) > LONGEST_RANGE * abs(numbers.step):
        raise Refused(f"a range of more than {LONGEST_RANGE} numbers is not possible")
    return numbers


_CONVERSION = r"(?s)%(?:\([^)]*\))?[-#0 +]*(\*|\d+)?(?:\.(\*|\d+))?[hlL]?(.)"


def format_percent(pattern: str, values: Any) -> str:
    """`pattern % values` with bounded widths."""
    for width, precision, _ in re.findall(_CONVERSION, pattern):
        if "*" in (width, precision):
            raise Refused("a width that is itself a value ('*') is not possible")
        check_width(int(width or 0))
        check_width(int(precision or 0))
    result: str = pattern % values
    return bounded_text(result)


def join_text(parts: Sequence[str], separator: str = "") -> str:
    check_size(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def replace_text(text: str, old: str, new: str, count: int = -1) -> str:
    found = text.count(old) if count < 0 else min(count, text.count(old))
    check_size(len(text) + found * max(0, len(new) - len(old)))
    return text.replace(old, new, count)


def is_mapping(value: object) -> bool:
    """Whether it is a mapping, or one of the machine's that are only like one."""
    return isinstance(value, Mapping) or (hasattr(value, "keys") and hasattr(value, "__getitem__"))
