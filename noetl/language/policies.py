"""The policies around work: `when`, `loop`, `retry`, `timeout`, `on_error` and `as`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypedDict

from noetl.language import literals
from noetl.language.fields import Fields
from noetl.language.nodes import Mapping as MappingNode
from noetl.language.nodes import Node, Scalar, Sequence
from noetl.language.report import Report
from noetl.language.templating import count_or_expression, is_expression, template
from noetl.model.expression import Expression, Template
from noetl.model.playbook import SEQUENTIAL, Loop, OnError, Retry, Store

_RETRY_KEYS = ("attempts", "delay", "backoff", "multiplier", "max_delay", "jitter", "on", "when")
_LOOP_KEYS = ("items", "while", "until", "as", "parallel", "max", "on_error")
_LOOP_KINDS = ("items", "while", "until")
_BACKOFFS = ("none", "fixed", "linear", "exponential")
_ON_ERROR = ("fail", "continue")
#: Of a step, which stands in a branch.
STEP_ON_ERROR = (*_ON_ERROR, "compensate")
#: For where `compensate` does not belong.
ON_ERROR_HINTS = {"compensate": "write it at a step: what the branch has completed is undone when the step fails"}


class Policies(TypedDict):
    """What stands around work, by the names of its fields in the model."""

    when: Expression | None
    loop: Loop | None
    retry: Retry | None
    timeout: float | Expression | None
    on_error: OnError


NO_POLICIES = Policies(when=None, loop=None, retry=None, timeout=None, on_error=OnError.FAIL)


def read_policies(fields: Fields, on_error: Collection[str] = _ON_ERROR) -> Policies:
    """`on_error` are the words that it may be."""
    if NO_POLICIES.keys().isdisjoint(fields.node.entries):
        return NO_POLICIES
    loop, retry = fields.get("loop"), fields.get("retry")
    return Policies(
        when=fields.condition("when"),
        loop=None if loop is None else read_loop(fields.report, loop, fields.key("loop")),
        retry=None if retry is None else read_retry(fields.report, retry, fields.key("retry")),
        timeout=fields.duration_or_expression("timeout"),
        on_error=read_on_error(fields, on_error),
    )


def read_on_error(fields: Fields, choices: Collection[str] = _ON_ERROR) -> OnError:
    """One of the words; `fail` where it is not given or wrong."""
    return OnError(fields.choice("on_error", choices, ON_ERROR_HINTS) or OnError.FAIL)


def read_retry(report: Report, node: Node, key: Scalar) -> Retry | None:
    """`retry: 3`, or a mapping."""
    if isinstance(node, Scalar):
        if is_expression(node) or isinstance(node.value, int):
            attempts = count_or_expression(report, node, "'retry'")
            return None if attempts is None else Retry(attempts=attempts, span=key.span)
        report.wrong_type("'retry'", "a number of attempts or a mapping", node)
        return None
    if not isinstance(node, MappingNode):
        report.wrong_type("'retry'", "a number of attempts or a mapping", node)
        return None
    fields = Fields(report, node, "'retry'", _RETRY_KEYS)
    attempts_node = fields.get("attempts")
    given: dict[str, Any] = {
        "attempts": None if attempts_node is None else count_or_expression(report, attempts_node, "'attempts'"),
        "delay": fields.duration_or_expression("delay"),
        "backoff": fields.choice("backoff", _BACKOFFS),
        "multiplier": fields.number("multiplier", 1),
        "max_delay": fields.duration("max_delay"),
        "jitter": fields.number("jitter", 0, 1),
        "on": _retry_on(fields),
        "when": fields.condition("when"),
    }
    return Retry(**_present(given), span=key.span)


def _present(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _retry_on(fields: Fields) -> tuple[str | int, ...] | None:
    node = fields.get("on")
    if node is None:
        return None
    items = node.items if isinstance(node, Sequence) else [node]
    found: list[str | int] = []
    for item in items:
        value = item.value if isinstance(item, Scalar) else None
        if isinstance(value, str | int) and not isinstance(value, bool):
            found.append(value)
        else:
            fields.report.wrong_type("'on'", "error kinds, codes or HTTP statuses", item)
    if not items:
        fields.report.error("bad-value", "'on' must name at least one error kind, code or HTTP status", node)
    return tuple(found)


def read_loop(report: Report, node: Node, key: Scalar) -> Loop | None:
    """A mapping with `items`, `while` or `until`."""
    if not isinstance(node, MappingNode):
        report.wrong_type("'loop'", "a mapping", node, "write 'loop: {items: ...}'")
        # What is read on is what was meant, so that nobody is told that 'item' is not defined.
        meant = template(report, node) if is_expression(node) or not isinstance(node, Scalar) else None
        return Loop(items=meant, span=key.span)
    fields = Fields(report, node, "'loop'", _LOOP_KEYS)
    kinds = [kind for kind in _LOOP_KINDS if kind in node.entries]
    if not kinds:
        report.error("missing-key", f"'loop' needs one of the keys {literals.listed(_LOOP_KINDS)}", key)
    for kind in kinds[1:]:
        report.error("bad-value", f"'loop' takes only one of {literals.listed(_LOOP_KINDS)}", fields.key(kind))
    _check_loop_guards(fields, kinds[0] if kinds else None)
    items = fields.get("items")
    maximum = fields.get("max")
    given: dict[str, Any] = {
        "items": None if items is None else _loop_items(report, items),
        "while_": fields.condition("while"),
        "until": fields.condition("until"),
        "name": _loop_name(fields),
        "parallel": _loop_parallel(fields),
        "max": None if maximum is None else count_or_expression(report, maximum, "'max'"),
        "on_error": read_on_error(fields),
    }
    return Loop(**_present(given), span=key.span)


def _check_loop_guards(fields: Fields, kind: str | None) -> None:
    if kind == "items" and fields.get("max") is not None:
        fields.report.error("bad-value", "'max' bounds 'while' and 'until', not 'items'", fields.key("max"))
    if kind in ("while", "until") and fields.get("parallel") is not None:
        message = f"'parallel' needs 'items': the iterations of '{kind}' follow one another"
        fields.report.error("bad-value", message, fields.key("parallel"))


def _loop_items(report: Report, node: Node) -> Template | None:
    if isinstance(node, Scalar) and not is_expression(node):
        value = node.value
        if not isinstance(value, int) or isinstance(value, bool):
            report.wrong_type("'items'", "a list, a mapping, an integer or a template", node)
            return None
        if value < 0:
            report.error("bad-value", f"'items' must be at least 0, got {value}", node)
            return None
    return template(report, node)


def _loop_name(fields: Fields) -> str | None:
    node = fields.get("as")
    found = None if node is None else literals.text(fields.report, node, "'as'", "a name")
    if node is None or found is None or not literals.identifier(fields.report, found, node, "'as'"):
        return None
    return found


def _loop_parallel(fields: Fields) -> int | Expression | None:
    node = fields.get("parallel")
    if isinstance(node, Scalar) and is_expression(node):
        return count_or_expression(fields.report, node, "'parallel'")
    return SEQUENTIAL if node is None else fields.parallel("parallel")


def read_store(report: Report, node: Node, key: Scalar) -> Store | None:
    """`as: NAME`, or `as: {NAME: template}`."""
    if isinstance(node, MappingNode):
        unpack = [
            (name, template(report, value))
            for name, (key_node, value) in node.entries.items()
            if literals.identifier(report, name, key_node, "the name of a variable")
        ]
        if not node.entries:
            report.error("bad-value", "'as' must name at least one variable", node)
        return Store(unpack=tuple(unpack), span=key.span)
    name = literals.text(report, node, "'as'", "a name or a mapping")
    if name is None or not literals.identifier(report, name, node, "'as'"):
        return None
    return Store(name=name, span=node.span)
