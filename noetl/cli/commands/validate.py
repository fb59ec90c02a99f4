"""`noetl validate`: finds all problems of playbooks, without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noetl.cli.command import Command, Example, Options, argument, flag, option
from noetl.cli.misuse import Misuse

if TYPE_CHECKING:
    from noetl.cli.console import Console

_JSON = "json"


class ValidateOptions(Options):
    paths: tuple[str, ...] = argument(
        "PATH...",
        many=True,
        help="Playbooks, folders (all playbooks below) and patterns in quotes ('**' is any folders); "
        "'-' is standard input.",
    )
    format: str | None = option(
        "--format",
        metavar="FORMAT",
        choices=("text", _JSON, "sarif", "github"),
        help="'text' for people (default), 'json' a list of problems, 'sarif' a log for code scanning, 'github' "
        "annotations of a GitHub Actions job.",
    )
    json: bool = flag("--json", help="The same as '--format json'.")
    strict: bool = flag("--strict", help="Also give advice that not every playbook needs, like a missing timeout.")


def carry_out(options: ValidateOptions, console: Console) -> int:
    from noetl.actions.registry import Registry, Shapes
    from noetl.cli.playbooks import DASH, source_of
    from noetl.cli.problems import write_problems
    from noetl.errors import PlaybookError, Problem, Severity
    from noetl.language import examine
    from noetl.language.finding import Search, names_many

    form = _format(options)
    shapes = Shapes(Registry())
    search = Search()
    problems: list[Problem] = []
    checked = 0
    for path in dict.fromkeys(options.paths):
        try:
            for found in [source_of(DASH)] if path == DASH else search.find(path):
                if isinstance(found, Problem):
                    problems.append(found)
                else:
                    checked += 1
                    problems += examine(found, shapes, strict=options.strict)[1]
        except PlaybookError as error:
            problems += error.problems
    several = len(options.paths) > 1 or names_many(options.paths[0])
    write_problems(console.out, problems, form, checked=checked if several else None)
    return 2 if any(problem.severity is Severity.ERROR for problem in problems) else 0


def _format(options: ValidateOptions) -> str:
    if options.json and options.format not in (None, _JSON):
        raise Misuse(f"'--json' does not go with '--format {options.format}'")
    return _JSON if options.json else options.format or "text"


COMMAND = Command(
    name="validate",
    summary="Find all problems of playbooks, without running anything.",
    details="Exit code: 0 without errors, else 2.",
    examples=(
        Example(line="noetl validate orders.yaml", purpose="errors and warnings, each with its place"),
        Example(line="noetl validate playbooks --strict", purpose="all in a folder, and advice on timeouts"),
        Example(line="noetl validate 'teams/**/*.yaml' --format github", purpose="annotations in a job"),
        Example(line="noetl validate . --format sarif > noetl.sarif", purpose="for code scanning"),
        Example(line="noetl validate --json - < orders.yaml", purpose="from standard input, for programs"),
    ),
    options=ValidateOptions,
    carry_out=carry_out,
)
