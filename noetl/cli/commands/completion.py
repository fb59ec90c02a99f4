"""`noetl completion`: the script by which a shell completes commands, options, files and the ids of runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument

if TYPE_CHECKING:
    from noetl.cli.console import Console

_SHELLS = ("bash", "zsh", "fish", "powershell")


def _shells(begin: str, store: str | None) -> Iterator[tuple[str, str]]:
    return ((shell, "") for shell in _SHELLS if shell.startswith(begin))


class CompletionOptions(Options):
    shell: str = argument("SHELL", help=f"One of {', '.join(_SHELLS)}.", complete=_shells)


def carry_out(options: CompletionOptions, console: Console) -> int:
    from noetl.cli.commands import NAMES, find_command
    from noetl.cli.misuse import Misuse
    from noetl.cli.typer_app import completion_script
    from noetl.spelling import did_you_mean

    if options.shell not in _SHELLS:
        hint = did_you_mean(options.shell, _SHELLS) or f"it is one of {', '.join(_SHELLS)}"
        raise Misuse(f"there is no script for the shell '{options.shell}'", hint)
    console.out.write(completion_script(map(find_command, NAMES), options.shell))
    return 0


COMMAND = Command(
    name="completion",
    summary="Print the script that makes a shell complete noetl's words.",
    details='Commands, options, files and the ids of runs are completed. To try it: eval "$(noetl completion bash)".',
    examples=(
        Example(line="noetl completion bash > ~/.local/share/bash-completion/completions/noetl", purpose="bash"),
        Example(line="noetl completion zsh > ~/.zfunc/_noetl", purpose="zsh, a folder of $fpath"),
        Example(line="noetl completion fish > ~/.config/fish/completions/noetl.fish", purpose="fish"),
        Example(line="noetl completion powershell >> $PROFILE", purpose="PowerShell"),
    ),
    options=CompletionOptions,
    carry_out=carry_out,
)
