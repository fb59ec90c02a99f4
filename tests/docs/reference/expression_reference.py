"""The page of expressions: every filter, test and function, with an example that is evaluated as the page is made."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from markdown_text import code, sentence

from noetl.expressions import compile_expression
from noetl.expressions.access import METHODS
from noetl.expressions.environment import FUNCTION_TABLE
from noetl.expressions.filters import FILTER_TABLE, TEST_TABLE
from noetl.expressions.glossary import FILTERS, FUNCTIONS, TESTS, Word
from noetl.span import Source, Span

_INTRODUCTION = """\
# Expressions: every filter, test and function

What may stand between `{{` and `}}`, and in a condition: [names](../language.md#names), literals, arithmetic (`+ - * / // % **`), `~` (joins
texts), comparisons, `and`, `or`, `not`, `in`, `is`, `A if CONDITION else B`, `x.key`, `x['key']`, `x[0]`, `x[1:3]`, filters, tests and functions.
"""

#: Jinja passes these itself, in front of the value.
_PASSED = {"environment", "env", "context", "eval_ctx"}


def page() -> str:
    parts = [
        _INTRODUCTION,
        "## Filters\n\n`{{ value | filter(argument) }}`. What is before the bar is the first argument, and is left out here.\n",
        *_entries(FILTERS, FILTER_TABLE, skipped=1),
        "\n## Tests\n\n`{{ value is test(argument) }}`, `{{ value is not test }}`; also for `select`, `reject` and their like.\n",
        *_entries(TESTS, TEST_TABLE, skipped=1),
        "\n## Functions\n",
        *_entries(FUNCTIONS, FUNCTION_TABLE, skipped=0, parentheses=True),
        "\n## Methods\n\nOf texts, mappings and lists, as in Python: " + ", ".join(map(code, sorted(METHODS))) + ".",
    ]
    return "\n".join(parts) + "\n"


def _entries(
    words: Mapping[str, Word], table: Mapping[str, Callable[..., Any]], *, skipped: int, parentheses: bool = False
) -> Iterator[str]:
    for name, word in sorted(words.items()):
        arguments = _arguments(table[name], skipped) if name in table and name != "dict" else []
        written = f"{name}({', '.join(arguments)})" if arguments or parentheses else name
        example = (
            "" if word.example is None else f"  \n  {code('{{ ' + word.example + ' }}')} gives {_answer(word.example)}"
        )
        yield f"- {code(written)}: {sentence(word.meaning)[:1].lower()}{sentence(word.meaning)[1:]}{example}"


def _arguments(function: Callable[..., Any], skipped: int) -> list[str]:
    """The names of its arguments, with their defaults, as a template writes them."""
    try:
        given = list(inspect.signature(function).parameters.values())
    except ValueError:
        return []
    given = [parameter for parameter in given if parameter.name not in _PASSED]
    if given and given[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        given = given[skipped:]
    words = [_argument(parameter) for parameter in given if parameter.kind is not parameter.POSITIONAL_ONLY]
    return list(dict.fromkeys(words))


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return "..."
    if parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}={json.dumps(parameter.default).replace('null', 'none')}"


def _answer(expression: str) -> str:
    source = Source("example", expression)
    compiled = compile_expression(
        "{{ " + expression + " }}", lambda offset, length: Span(source, 1, offset + 1, length)
    )
    answer = compiled.evaluate({})
    return code(json.dumps(answer, ensure_ascii=False))
