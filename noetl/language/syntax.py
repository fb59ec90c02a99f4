"""What is wrong with a text that is not YAML, in words for people instead of the parser's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

#: A `{{` where a value begins: without quotes YAML takes it for a mapping.
_UNQUOTED = r"(?:(?<=: )|(?<=- )|(?<=, )|(?<=[\[,])|(?<=:  ))\{\{(?:[^\n]*\}\})?"
_KEY = r"\s*(?:- +)*[\w.\"'-]+\s*:(?=\s|$)"
#: A key whose colon no blank follows, which makes all of it a text.
_STUCK = r"\s*(?:- +)*[\w-]+:(?=[^\s:/])"
_INDENTATION = "check the indentation of this line and of those above"


class Fault(Exception):
    """Reading cannot go on: a sentence, and the offsets of the text that it is about."""

    def __init__(self, message: str, start: int, end: int, hint: str | None = None, code: str = "yaml-syntax") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint
        self.code = code


def unquoted_template(text: str, start: int, end: int) -> Fault:
    """A value that begins with a template and has no quotes."""
    value = text[start:end]
    if "\n" in value or len(value) > 60 or ('"' in value and "'" in value):
        value = "{{ ... }}"
    quote = "'" if '"' in value else '"'
    return Fault("a value that starts with '{{' must be quoted", start, end, f"write {quote}{value}{quote}")


def explain(error: Any, text: str) -> Fault:
    """The parser's error in our words, at the place that a person would look at."""
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    place = min(mark.index if mark is not None else 0, len(text))
    origin = min(context.index if context is not None else place, len(text))
    template = _unquoted_near(text, origin, place)
    if template is not None:
        return template
    problem = str(getattr(error, "problem", "") or "the text is not YAML")
    explanation = _EXPLANATIONS.get(problem)
    if explanation is not None:
        return explanation(text, origin, _visible(text, place))
    place = _visible(text, place)
    return Fault(problem, place, place + 1)


def _unquoted_near(text: str, origin: int, place: int) -> Fault | None:
    """An unquoted template on the line of the error, which is then its cause."""
    for offset in (place, origin):
        start = text.rfind("\n", 0, offset) + 1
        end = _line_end(text, start)
        found = re.compile(_UNQUOTED).search(text, start, end)
        if found and found.start() <= place:
            return unquoted_template(text, found.start(), _value_end(text, found.end(), end))
    return None


def _value_end(text: str, start: int, end: int) -> int:
    """Where a block value ends that goes on after its first template; in `[ ]` and `{ }` only the template is sure."""
    rest = text[start:end]
    return start + len(rest.split(" #")[0].rstrip()) if not re.search(r"[\]},]", rest) else start


def _visible(text: str, place: int) -> int:
    """A place that a caret can stand under: not an end of file after an empty line."""
    if place >= len(text):
        return max(len(text.rstrip()) - 1, 0)
    return place


def _line_end(text: str, start: int) -> int:
    found = text.find("\n", start)
    return len(text) if found < 0 else found


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _rest_of_line(text: str, place: int) -> int:
    return max(place + 1, place + len(text[place : _line_end(text, place)].rstrip()))


def _cannot_start(text: str, origin: int, place: int) -> Fault:
    character = text[place]
    if character == "\t":
        return Fault("a tab cannot indent YAML", place, place + 1, "use spaces")
    return Fault(f"a value cannot start with '{character}'", place, place + 1, "quote the value")


def _colon(text: str, origin: int, place: int) -> Fault:
    start = text.rfind("\n", 0, place) + 1
    key = re.compile(_KEY).match(text, start)
    if key is not None and key.end() > place:
        first = start + len(key[0]) - len(key[0].lstrip())
        above = text.rfind("\n", 0, max(start - 1, 0)) + 1
        return _stuck(text, above) or Fault("this key does not fit the line above it", first, place, _INDENTATION)
    return Fault("a ': ' cannot stand within a value without quotes", place, place + 1, "quote the value")


def _not_a_key(text: str, origin: int, place: int) -> Fault:
    before = text[:place].rstrip(" \t")[-1:]
    if before in ("'", '"') and "\n" not in text[text.rfind(before, 0, place) : place]:
        hint = "put all of the value into one pair of quotes; within single quotes a quote is written twice"
        return Fault("text goes on after the closing quote", place, _rest_of_line(text, place), hint)
    if before in ("]", "}"):
        hint = "quote the value if its brackets are text"
        return Fault(f"text goes on after the closing '{before}'", place, _rest_of_line(text, place), hint)
    message = f"this line does not fit the mapping that starts on line {_line_of(text, origin)}"
    return Fault(message, place, _rest_of_line(text, place), _INDENTATION)


def _not_an_entry(text: str, origin: int, place: int) -> Fault:
    message = f"this line does not fit the list that starts on line {_line_of(text, origin)}"
    return Fault(message, place, _rest_of_line(text, place), f"each entry starts with '- '; {_INDENTATION}")


def _not_closed(opening: str, closing: str) -> Callable[[str, int, int], Fault]:
    def explained(text: str, origin: int, place: int) -> Fault:
        if not text[place + 1 :].strip():
            return Fault(f"the '{opening}' is not closed", origin, origin + 1, f"a '{closing}' is missing")
        start = f"the '{opening}' on line {_line_of(text, origin)}"
        return Fault(f"after {start} a ',' or '{closing}' was expected here", place, place + 1)

    return explained


def _unended(text: str, origin: int, place: int) -> Fault:
    return Fault("the quote is not closed", origin, origin + 1, f"a {text[origin]} is missing")


def _stuck(text: str, line: int) -> Fault | None:
    found = re.compile(_STUCK).match(text, line)
    if found is None:
        return None
    return Fault("after the ':' of a key a blank is missing", found.end() - 1, found.end())


def _no_colon(text: str, origin: int, place: int) -> Fault:
    stuck = _stuck(text, text.rfind("\n", 0, origin) + 1)
    if stuck is not None:
        return stuck
    hint = "a key is followed by ': '; a text of several lines by '|' and indented lines"
    return Fault("this line is no 'key: value'", origin, _rest_of_line(text, origin), hint)


def _name_missing(text: str, origin: int, place: int) -> Fault:
    mark, noun = text[origin], "an alias" if text[origin] == "*" else "an anchor"
    message = f"'{mark}' starts {noun}, and must be followed by its name"
    return Fault(message, origin, origin + 1, f"quote the value if it is a text that starts with '{mark}'")


def _escape(text: str, origin: int, place: int) -> Fault:
    shown = text[place - 1 : place + 1] if text[place - 1 : place] == "\\" else text[place : place + 2]
    start = place - 1 if text[place - 1 : place] == "\\" else place
    return Fault(f"'{shown}' is no escape of YAML", start, start + 2, "double the backslash, or use single quotes")


def _said(message: str, hint: str | None = None) -> Callable[[str, int, int], Fault]:
    return lambda text, origin, place: Fault(message, place, place + 1, hint)


def _said_of_context(message: str, hint: str | None = None) -> Callable[[str, int, int], Fault]:
    return lambda text, origin, place: Fault(message, origin, _rest_of_line(text, origin), hint)


_BLOCK_HEADER = "only an indentation and '-' or '+' can stand on the line of '|' and '>'"

#: The parser's sentence -> ours.
_EXPLANATIONS: dict[str, Callable[[str, int, int], Fault]] = {
    "found character that cannot start any token": _cannot_start,
    "found a tab character that violates indentation": _said("a tab cannot indent YAML", "use spaces"),
    "found a tab character where an indentation space is expected": _said("a tab cannot indent YAML", "use spaces"),
    "mapping values are not allowed in this context": _colon,
    "did not find expected key": _not_a_key,
    "did not find expected '-' indicator": _not_an_entry,
    "did not find expected ',' or ']'": _not_closed("[", "]"),
    "did not find expected ',' or '}'": _not_closed("{", "}"),
    "did not find expected node content": _said("a value was expected here", "quote the value if it is a text"),
    "found unexpected end of stream": _unended,
    "found unexpected document indicator": _unended,
    "could not find expected ':'": _no_colon,
    "did not find expected alphabetic or numeric character": _name_missing,
    "found unknown escape character": _escape,
    "did not find expected hexdecimal number": _said("an escape has too few digits", "use '\\\\' for a backslash"),
    "found invalid Unicode character escape code": _said("an escape stands for no character"),
    "block sequence entries are not allowed in this context": _said(
        "a list cannot start on the line of its key", "start it on the next line, or write '[a, b]'"
    ),
    "mapping keys are not allowed in this context": _said("a '? ' key cannot start here", "quote the value"),
    "did not find expected comment or line break": _said(
        "a text cannot start on the line of '|' or '>'", _BLOCK_HEADER
    ),
    "found an indentation indicator equal to 0": _said("an indentation of 0 is not possible"),
    "did not find expected <document start>": _said("a file holds one playbook, and the text goes on after its end"),
    "found undefined tag handle": _said_of_context("this tag is not known", "quote a text that starts with '!'"),
    "found incompatible YAML document": _said_of_context("only YAML 1.1 and 1.2 can be read"),
    "found unknown directive name": _said_of_context("this '%' directive is not known"),
    "found unexpected ':'": _said("a ':' cannot stand here", "quote the value"),
}
