"""Reads plain command lines in a moment: whole flags, their values, arguments; and says what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from noetl.cli.command import Command, Options, Parameter
from noetl.cli.misuse import Misuse

HELP = ("-h", "--help")

_MOST_DIGITS = 9


def parse_plain(command: Command, words: Sequence[str]) -> Options | None:
    """The command's options; None for typer, where help is asked for or flags are not written out. Raises Misuse."""
    parameters = command.options.parameters()
    by_flag = {flag: name for name, parameter in parameters.items() for flag in parameter.flags}
    found: dict[str, Any] = {}
    given: dict[str, list[tuple[str, str]]] = {}
    arguments: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "-" or not word.startswith("-"):
            arguments.append(word)
            continue
        flag, equals, text = word.partition("=") if word.startswith("--") else (word, "", "")
        if flag in (*HELP, "--") or (flag not in by_flag and _is_bundle(flag)):
            return None
        if flag not in by_flag:
            raise Misuse(f"there is no option '{flag}'", _meant(flag, (*by_flag, *HELP)))
        name = by_flag[flag]
        parameter = parameters[name]
        if parameter.kind is bool:
            if equals:
                raise Misuse(f"option '{flag}' takes no value")
            found[name] = True
        else:
            given.setdefault(name, []).append((flag, text if equals else _next(rest, flag)))
    for name, texts in given.items():
        parameter = parameters[name]
        # Of an option that takes one value the last counts, and what stood before it is not looked at: as in typer.
        values = [_value(parameter, flag, text) for flag, text in (texts if parameter.many else texts[-1:])]
        found[name] = tuple(values) if parameter.many else values[0]
    return command.options(**found, **_place(parameters, arguments))


def _meant(word: str, known: Sequence[str]) -> str | None:
    from noetl.spelling import did_you_mean

    return did_you_mean(word, known)


def _is_bundle(flag: str) -> bool:
    """Whether it is written like short flags in one (`-qv`) or a flag with its value behind it (`-ia=1`)."""
    return len(flag) > 2 and not flag.startswith("--")


def _next(rest: Iterator[str], flag: str) -> str:
    word = next(rest, None)
    if word is None:
        raise Misuse(f"option '{flag}' needs a value")
    return word


def _value(parameter: Parameter, flag: str, text: str) -> str | int:
    if parameter.choices and text not in parameter.choices:
        known = _meant(text, parameter.choices) or f"it takes {', '.join(parameter.choices)}"
        raise Misuse(f"option '{flag}' does not take '{text}'", known)
    if parameter.kind is int:
        if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
            raise Misuse(f"option '{flag}' takes a whole number, got '{text}'")
        return int(text)
    return text


def _place(parameters: dict[str, Parameter], arguments: list[str]) -> dict[str, Any]:
    """The arguments by name."""
    placed: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if parameter.flags or not (arguments or parameter.required):
            continue
        if not arguments:
            raise Misuse(f"the argument {parameter.metavar} is missing")
        taken = len(arguments) if parameter.many else 1
        placed[name] = tuple(arguments) if parameter.many else arguments[0]
        arguments = arguments[taken:]
    if arguments:
        raise Misuse(f"there is an argument too many: '{arguments[0]}'")
    return placed
