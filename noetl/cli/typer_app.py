"""The commands as a typer app, for help, completion and command lines that are not plain. Carries out nothing."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout, suppress
from enum import StrEnum
from typing import Any

import typer

from noetl.cli.command import COMPLETION, Command, Completer, Example, Invocation, Parameter
from noetl.cli.misuse import Misuse

_EXAMPLES = (
    Example("noetl run playbook.yaml", "run a playbook"),
    Example("noetl validate playbook.yaml", "find what is wrong with it"),
    Example("noetl run --help", "what a command takes, with examples"),
)


def parse(commands: Iterable[Command], words: Sequence[str], *, rich: bool) -> Invocation | None:
    """What the words ask for; None where typer has done it (help, completion). Raises Misuse."""
    try:
        found = _app(commands, rich=rich)(args=list(words), prog_name="noetl", standalone_mode=False)
    except SystemExit:
        # So typer ends where the reader of the help has gone; to a shell that asks, the exit code is an answer.
        if os.environ.get(COMPLETION):
            raise
        return None
    except Exception as error:
        # The classes of these errors are not public in every release of typer; what they have in common is.
        sentence = getattr(error, "format_message", None)
        if sentence is None:
            raise
        text = sentence()
        raise Misuse(text[:1].lower() + text[1:].rstrip(".")) from None
    return found if isinstance(found, Invocation) else None


def completion_script(commands: Iterable[Command], shell: str) -> str:
    """The script that makes a shell ask us, got by the protocol by which it then does."""
    os.environ[COMPLETION] = f"source_{shell}"
    printed = io.StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        parse(commands, [], rich=False)
    # Zsh looks for what a script is in its very first line.
    return printed.getvalue().strip() + "\n"


def _app(commands: Iterable[Command], *, rich: bool) -> typer.Typer:
    app = typer.Typer(
        name="noetl",
        help="Runs declarative YAML playbooks.",
        epilog=_examples(_EXAMPLES, rich=rich),
        rich_markup_mode="rich" if rich else None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        no_args_is_help=True,
    )
    app.callback()(_top)
    for command in commands:
        callback: Any = _Callback(command)
        app.command(
            command.name,
            help=f"{command.summary}\n\n{command.details}".strip(),
            short_help=command.summary,
            epilog=_examples(command.examples, rich=rich),
        )(callback)
    return app


def _top(
    version: bool = typer.Option(False, "--version", is_eager=True, help="Print the version."),
) -> None:
    """Options without a command; main knows `--version`, and here it stands for the help."""


def _examples(examples: Sequence[Example], *, rich: bool) -> str:
    if rich:
        # Rich takes square brackets for its own and puts what one blank line divides on lines of their own.
        from rich.markup import escape

        lines = [f"{escape(example.line)}   [dim]{escape(example.purpose)}[/dim]" for example in examples]
        return "\n\n".join(["Examples:", *lines])
    width = max(len(example.line) for example in examples)
    lines = [f"  {example.line:{width}}  {example.purpose}" for example in examples]
    return "\n".join(["\b", "Examples:", *lines])


class _Callback:
    """What typer takes for the command's function: it looks at the signature, which is made from the declaration."""

    def __init__(self, command: Command) -> None:
        self._command = command
        parameters = command.options.parameters()
        signature = [_signature(name, parameter) for name, parameter in parameters.items()]
        self._choices = {name for name, parameter in parameters.items() if parameter.choices}
        self.__name__ = command.name
        self.__signature__ = inspect.Signature(signature)
        self.__annotations__ = {parameter.name: parameter.annotation for parameter in signature}

    def __call__(self, **values: Any) -> Invocation:
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
            elif name in self._choices and value is not None:
                values[name] = str(value)
        return Invocation(self._command, self._command.options(**values))


def _signature(name: str, parameter: Parameter) -> inspect.Parameter:
    declaration = _option(parameter) if parameter.flags else _argument(parameter)
    annotation = _annotation(name, parameter)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=declaration, annotation=annotation)


def _option(parameter: Parameter) -> Any:
    return typer.Option(
        list(parameter.default) if parameter.many else parameter.default,
        *parameter.flags,
        metavar=parameter.metavar,
        help=parameter.help,
        hidden=parameter.hidden,
        show_default=False,
    )


def _argument(parameter: Parameter) -> Any:
    default = ... if parameter.required else parameter.default
    return typer.Argument(
        default,
        metavar=parameter.metavar,
        help=parameter.help,
        show_default=False,
        autocompletion=_suggesting(parameter.complete),
    )


def _suggesting(complete: Completer | None) -> Callable[..., list[tuple[str, str]]] | None:
    """What typer asks while a shell completes a word."""
    if complete is None:
        return None

    def suggest(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        return list(complete(incomplete, ctx.params.get("store")))

    return suggest


def _annotation(name: str, parameter: Parameter) -> Any:
    """The type by which typer reads the text: an enumeration where only some words are allowed."""
    enumeration: Any = StrEnum
    kind: Any = enumeration(name, {word: word for word in parameter.choices}) if parameter.choices else parameter.kind
    if parameter.many:
        return list[kind]
    return kind | None if parameter.flags and parameter.default is None else kind
