"""Where the branches of a fork go: which steps each of them comes to first, and where two of them meet.

The branches advance together, a move at a time, so that near meetings are found first. How far a fork is followed is
bounded: in a playbook of very many forks a meeting far away may be missed, but none is invented.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

import msgspec

from noetl.language.checks.flow import Flow
from noetl.model.playbook import Case

#: How many moves are followed for all forks together, and at least for each.
_MOVES = 250_000
_MOVES_OF_A_FORK = 64

#: What only holds when the work has failed.
_FAILED = (
    r"result\.failed|not result\.success|result\.success is false|result\.status == ['\"]failed['\"]"
    r"|(result\.)?error(\.\w+)?|(result\.)?error is not none|(result\.)?error\.\w+ (==|in) .*"
)


class Fork(msgspec.Struct):
    """What the branches of one fork reach.

    `owner` is the branch that came to a step first; `meetings` are the steps that another branch came to as well.
    `predecessors` are the steps from which a step was come to.
    """

    place: str
    owner: dict[int, int] = msgspec.field(default_factory=dict)
    meetings: dict[int, None] = msgspec.field(default_factory=dict)
    predecessors: dict[int, list[int]] = msgspec.field(default_factory=dict)

    def leading_to(self, ends: list[int]) -> list[int]:
        """The steps from which one of `ends` is reached without a change of owner, `ends` themselves included."""
        found = dict.fromkeys(ends)
        todo = list(ends)
        while todo:
            step = todo.pop()
            for previous in self.predecessors.get(step, ()):
                if previous not in found and self.owner[previous] == self.owner[step]:
                    found[previous] = None
                    todo.append(previous)
        return sorted(found)

    def leading_into(self, meeting: int) -> list[int]:
        """The steps of all branches from which the meeting is reached."""
        return self.leading_to(list(dict.fromkeys(self.predecessors.get(meeting, ()))))


def forks_of(flow: Flow) -> Iterator[Fork]:
    """All forks that can happen: cases that move to several steps, and a start at several."""
    forks = [
        (step, flow.targets(case))
        for step, live in zip(flow.steps, flow.live, strict=True)
        if step.index in flow.reached
        for case in live
        if len(case.moves) > 1
    ]
    if not forks and len(flow.start) < 2:
        return
    onward = [
        [target for case in live if not _is_for_failure(case) for target in flow.targets(case)] for live in flow.live
    ]
    bound = max(_MOVES_OF_A_FORK, _MOVES // (len(forks) + 1))
    if len(flow.start) > 1:
        yield _follow(Fork("the start"), None, flow.start, onward, bound)
    for step, targets in forks:
        yield _follow(Fork(f"step '{step.name}'"), step.index, targets, onward, bound)


def _follow(fork: Fork, origin: int | None, branches: list[int], onward: list[list[int]], bound: int) -> Fork:
    queue: deque[tuple[int | None, int, int]] = deque((None, branch, step) for branch, step in enumerate(branches))
    while queue and bound > 0:
        bound -= 1
        previous, branch, step = queue.popleft()
        if step == origin:
            continue
        if previous is not None:
            fork.predecessors.setdefault(step, []).append(previous)
        if step not in fork.owner:
            fork.owner[step] = branch
            queue.extend((step, branch, target) for target in onward[step])
        elif fork.owner[step] != branch:
            fork.meetings[step] = None
    return fork


def _is_for_failure(case: Case) -> bool:
    """Whether it plainly fires only after a failure: a handler that branches share may well run once for each."""
    if case.condition is None or not case.reads_outcome:
        return False
    condition = case.condition.source.strip().removeprefix("{{").removesuffix("}}")
    if re.search(r"\b(or|if)\b", condition):
        return False
    return any(re.fullmatch(_FAILED, part.strip()) for part in condition.split(" and "))
