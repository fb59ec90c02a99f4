"""The words of the language that a playbook's own names stand beside (language.md 4)."""

from __future__ import annotations

#: The names that are present everywhere, whatever a playbook defines.
ALWAYS = frozenset(
    {
        "result",
        "results",
        "error",
        "last_error",
        "steps",
        "inputs",
        "environment",
        "context",
        "variables",
        "secrets",
        "env",
        "loop",
        "execution",
        "playbook",
    }
)

#: Those of them that exist when `environment` and `context` are rendered, before the run has done anything.
AT_START = frozenset({"inputs", "environment", "secrets", "env", "execution", "playbook"})

#: The functions that the run supplies as names; a name hides none of the others.
FUNCTIONS = frozenset({"now", "uuid", "random"})

#: Words that an expression never reads as a name.
KEYWORDS = frozenset(
    {"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"},
)

_ERROR = ("kind", "code", "message", "transient", "retryable", "step", "action", "attempt", "details")

#: The second parts of the always-present names that are the same in every playbook.
FIELDS: dict[str, tuple[str, ...]] = {
    "execution": ("id", "started_at", "attempt"),
    "playbook": ("name", "version"),
    "loop": ("item", "index", "first", "last", "length"),
    "error": _ERROR,
    "last_error": _ERROR,
}

#: What is known of a step's latest visit: `steps.NAME.status`.
VISIT_FIELDS = ("status", "result", "visits", "started_at", "duration")
