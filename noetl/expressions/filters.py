"""The tables of filters and tests that templates may use: Jinja's own where they are harmless, ours where not."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import wraps
from numbers import Number
from typing import Any

from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS

from noetl.expressions import encodings, regexes, sequences, times
from noetl.expressions.errors import Refused
from noetl.expressions.limits import (
    MOST_DIGITS,
    check_size,
    check_width,
    describe,
    format_percent,
    is_mapping,
    replace_text,
)
from noetl.expressions.text import text
from noetl.expressions.vocabulary import FILTERS, TESTS

_FILTERS: dict[str, Callable[..., Any]] = {**JINJA_FILTERS}
_TESTS: dict[str, Any] = {**JINJA_TESTS}

#: Digits before or after the point that `round` may round to; a float has no more.
_MOST_DIGITS = 300
#: Characters of a text that `wordwrap` may wrap.
_LONGEST_WRAPPED = 100_000


def _on_text(name: str) -> Callable[..., Any]:
    """Jinja's filter on the text of any value: null is empty, booleans are `true` and `false`."""
    original = _FILTERS[name]
    position = 1 if hasattr(original, "jinja_pass_arg") else 0

    @wraps(original)
    def on_text(*args: Any, **kwargs: Any) -> Any:
        return original(*args[:position], text(args[position]), *args[position + 1 :], **kwargs)

    return on_text


def _center(value: Any, width: int = 80) -> str:
    check_width(width)
    return text(value).center(width)


def _indent(value: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> Any:
    subject = text(value)
    check_width(len(width) if isinstance(width, str) else width)
    check_size(len(subject) + (subject.count("\n") + 1) * (len(width) if isinstance(width, str) else width))
    return _FILTERS["indent"](subject, width, first, blank)


def _replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    return replace_text(text(value), text(old), text(new), -1 if count is None else count)


def _format(value: Any, *args: Any, **kwargs: Any) -> str:
    if args and kwargs:
        raise Refused("'format' takes values or named values, not both")
    return format_percent(text(value), kwargs or args)


def _word_wrap(
    value: Any,
    width: int = 79,
    break_long_words: bool = True,
    wrapstring: str = "\n",
    break_on_hyphens: bool = True,
) -> str:
    subject = text(value)
    if width < 1 or len(subject) > _LONGEST_WRAPPED:
        raise Refused(f"'wordwrap' wraps at most {_LONGEST_WRAPPED} characters, at a width of at least 1")
    lines = [
        part
        for line in subject.splitlines()
        for part in textwrap.wrap(
            line,
            width=width,
            expand_tabs=False,
            replace_whitespace=False,
            break_long_words=break_long_words,
            break_on_hyphens=break_on_hyphens,
        )
        or [""]
    ]
    check_size(len(subject) + len(lines) * len(wrapstring))
    return wrapstring.join(lines)


def _int(value: Any, default: Any = 0, base: int = 10) -> Any:
    if isinstance(value, str) and len(value) > MOST_DIGITS:
        raise Refused(f"'int' reads at most {MOST_DIGITS} digits")
    return _FILTERS["int"](value, default, base)


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    _check_number(value, "round")
    if not isinstance(precision, int) or abs(precision) > _MOST_DIGITS:
        raise Refused(f"'round' rounds to at most {_MOST_DIGITS} digits")
    return _FILTERS["round"](value, precision, method)


def _check_number(value: Any, name: str) -> None:
    if not isinstance(value, Number):
        raise Refused(f"'{name}' reads a number, not {describe(value)}")


def _on_numbers(name: str) -> Callable[..., bool]:
    # `'...%9999999d' is odd` would format a text.
    original = _TESTS[name]

    def test(*numbers: Any) -> bool:
        for number in numbers:
            _check_number(number, name)
        return bool(original(*numbers))

    return test


def _url_encode(value: Any) -> Any:
    is_query = is_mapping(value) or isinstance(value, (list, tuple))
    return _FILTERS["urlencode"](value if is_query else text(value))


def _sort_mapping(value: Any, *args: Any, **kwargs: Any) -> Any:
    return _FILTERS["dictsort"](dict(sequences.items(value)), *args, **kwargs)


_TEXT_FILTERS = ("capitalize", "lower", "title", "trim", "truncate", "upper", "wordcount")
_OURS: dict[str, Callable[..., Any]] = {
    **{name: _on_text(name) for name in _TEXT_FILTERS},
    **{name: sequences.listed(_FILTERS[name]) for name in ("reject", "rejectattr", "select", "selectattr")},
    "b64decode": encodings.b64decode,
    "b64encode": encodings.b64encode,
    "batch": sequences.batch,
    "center": _center,
    "combine": sequences.combine,
    "datetime": times.to_datetime,
    "dictsort": _sort_mapping,
    "duration": times.to_duration,
    "e": encodings.escape,
    "escape": encodings.escape,
    "first": sequences.first,
    "flatten": sequences.flatten,
    "format": _format,
    "from_json": encodings.from_json,
    "from_yaml": encodings.from_yaml,
    "groupby": sequences.group_by,
    "ident": encodings.sql_identifier,
    "indent": _indent,
    "int": _int,
    "items": sequences.items,
    "join": sequences.join,
    "json": encodings.to_json_text,
    "last": sequences.last,
    "list": list,
    "map": sequences.map_items,
    "max": sequences.extreme("max"),
    "min": sequences.extreme("min"),
    "regex_replace": regexes.regex_replace,
    "regex_search": regexes.regex_search,
    "replace": _replace,
    "reverse": sequences.reverse,
    "round": _round,
    "sh": encodings.shell_word,
    "sha256": encodings.sha256,
    "slice": sequences.slice_items,
    "string": text,
    "sum": sequences.total,
    "tojson": encodings.to_json_text,
    "unique": sequences.unique,
    "urlencode": _url_encode,
    "wordwrap": _word_wrap,
    "yaml": encodings.to_yaml,
}

FILTER_TABLE = {name: _OURS.get(name) or _FILTERS[name] for name in FILTERS}

_OUR_TESTS: dict[str, Callable[..., bool]] = {
    **{name: _on_numbers(name) for name in ("divisibleby", "even", "odd")},
    "mapping": is_mapping,
}

TEST_TABLE: dict[str, Callable[..., Any]] = {
    **{name: _OUR_TESTS.get(name) or _TESTS[name] for name in TESTS},
    # The operators that `select('>', 3)` names, and Python's spellings.
    **{name: _TESTS[name] for name in ("==", "!=", "<", "<=", ">", ">=")},
    "None": _TESTS["none"],
    "True": _TESTS["true"],
    "False": _TESTS["false"],
}
