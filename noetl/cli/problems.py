"""Shows the problems of a playbook: rendered as language.md 9 says, and counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from noetl.cli.console import Console, Output
from noetl.cli.misuse import Misuse
from noetl.cli.text import count, harmless
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


def refuse(console: Console, problems: Sequence[Problem], *, json: bool) -> None:
    """Nothing was run: the problems on standard error, or as the one JSON object on standard output."""
    if json:
        console.out.json({"status": "invalid", "problems": [problem.as_data() for problem in problems]})
    else:
        console.out.flush()
        show_problems(console.err, problems)
        console.err.line(counted(problems))


def problem_of(error: NoetlError) -> Problem:
    """Why nothing was run as a problem, for those who read JSON."""
    here = Span(Source("<command line>", ""), 1, 1)
    if isinstance(error, Misuse):
        return Problem("bad-usage", error.message, here, hint=error.hint)
    return Problem("store" if isinstance(error, StoreError) else "replay", str(error), here)
