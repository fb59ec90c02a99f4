"""What stands around work in a plan: its condition, loop, retry and timeout, with the values that are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from noetl.actions.touch import Unknown
from noetl.errors import ExpressionError
from noetl.expressions import as_text
from noetl.language.checks.sites import AnyWork
from noetl.model.expression import Expression
from noetl.model.playbook import Loop, OnError
from noetl.runtime.planning.knowledge import needs_of
from noetl.runtime.planning.outlook import Outlook
from noetl.runtime.planning.plan import Condition, Repetition, Work
from noetl.runtime.planning.rendering import judge, render
from noetl.units import parse_duration
from noetl.values import to_json


def add(found: list[str], more: Iterable[str]) -> None:
    """The list gets what it does not have yet."""
    found += [item for item in dict.fromkeys(more) if item not in found]


def condition_text(condition: Expression) -> str:
    """A condition on one line, without braces."""
    text = " ".join(condition.source.split())
    if text.startswith("{{") and text.endswith("}}"):
        text = text[2:-2].strip("- ")
    return text


def told_condition(condition: Expression, outlook: Outlook, problems: list[str]) -> Condition:
    """The condition, and whether it holds."""
    text = condition_text(condition)
    try:
        return Condition(text=text, holds=judge(condition, outlook))
    except ExpressionError as error:
        add(problems, (error.message,))
        return Condition(text=text)


def told_value(plan: Work, value: Any, outlook: Outlook) -> Any:
    """The data of a template; what it needs, or why it fails, is added to the plan."""
    try:
        found = render(value, outlook)
    except ExpressionError as error:
        add(plan.problems, (error.message,))
        return Unknown.of(("error",))
    add(plan.needs, needs_of(found))
    return found


def tell_policies(plan: Work, work: AnyWork, outlook: Outlook) -> None:
    """Retry, timeout, what becomes of a failure, and the names that keep the data."""
    plan.goes_on = work.on_error in (OnError.CONTINUE, OnError.COMPENSATE)
    plan.undoes = work.on_error is OnError.COMPENSATE
    if work.retry is not None:
        plan.attempts = _plain(told_value(plan, work.retry.attempts, outlook))
    if work.timeout is not None:
        plan.timeout = _seconds(plan, told_value(plan, work.timeout, outlook))
    if work.store is not None:
        plan.sets = [work.store.name] if work.store.name is not None else [name for name, _ in work.store.unpack]


def tell_loop(plan: Work, loop: Loop, outlook: Outlook) -> Sequence[Any] | None:
    """The loop; its items where all of them are known, or can be counted."""
    goes_on = loop.on_error is OnError.CONTINUE
    at_once = _plain(told_value(plan, loop.parallel, outlook))
    if loop.items is None:
        texts = [None if condition is None else condition_text(condition) for condition in (loop.while_, loop.until)]
        most = _plain(told_value(plan, loop.max, outlook))
        plan.loop = Repetition(while_=texts[0], until=texts[1], most=most, goes_on=goes_on)
        return None
    value = told_value(plan, loop.items.value, outlook)
    items = _items(value)
    if items is None and not isinstance(value, Unknown):
        add(plan.problems, (f"a loop needs a list, a mapping or a whole number, got '{as_text(to_json(value))}'",))
    times = as_text(to_json(value)) if items is None else len(items)
    plan.loop = Repetition(times=times, parallel=at_once, goes_on=goes_on)
    return items


def loop_names(loop: Loop, length: int | None, index: int | None = None, item: Any = None) -> Mapping[str, Any]:
    """The names that a loop gives its body: of one iteration, or without `index` of any."""
    each = Unknown.of((f"each {loop.name}",))
    size = each if length is None else length
    if index is None:
        return {
            loop.name: each,
            "loop": {"item": each, "index": each, "first": each, "last": each, "length": size},
        }
    last = each if length is None else index == length - 1
    about = {"item": item, "index": index, "first": index == 0, "last": last, "length": size}
    return {loop.name: item, "loop": about}


def _items(value: Any) -> Sequence[Any] | None:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return [{"key": key, "value": item} for key, item in value.items()]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return range(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(plan: Work, value: Any) -> float | str:
    if isinstance(value, Unknown):
        return str(value)
    try:
        return parse_duration(value)
    except ValueError as error:
        add(plan.problems, (str(error),))
        return as_text(to_json(value))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Unknown) else value
