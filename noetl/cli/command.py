"""What a command is and what it takes, declared once: both parsers of command lines are made from it.

Structs and plain classes, for dataclasses take ten times as long to make, and every start pays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from noetl.cli.console import Console


#: Set in the environment by the shell while it asks what could follow a word.
COMPLETION = "_NOETL_COMPLETE"

#: Words that may stand in a place and begin as what is typed there, each with what it stands for; it gets the store.
Completer = Callable[[str, "str | None"], Iterable[tuple[str, str]]]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a command takes: a positional argument where it has no `flags`; a tuple where it may be `many`.

    A shell asks `complete` what may stand there; files, where there is none.
    """

    flags: tuple[str, ...] = ()
    kind: type[bool] | type[int] | type[str] = str
    many: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    help: str
    hidden: bool = False
    complete: Completer | None = None

    @property
    def required(self) -> bool:
        return not self.flags and self.default is None


class Options:
    """What was given to a command; a subclass declares each attribute with `argument`, `option` or `flag`."""

    def __init__(self, **given: Any) -> None:
        for name, parameter in self.parameters().items():
            setattr(self, name, given.get(name, parameter.default))

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """In the order of declaration; what a class takes over stands behind its own."""
        return {
            name: value for owner in cls.__mro__ for name, value in vars(owner).items() if isinstance(value, Parameter)
        }


class Example(msgspec.Struct, frozen=True):
    """A command line as somebody would type it, and what it is good for."""

    line: str
    purpose: str


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """`carry_out` is given the options and gives the exit code."""

    name: str
    summary: str
    details: str = ""
    examples: tuple[Example, ...]
    options: type[Options]
    carry_out: Callable[[Any, Console], int]


class Invocation(msgspec.Struct, frozen=True):
    """A command line that has been understood."""

    command: Command
    options: Options


def argument(
    metavar: str, *, help: str, many: bool = False, default: str | None = None, complete: Completer | None = None
) -> Any:
    """A positional argument; without a default it has to be given."""
    return Parameter(metavar=metavar, help=help, many=many, default=default, complete=complete)


def option(
    *flags: str,
    metavar: str | None = None,
    help: str,
    kind: type[int] | type[str] = str,
    many: bool = False,
    default: Any = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """An option with a value."""
    return Parameter(
        flags=flags,
        metavar=metavar,
        help=help,
        kind=kind,
        many=many,
        default=() if many else default,
        choices=choices,
    )


def flag(*flags: str, help: str, hidden: bool = False) -> Any:
    """An option without a value."""
    return Parameter(flags=flags, kind=bool, default=False, help=help, hidden=hidden)
