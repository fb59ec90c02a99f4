"""The page of commands, from their declarations."""

from __future__ import annotations

from markdown_text import code, sentence, table

from noetl.cli.command import Command, Parameter
from noetl.cli.commands import NAMES, find_command

_INTRODUCTION = """\
# Commands: every option

`noetl COMMAND --help` says the same. How they are used stands on the page on [operating](../operating.md).
"""


def page() -> str:
    return "\n".join([_INTRODUCTION, *(_section(find_command(name)) for name in NAMES)])


def _section(command: Command) -> str:
    parameters = [parameter for parameter in command.options.parameters().values() if not parameter.hidden]
    parts = [f"## noetl {command.name}\n", f"{command.summary}\n"]
    if command.details:
        parts.append(f"{command.details}\n")
    parts.append(f"```text\n{_usage(command, parameters)}\n```\n")
    if parameters:
        parts.append(table(("argument or option", "meaning"), map(_row, parameters)))
    width = max(len(example.line) for example in command.examples)
    lines = [f"{example.line:{width}}  # {example.purpose}\n" for example in command.examples]
    return "\n".join([*parts, f"```sh\n{''.join(lines)}```\n"])


def _usage(command: Command, parameters: list[Parameter]) -> str:
    arguments = [_metavar(parameter) for parameter in parameters if not parameter.flags]
    options = ["[OPTIONS]"] if any(parameter.flags for parameter in parameters) else []
    return " ".join(["noetl", command.name, *arguments, *options])


def _metavar(parameter: Parameter) -> str:
    return (parameter.metavar or "VALUE") + ("..." if parameter.many and not parameter.flags else "")


def _row(parameter: Parameter) -> tuple[str, str]:
    if not parameter.flags:
        return code(_metavar(parameter)), sentence(parameter.help)
    words = [code(f"{flag} {_value(parameter)}".strip()) for flag in parameter.flags]
    return ", ".join(words), sentence(parameter.help)


def _value(parameter: Parameter) -> str:
    if parameter.kind is bool:
        return ""
    return parameter.metavar or ("N" if parameter.kind is int else "VALUE")
