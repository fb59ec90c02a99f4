"""Shows the problems of a playbook: rendered as language.md 9 says, and counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from noetl.cli.console import Console, Output
from noetl.cli.misuse import Misuse
from noetl.cli.text import count, harmless
from noetl.cli.workflow_commands import in_job, workflow_command, workspace_path
from noetl.errors import NoetlError, Problem, Severity, StoreError
from noetl.span import Source, Span

_STYLES = {Severity.ERROR: "bad", Severity.WARNING: "warning"}


def show_problems(output: Output, problems: Iterable[Problem]) -> None:
    for problem in problems:
        label = f"{problem.severity}[{problem.code}]"
        text = harmless(problem.render())
        output.write(text.replace(label, output.paint(label, _STYLES[problem.severity]), 1) + "\n")
    output.flush()


def counted(problems: Sequence[Problem]) -> str:
    """`2 errors, 1 warning`; `no problems`."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    parts = [count(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    return ", ".join(parts) or "no problems"


def write_problems(output: Output, problems: Sequence[Problem], form: str, *, checked: int | None) -> None:
    """The problems in a format of `validate`; `checked` says how many playbooks there were, where that is news."""
    if form == "json":
        output.json([problem.as_data() for problem in problems])
    elif form == "sarif":
        from noetl.cli.sarif import sarif_log

        output.json(sarif_log(problems))
    else:
        if form == "github":
            annotate(output, problems)
        else:
            show_problems(output, problems)
        output.line(f"checked {count(checked, 'playbook')}: {counted(problems)}" if checked else counted(problems))


def annotate(output: Output, problems: Iterable[Problem]) -> None:
    """The problems as annotations of a job of GitHub Actions."""
    output.write("".join(f"{_annotation(problem)}\n" for problem in problems))


def _annotation(problem: Problem) -> str:
    hint = "" if problem.hint is None else f" ({problem.hint})"
    return workflow_command(
        str(problem.severity),
        harmless(f"{problem.message}{hint}"),
        file=workspace_path(problem.span.source.name),
        line=problem.span.line,
        col=problem.span.column,
        endColumn=problem.span.end_column,
        title=problem.code,
    )


def refuse(console: Console, problems: Sequence[Problem], *, json: bool) -> None:
    """Nothing was run: the problems on standard error, or as the one JSON object on standard output."""
    if json:
        console.out.json({"status": "invalid", "problems": [problem.as_data() for problem in problems]})
    else:
        console.out.flush()
        show_problems(console.err, problems)
        console.err.line(counted(problems))
    if in_job():
        annotate(console.err, problems)


def problem_of(error: NoetlError) -> Problem:
    """Why nothing was run as a problem, for those who read JSON."""
    here = Span(Source("<command line>", ""), 1, 1)
    if isinstance(error, Misuse):
        return Problem("bad-usage", error.message, here, hint=error.hint)
    return Problem("store" if isinstance(error, StoreError) else "replay", str(error), here)
