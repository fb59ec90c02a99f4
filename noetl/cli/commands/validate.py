"""`noetl validate`: finds all problems of playbooks, without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, flag

if TYPE_CHECKING:
    from noetl.cli.console import Console


class ValidateOptions(Options):
    files: tuple[str, ...] = argument("FILE...", many=True, help="Playbooks; '-' is standard input.")
    json: bool = flag("--json", help="Print the problems as a JSON list.")
    strict: bool = flag("--strict", help="Also give advice that not every playbook needs, like a missing timeout.")


def carry_out(options: ValidateOptions, console: Console) -> int:
    from noetl.actions.registry import Registry, Shapes
    from noetl.cli.playbooks import source_of
    from noetl.cli.problems import counted, show_problems
    from noetl.errors import PlaybookError, Problem, Severity
    from noetl.language import examine

    shapes = Shapes(Registry())
    problems: list[Problem] = []
    for file in dict.fromkeys(options.files):
        try:
            problems += examine(source_of(file), shapes, strict=options.strict)[1]
        except PlaybookError as error:
            problems += error.problems
    if options.json:
        console.out.json([problem.as_data() for problem in problems])
    else:
        show_problems(console.out, problems)
        console.out.line(counted(problems))
    return 2 if any(problem.severity is Severity.ERROR for problem in problems) else 0


COMMAND = Command(
    name="validate",
    summary="Find all problems of playbooks, without running anything.",
    details="Exit code: 0 without errors, else 2.",
    examples=(
        Example(line="noetl validate orders.yaml", purpose="errors and warnings, each with its place"),
        Example(line="noetl validate playbooks/*.yaml --strict", purpose="all of them, and advice on timeouts"),
        Example(line="noetl validate --json - < orders.yaml", purpose="from standard input, for programs"),
    ),
    options=ValidateOptions,
    carry_out=carry_out,
)
