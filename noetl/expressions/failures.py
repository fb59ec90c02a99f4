"""What a user is told when a template cannot be evaluated: names and types, never the values that the run holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from jinja2.exceptions import UndefinedError
from jinja2.runtime import Undefined
from jinja2.utils import missing

from noetl.errors import ExpressionError
from noetl.expressions.access import item, keys
from noetl.expressions.errors import Refused
from noetl.expressions.limits import describe, is_mapping, type_word
from noetl.expressions.locating import locate
from noetl.expressions.undefined import UndefinedValue
from noetl.expressions.vocabulary import FUNCTIONS
from noetl.model.expression import Names, Path
from noetl.span import Span
from noetl.spelling import did_you_mean

_LONGEST_SOURCE = 80
_OPERANDS = re.compile(r"unsupported operand type\(s\) for (\S+?):? '(\w+)' and '(\w+)'")
_ORDER = re.compile(r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'")
_CONCATENATION = re.compile(r'can only concatenate (\w+) \(not "(\w+)"\) to \w+')
_FUNCTION = re.compile(r"a value of type '(function|method|builtin_function_or_method|partial)'")
_NO_LENGTH = re.compile(r"object of type '(\w+)' has no len\(\)")
_NOT_ITERABLE = re.compile(r"'(\w+)'(?: object)? is not (?:iterable|reversible|a container)")
_QUOTED_TYPE = re.compile(r"'(NoneType|bool|int|float|str|dict|list|tuple|range)'(?: object| type)?")
_ARGUMENTS = re.compile(r"^[\w.<>]+\(\) (?=got|takes|missing)")


def explain(error: Exception, scope: Names, text: str, at: Callable[[int, int], Span]) -> ExpressionError:
    """The error that the user sees for what an evaluation of this text raised."""
    if isinstance(error, UndefinedValue):
        sentence, path = _undefined(error, scope, text)
        place = locate(text, path, max(0, error.offset)) if path else None
        return ExpressionError(sentence, code="undefined", span=at(*(place or (0, len(text)))))
    if isinstance(error, UndefinedError):
        return ExpressionError(f"a value in {_quoted(text)} is undefined", code="undefined", span=at(0, len(text)))
    return ExpressionError(f"cannot evaluate {_quoted(text)}: {_reason(error)}", span=at(0, len(text)))


def _reason(error: Exception) -> str:
    """Why an evaluation failed, without a value of the run."""
    match error:
        case Refused():
            return str(error)
        case ZeroDivisionError():
            return "division by zero"
        case OverflowError():
            return "a number becomes too large"
        case MemoryError():
            return "it needs too much memory"
        case RecursionError():
            return "the data is nested too deeply"
        case TypeError():
            return _type_sentence(str(error))
    # Python quotes the value in most other messages.
    return "a value does not fit what is done with it"


def _type_sentence(message: str) -> str:
    if _FUNCTION.match(message):
        return "a function is no value, call it with '()'"
    if found := _OPERANDS.search(message) or _ORDER.search(message):
        return f"'{found[1]}' does not work on {type_word(found[2])} and {type_word(found[3])}"
    if found := _CONCATENATION.search(message):
        return f"'+' does not work on {type_word(found[1])} and {type_word(found[2])}"
    if found := _NO_LENGTH.search(message):
        return f"{type_word(found[1])} has no length"
    if found := _NOT_ITERABLE.search(message):
        return f"{type_word(found[1])} is no list"
    return _ARGUMENTS.sub("the call ", _QUOTED_TYPE.sub(lambda found: type_word(found[1]), message))


def _quoted(source: str) -> str:
    """The source in one line, cut where it is long."""
    line = " ".join(source.split())
    return f"'{line if len(line) <= _LONGEST_SOURCE else line[: _LONGEST_SOURCE - 3] + '...'}'"


def _undefined(error: UndefinedValue, scope: Names, source: str) -> tuple[str, Path]:
    """What is undefined, with the nearest known name; and the path up to it, as far as it is known."""
    undefined = error.undefined
    name, holder, hint = undefined._undefined_name, undefined._undefined_obj, undefined._undefined_hint
    if hint is not None:
        return f"{hint}, in {_quoted(source)}", ()
    if holder is missing:
        if name in FUNCTIONS:
            return f"'{name}' is undefined, the function is '{name}()'", (str(name),)
        return f"'{name}' is undefined{_suggestion(str(name), _known(scope))}", (str(name),)
    path = _missing_path(error.path, scope, name)
    if not path:
        # The key came from a value, or the way to it is not static.
        shown = f"'{name}'" if str(name) in source else "such key"
        return f"{describe(holder)} has no {shown}, in {_quoted(source)}", ()
    return f"{_has_no(path, holder)}", path


def _has_no(path: Path, holder: Any) -> str:
    *before, key = path
    whole = _dotted(tuple(before))
    if is_mapping(holder):
        return f"'{whole}' has no key '{key}'{_suggestion(str(key), keys(holder))}"
    if isinstance(holder, (list, tuple)) and isinstance(key, int):
        return f"'{whole}' has no item {key}, its length is {len(holder)}"
    return f"'{whole}' is {describe(holder)} and has no '{key}'"


def _missing_path(path: Path, scope: Names, name: Any) -> Path:
    """The part of the path up to the first key that there is not."""
    value: Any
    try:
        value = scope[str(path[0])]
    except (IndexError, KeyError):
        # The first name is bound inside the template, or nothing is known.
        return path[: path.index(name, 1) + 1] if name in path[1:] else ()
    for index, key in enumerate(path[1:], 1):
        value = item(value, key)
        if isinstance(value, Undefined):
            return path[: index + 1]
    return ()


def _dotted(path: Path) -> str:
    first, *rest = path
    return str(first) + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in rest)


def _known(scope: Names) -> Iterable[str]:
    try:
        return [str(name) for name in scope]
    except (TypeError, KeyError):
        return ()


def _suggestion(name: str, known: Iterable[Any]) -> str:
    hint = did_you_mean(name, map(str, known))
    return "" if hint is None else f", {hint}"
