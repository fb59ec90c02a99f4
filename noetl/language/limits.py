"""The `limits` section: what actions share, by the names that `limit` may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noetl.language import literals
from noetl.language.fields import Fields
from noetl.language.nodes import Mapping as MappingNode
from noetl.language.nodes import Node, Scalar
from noetl.language.report import Report
from noetl.model.playbook import CircuitBreaker, Limit
from noetl.units import parse_rate

_KEYS = ("concurrency", "rate", "burst", "adaptive", "queue_timeout", "circuit_breaker", "description")
_BREAKER_KEYS = ("threshold", "window", "open_for", "half_open")


def read_limits(fields: Fields) -> dict[str, Limit]:
    """The limits by name. One with a problem is there all the same, for what names it."""
    section = fields.mapping("limits")
    if section is None:
        return {}
    return {name: _limit(fields.report, name, key, node) for name, (key, node) in section.entries.items()}


def _limit(report: Report, name: str, key: Scalar, node: Node) -> Limit:
    literals.name(report, key, "the name of a limit")
    mapping = literals.mapping(report, node, f"limit '{name}'")
    if mapping is None:
        return Limit(name=name, span=key.span)
    fields = Fields(report, mapping, f"limit '{name}'", _KEYS)
    fields.text("description")
    rate, breaker = fields.get("rate"), fields.mapping("circuit_breaker")
    if rate is None and fields.get("burst") is not None:
        report.error("missing-key", "'burst' is about a rate, and there is no 'rate'", fields.key("burst"))
    given = {
        "concurrency": fields.count("concurrency"),
        "rate": None if rate is None else _rate(report, rate),
        "burst": fields.count("burst"),
        "adaptive": fields.flag("adaptive"),
        "queue_timeout": fields.duration("queue_timeout"),
        "circuit_breaker": None if breaker is None else _breaker(report, breaker),
    }
    return Limit(name=name, span=key.span, **_present(given))


def _rate(report: Report, node: Node) -> float | None:
    """Per second."""
    text = literals.text(report, node, "'rate'", "a rate such as '10/s'")
    if text is None:
        return None
    try:
        return parse_rate(text).per_second
    except ValueError as error:
        report.error("bad-rate", literals.must_be("'rate'", error), node)
        return None


def _breaker(report: Report, node: MappingNode) -> CircuitBreaker:
    fields = Fields(report, node, "'circuit_breaker'", _BREAKER_KEYS)
    threshold = fields.get("threshold")
    given = {
        "threshold": None if threshold is None else _share(report, threshold),
        "window": fields.duration("window"),
        "open_for": fields.duration("open_for"),
        "half_open": fields.count("half_open"),
    }
    return CircuitBreaker(**_present(given))


def _share(report: Report, node: Node) -> float | None:
    """`50%`, or 0.5."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, str) and value.endswith("%"):
        try:
            value = float(value[:-1]) / 100
        except ValueError:
            value = None
    if not isinstance(value, int | float) or isinstance(value, bool):
        report.wrong_type("'threshold'", "a share such as '50%' or 0.5", node)
        return None
    if not 0 < value <= 1:
        report.error("bad-value", f"'threshold' must be more than 0 % and at most 100 %, got {node.described()}", node)
        return None
    return float(value)


def _present(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
