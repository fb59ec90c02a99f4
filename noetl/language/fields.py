"""The keys of one mapping: which are known, which must be there, and each value as the type it should have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from noetl.language import literals
from noetl.language.nodes import Mapping as MappingNode
from noetl.language.nodes import Node, Scalar
from noetl.language.report import Report
from noetl.language.templating import condition, duration_or_expression
from noetl.model.expression import Expression
from noetl.span import Span
from noetl.spelling import nearest

#: What other tools call our keys, where the spelling is not near.
_FAMILIAR: Mapping[str, tuple[str, ...]] = {
    "action": ("run",),
    "args": ("with",),
    "cmd": ("run",),
    "continue_on_error": ("on_error",),
    "depends_on": ("rule",),
    "env": ("environment",),
    "foreach": ("loop",),
    "if": ("when", "case"),
    "ignore_errors": ("on_error",),
    "next": ("rule", "run"),
    "params": ("inputs", "with"),
    "register": ("as",),
    "retries": ("retry", "attempts"),
    "script": ("run",),
    "shell": ("run",),
    "task": ("run",),
    "then": ("run",),
    "vars": ("context", "with"),
    "when": ("case",),
    "with_items": ("loop",),
    "workflow": ("steps",),
}


class Fields:
    """A mapping of the language, whose unknown keys are reported at once. `owner` names it in sentences."""

    def __init__(self, report: Report, node: MappingNode, owner: str, known: Collection[str]) -> None:
        self.report = report
        self.node = node
        self.owner = owner
        self._misspelt: set[str | None] = set()
        for key in node.entries:
            if key not in known:
                unknown_key(report, node.entries[key][0], owner, known)
                self._misspelt.add(_meant(key, known))

    @property
    def sound(self) -> bool:
        """Whether all keys are known."""
        return not self._misspelt

    def has_misspelt(self, *keys: str) -> bool:
        """Whether an unknown key probably is one of these, so that its absence need not be told too."""
        return not self._misspelt.isdisjoint(keys)

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        entry = self.node.entries.get(key)
        return None if entry is None else entry[1]

    def key(self, key: str) -> Scalar:
        """The key's own node, of a key that is there."""
        return self.node.entries[key][0]

    def key_span(self, key: str) -> Span:
        return self.key(key).span

    def require(self, keys: Iterable[str]) -> None:
        """Report those that are missing."""
        for key in keys:
            if key not in self.node.entries and not self.has_misspelt(key):
                self.report.missing_key(self.owner, key, self.node)

    def text(self, key: str) -> str | None:
        node = self.node.get(key)
        return None if node is None else literals.text(self.report, node, f"'{key}'")

    def choice(self, key: str, choices: Collection[str], hints: dict[str, str] | None = None) -> str | None:
        node = self.node.get(key)
        return None if node is None else literals.choice(self.report, node, f"'{key}'", choices, hints)

    def count(self, key: str, minimum: int = 1) -> int | None:
        node = self.node.get(key)
        return None if node is None else literals.count(self.report, node, f"'{key}'", minimum)

    def number(self, key: str, low: float, high: float | None = None) -> float | None:
        node = self.node.get(key)
        return None if node is None else literals.number(self.report, node, f"'{key}'", low, high)

    def duration(self, key: str) -> float | None:
        """In seconds; no template."""
        node = self.node.get(key)
        return None if node is None else literals.duration(self.report, node, f"'{key}'")

    def duration_or_expression(self, key: str) -> float | Expression | None:
        """In seconds, or what gives a duration."""
        node = self.node.get(key)
        return None if node is None else duration_or_expression(self.report, node, f"'{key}'")

    def flag(self, key: str) -> bool | None:
        node = self.get(key)
        return None if node is None else literals.flag(self.report, node, f"'{key}'")

    def parallel(self, key: str) -> int | None:
        node = self.node.get(key)
        return None if node is None else literals.parallel(self.report, node, f"'{key}'")

    def condition(self, key: str) -> Expression | None:
        node = self.node.get(key)
        return None if node is None else condition(self.report, node, f"'{key}'")

    def mapping(self, key: str) -> MappingNode | None:
        node = self.node.get(key)
        return None if node is None else literals.mapping(self.report, node, f"'{key}'")


def _meant(key: str, known: Collection[str]) -> str | None:
    """The known key that an unknown one probably is."""
    return next((word for word in _FAMILIAR.get(key, ()) if word in known), None) or nearest(key, known)


def unknown_key(report: Report, key: Scalar, owner: str, known: Collection[str]) -> None:
    """Report a key that nothing reads, with the nearest one that something does."""
    meant = _meant(key.text, known)
    hint = None if meant is None else f"did you mean '{meant}'?"
    report.error("unknown-key", f"unknown key '{key.text}' in {owner}", key, hint)
