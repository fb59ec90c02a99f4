"""The `limits` section: the names that `limit` may use, and the shape of each limit."""

from __future__ import annotations

from noetl.language import literals
from noetl.language.fields import Fields
from noetl.language.nodes import Mapping, Node, Scalar
from noetl.language.report import Report
from noetl.units import parse_rate

_KEYS = ("concurrency", "rate", "circuit_breaker", "description")
_BREAKER_KEYS = ("threshold", "window", "open_for", "half_open")


def read_limits(fields: Fields) -> frozenset[str]:
    """The names of the limits; what they say is only checked, as this version reports that it does not carry it out."""
    section = fields.mapping("limits")
    if section is None:
        return frozenset()
    for name, (key, node) in section.entries.items():
        literals.name(fields.report, key, "the name of a limit")
        limit = literals.mapping(fields.report, node, f"limit '{name}'")
        if limit is not None:
            _check_limit(fields.report, limit, name)
    return frozenset(section.entries)


def _check_limit(report: Report, node: Mapping, name: str) -> None:
    fields = Fields(report, node, f"limit '{name}'", _KEYS)
    fields.count("concurrency")
    fields.text("description")
    rate, breaker = fields.get("rate"), fields.mapping("circuit_breaker")
    if rate is not None:
        _check_rate(report, rate)
    if breaker is not None:
        _check_breaker(report, breaker)


def _check_rate(report: Report, node: Node) -> None:
    text = literals.text(report, node, "'rate'", "a rate such as '10/s'")
    if text is None:
        return
    try:
        parse_rate(text)
    except ValueError as error:
        report.error("bad-rate", literals.must_be("'rate'", error), node)


def _check_breaker(report: Report, node: Mapping) -> None:
    fields = Fields(report, node, "'circuit_breaker'", _BREAKER_KEYS)
    fields.duration("window")
    fields.duration("open_for")
    fields.count("half_open")
    threshold = fields.get("threshold")
    if threshold is not None:
        _check_share(report, threshold)


def _check_share(report: Report, node: Node) -> None:
    """`50%`, or 0.5."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str) and value.endswith("%"):
        try:
            value = float(value[:-1]) / 100
        except ValueError:
            value = None
    if not isinstance(value, int | float) or isinstance(value, bool):
        report.wrong_type("'threshold'", "a share such as '50%' or 0.5", node)
    elif not 0 < value <= 1:
        report.error("bad-value", f"'threshold' must be more than 0 % and at most 100 %, got {node.described()}", node)
