"""The page of codes: every problem of a playbook and every error of a run."""

from __future__ import annotations

from markdown_text import code, sentence, table

from noetl.codes import ERRORS, PROBLEMS

_PROBLEMS = """\
# Errors: every code

The page on [errors](../errors.md) shows them at work.

## Problems

What `noetl validate` finds, and `noetl run` before it runs anything.
"""
_ERRORS = """
## Errors of a run

The [kind](../language.md#names) says whether to try again may help. `details.x` is what a playbook reads as `error.details.x`.
"""


def page() -> str:
    problems = [
        (code(name), "warning" if found.warning else "error", sentence(found.meaning), sentence(found.cure))
        for name, found in sorted(PROBLEMS.items())
    ]
    errors = [(code(name), found.kind, sentence(found.meaning)) for name, found in sorted(ERRORS.items())]
    return "\n".join(
        [
            _PROBLEMS,
            table(("code", "severity", "what it means", "what helps"), problems),
            _ERRORS,
            table(("code", "kind", "what happened"), errors),
        ]
    )
