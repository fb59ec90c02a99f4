"""What a rerun has taken over of the run that it repeats, and what not: told when it has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from noetl.cli.text import count, one_line
from noetl.runtime.memo import Known, Memo, Why

#: More steps nobody reads; programs have `--json`.
_MOST_LINES = 20


def as_data(memo: Memo) -> dict[str, Any]:
    """What `rerun --json` adds to the report."""
    return {
        "of": memo.of,
        "reused": [_action(known) for known in memo.reused()],
        "not_reused": [
            {**_action(known), "why": str(why), **({"options": list(known.differing)} if known.differing else {})}
            for known, why in memo.rest()
        ],
    }


def lines(memo: Memo) -> Iterator[str]:
    """For people: steps with the number of their actions."""
    reused = memo.reused()
    if reused:
        steps = Counter(known.step for known in reused)
        yield f"  taken over from {memo.of}: {_counted(steps)}"
    else:
        yield f"  nothing was taken over from {memo.of}"
    rest = Counter((known.step, _reason(known, why, memo)) for known, why in memo.rest())
    for (step, reason), number in list(rest.items())[:_MOST_LINES]:
        yield f"  not taken over: {_counted(Counter({step: number}))}: {reason}"
    if len(rest) > _MOST_LINES:
        yield f"  and {len(rest) - _MOST_LINES} more that were not taken over"


def _counted(steps: Counter[str]) -> str:
    return ", ".join(f"{one_line(step)} ({count(number, 'action')})" for step, number in steps.items())


def _reason(known: Known, why: Why, memo: Memo) -> str:
    if why is Why.CHANGED:
        names = ", ".join(f"'{name}'" for name in known.differing)
        return f"it was given something else ({names})"
    if why is Why.EXCLUDED:
        return f"it began after '{memo.rerun['from']}'"
    if why is Why.UNDONE:
        return "it had been undone"
    return "this run did not come to it"


def _action(known: Known) -> dict[str, Any]:
    return {"step": known.step, "place": known.place, "action": known.action}
