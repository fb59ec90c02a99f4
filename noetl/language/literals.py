"""Single values that are no templates: names, counts, durations, choices. A wrong one is reported, and None."""

from __future__ import annotations

import re
from collections.abc import Collection

from noetl.language.nodes import Mapping, Node, Scalar, Sequence
from noetl.language.report import Report
from noetl.model.playbook import SEQUENTIAL, UNBOUNDED
from noetl.spelling import did_you_mean
from noetl.units import parse_duration

#: Names of playbooks, steps, tasks, limits and outputs.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
#: Names that expressions read.
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

#: What any value becomes by quotes around it.
_PLAIN_TEXTS = ("a text", "a name")


def text(report: Report, node: Node, what: str, wanted: str = "a text") -> str | None:
    """`what` is the key in quotes, for sentences."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node.value
    quotable = isinstance(node, Scalar) and node.value is not None and wanted in _PLAIN_TEXTS
    report.wrong_type(what, wanted, node, "quote it" if quotable else None)
    return None


def name(report: Report, node: Node, what: str) -> str | None:
    """A name of the playbook's own; what stands there even where it is no good name, so that reading can go on."""
    found = text(report, node, what, "a name")
    if found is not None and not NAME.fullmatch(found):
        message = f"{what} must be letters, digits, '_', '.' and '-', and start with a letter or '_', got '{found}'"
        report.error("bad-value", message, node)
    return found


def identifier(report: Report, found: str, node: Node, what: str) -> bool:
    """Whether it can be read in expressions; reported if not."""
    if IDENTIFIER.fullmatch(found):
        return True
    message = f"{what} must be letters, digits and '_', and not start with a digit, got '{found}'"
    report.error("bad-value", message, node)
    return False


def choice(
    report: Report, node: Node, what: str, choices: Collection[str], hints: dict[str, str] | None = None
) -> str | None:
    """One of the words; `hints` are for those that have a meaning elsewhere."""
    found = node.text if isinstance(node, Scalar) and not isinstance(node.value, type(None)) else None
    if found in choices:
        return found
    wanted = listed(choices)
    if found is None:
        report.wrong_type(what, wanted, node)
    else:
        hint = (hints or {}).get(found) or did_you_mean(found, choices)
        report.error("bad-value", f"{what} must be {wanted}, got '{found}'", node, hint)
    return None


def count(report: Report, node: Node, what: str, minimum: int = 1) -> int | None:
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, int) or isinstance(value, bool):
        report.wrong_type(what, "an integer", node)
        return None
    if value < minimum:
        report.error("bad-value", f"{what} must be at least {minimum}, got {value}", node)
        return None
    return value


def number(report: Report, node: Node, what: str, low: float, high: float | None = None) -> float | None:
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        report.wrong_type(what, "a number", node)
        return None
    if not (low <= value and (high is None or value <= high)):
        wanted = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        report.error("bad-value", f"{what} must be {wanted}, got {value}", node)
        return None
    return float(value)


def duration(report: Report, node: Node, what: str) -> float | None:
    """Seconds."""
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        report.wrong_type(what, "a duration", node, "durations look like '500ms', '10s', '1h30m', or are seconds")
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        report.error("bad-duration", must_be(what, error), node)
        return None


def flag(report: Report, node: Node, what: str) -> bool | None:
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, bool):
        return value
    report.wrong_type(what, "true or false", node)
    return None


def parallel(report: Report, node: Node, what: str) -> int | None:
    """A bound of concurrency: true is without a bound, false one after the other."""
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return UNBOUNDED if node.value else SEQUENTIAL
    if isinstance(node, Scalar) and isinstance(node.value, int):
        return count(report, node, what)
    report.wrong_type(what, "true, false or an integer", node)
    return None


def mapping(report: Report, node: Node, what: str) -> Mapping | None:
    if isinstance(node, Mapping):
        return node
    report.wrong_type(what, "a mapping", node)
    return None


def sequence(report: Report, node: Node, what: str) -> list[Node] | None:
    if isinstance(node, Sequence):
        return node.items
    report.wrong_type(what, "a list", node, _as_list(node) if isinstance(node, Mapping) else None)
    return None


def _as_list(node: Mapping) -> str:
    """How what stands as a mapping is written as a list; most often its keys are meant for names."""
    name, (_, first) = next(iter(node.entries.items()), ("", (None, None)))
    if isinstance(first, Mapping):
        return f"start each entry with '- ', the name as a key of it: '- name: {name}'"
    return "start each entry with '- '"


def listed(words: Collection[str]) -> str:
    """`'a', 'b' or 'c'`."""
    quoted = [f"'{word}'" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def must_be(what: str, error: ValueError) -> str:
    """The sentence of noetl.units about the value of `what`."""
    sentence = str(error)
    expected = sentence.removeprefix("expected ")
    return f"{what}: {sentence}" if expected == sentence else f"{what} must be {expected}"
