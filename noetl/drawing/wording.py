"""What drawings say of calls, policies and conditions: a few words each, harmless wherever they are put."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap

from noetl.model.expression import Expression
from noetl.model.playbook import (
    SEQUENTIAL,
    UNBOUNDED,
    ActionCall,
    Block,
    Join,
    Loop,
    Merge,
    OnError,
    Retry,
    Step,
    TaskCall,
    Work,
)
from noetl.units import format_duration
from noetl.values import Masker

#: More of a condition, and of a line inside a node, is left to tooltips.
_LONGEST_CONDITION, _LONGEST_LINE = 56, 40

#: Characters of a label on one line.
_LABEL_WIDTH = 30

#: More of a text stands not even in a tooltip.
_LONGEST = 400

#: More lines make a node a list.
_MOST_LINES = 5

_ZEROS = re.compile(r"(?<=[mhd])00[smh]$")

TIMES = "\N{MULTIPLICATION SIGN}"

_mask = Masker().text


def plain(text: str, longest: int = _LONGEST) -> str:
    """The text on one line, masked, without characters that do something instead of being seen, and not too long."""
    text = " ".join(_mask(text).split())
    if not text.isprintable():
        text = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def bare(expression: Expression) -> str:
    """The text of a condition without its braces."""
    text = expression.source.strip()
    if not (text.startswith("{{") and text.endswith("}}")):
        return text
    return text[2:-2].removeprefix("-").removesuffix("-").strip()


def condition(expression: Expression) -> str:
    """What it asks, without the braces, as short as an arrow's label."""
    return plain(bare(expression), _LONGEST_CONDITION)


def whole_condition(expression: Expression) -> str:
    """What it asks, for a tooltip."""
    return plain(bare(expression))


def work_lines(block: Block) -> tuple[str, ...]:
    """The calls of a block, those in a row that look alike as one."""
    lines = [_times(line, len(list(same))) for line, same in groupby(map(_call, block.run))]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = [f"… {len(lines) - _MOST_LINES + 1} more"]
    return tuple(lines)


def step_marks(step: Step) -> tuple[str, ...]:
    """How a step is done, other than once for each token, one thing after the other."""
    return tuple(_step_marks(step))


def at_once(bound: int) -> str:
    """How many of several go on at the same time."""
    if bound == SEQUENTIAL:
        return "in turn"
    return "at once" if bound == UNBOUNDED else f"{bound} at once"


def _times(line: str, count: int) -> str:
    return line if count == 1 else f"{line} {TIMES}{count}"


def _call(call: ActionCall | TaskCall) -> str:
    name = call.action if isinstance(call, ActionCall) else f"task {call.task}"
    return plain(", ".join([name, *_policies(call)]), _LONGEST_LINE)


def _step_marks(step: Step) -> Iterator[str]:
    if step.join is not Join.EACH:
        yield f"join {step.join}"
    if step.merge is not Merge.CONFLICT:
        yield f"merge {step.merge}"
    if step.work is not None:
        if len(step.work.run) > 1 and step.work.parallel != SEQUENTIAL:
            yield at_once(step.work.parallel)
        yield from _policies(step.work)


def _policies(work: Work) -> Iterator[str]:
    if work.when is not None:
        yield f"if {condition(work.when)}"
    if work.loop is not None:
        yield from _loop(work.loop)
    if work.retry is not None:
        yield _retry(work.retry)
    if isinstance(work.timeout, (int, float)):
        yield f"within {_rounded(work.timeout)}"
    if work.on_error is OnError.CONTINUE:
        yield "may fail"
    elif work.on_error is OnError.COMPENSATE:
        yield "its branch is undone if it fails"
    if work.fallback is not None:
        yield f"fallback {work.fallback.task}"
    if work.compensate is not None:
        yield f"undone by {work.compensate.task}"


def _rounded(seconds: float) -> str:
    """A duration that somebody chose, without the zeros."""
    return _ZEROS.sub("", format_duration(seconds).replace(".0s", "s"))


def _loop(loop: Loop) -> Iterator[str]:
    if loop.while_ is not None:
        yield f"while {condition(loop.while_)}"
    elif loop.until is not None:
        yield f"until {condition(loop.until)}"
    else:
        yield f"for each {loop.name}"
    if isinstance(loop.parallel, Expression):
        yield "several at once"
    elif loop.parallel != SEQUENTIAL:
        yield at_once(loop.parallel)


def _retry(retry: Retry) -> str:
    return "retried" if isinstance(retry.attempts, Expression) else f"{retry.attempts} attempts"


def folded(text: str) -> list[str]:
    """A label in lines."""
    return wrap(text, _LABEL_WIDTH)


def sentence(parts: Iterable[str]) -> str:
    """What is known, in one line."""
    return ", ".join(part for part in parts if part)
