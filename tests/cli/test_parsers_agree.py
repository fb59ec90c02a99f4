"""The quick parser and typer's are made from one declaration; what both accept they must understand alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noetl.cli.command import Command
from noetl.cli.commands import NAMES, find_command
from noetl.cli.misuse import Misuse
from noetl.cli.plain import parse_plain
from noetl.cli.typer_app import parse

COMMANDS = {name: find_command(name) for name in NAMES}
VALUES = ["a.yaml", "-", "k=v", "", "10", "0", "relaxed", "failed", "--json", "-q", "ä"]


def words_of(command: Command) -> st.SearchStrategy[list[str]]:
    flags = [flag for parameter in command.options.parameters().values() for flag in parameter.flags]
    word = st.sampled_from([*VALUES, *flags, *(f"{flag}={value}" for flag in flags for value in VALUES[:5])])
    return st.lists(word, max_size=6)


def understood(command: Command, words: list[str], *, plain: bool) -> Any:
    """The options as a mapping; None for a command line that is refused or left to the other parser."""
    try:
        if plain:
            options = parse_plain(command, words)
        else:
            invocation = parse([command], [command.name, *words], rich=False)
            options = None if invocation is None else invocation.options
    except Misuse:
        return "refused"
    return None if options is None else vars(options)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_both_parsers_understand_a_command_line_alike(name: str, data: st.DataObject) -> None:
    command = COMMANDS[name]
    words = data.draw(words_of(command))
    plain = understood(command, words, plain=True)
    if plain is not None:
        assert understood(command, words, plain=False) == plain
