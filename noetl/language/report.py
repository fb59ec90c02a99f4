"""Collects the problems of one reading, so that each part can report and go on."""

from __future__ import annotations

from collections.abc import Iterable

from noetl.errors import Problem
from noetl.language.nodes import Mapping, Node, Scalar
from noetl.span import Span
from noetl.spelling import did_you_mean


class Report:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def error(self, code: str, message: str, where: Node | Span, hint: str | None = None) -> None:
        span = where.span if isinstance(where, Node) else where
        self.problems.append(Problem(code, message, span, hint=hint))

    def wrong_type(self, what: str, wanted: str, node: Node, hint: str | None = None) -> None:
        """`what` is a quoted key, or words for the value."""
        if hint is None and isinstance(node, Scalar) and node.text.lstrip().startswith("{{"):
            hint = "no template can stand here"
        self.error("wrong-type", f"{what} must be {wanted}, got {node.described()}", node, hint)

    def missing_key(self, owner: str, key: str, mapping: Mapping, hint: str | None = None) -> None:
        self.error("missing-key", f"{owner} needs the key '{key}'", head(mapping), hint)

    def unknown_name(self, code: str, what: str, name: str, node: Node, known: Iterable[str]) -> None:
        """A name that should stand for something that the playbook defines."""
        self.error(code, f"{what} '{name}' is not defined", node, did_you_mean(name, known))


def head(mapping: Mapping) -> Node:
    """Where to point when a mapping as a whole is meant: its first key."""
    return next((key for key, _ in mapping.entries.values()), mapping)
