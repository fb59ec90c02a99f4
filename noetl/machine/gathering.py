"""Brings the arrivals at a join together, inner forks first: what a branch had before it forked is its own, once."""

from __future__ import annotations

from noetl.machine.branches import Membership, membership
from noetl.machine.merging import Conflict, merge_known, merge_views
from noetl.machine.result import Error
from noetl.machine.state import Fork, Token
from noetl.machine.view import common_layer
from noetl.model.playbook import Merge


class Gathered:
    """One arrival, or what several have become: what it set and knows, seen from `depth` forks inside."""

    __slots__ = ("chain", "depth", "error", "known", "last_error", "position", "view")

    def __init__(self, token: Token, position: int) -> None:
        self.position = position
        self.chain: Membership = membership(token)
        self.depth = len(self.chain)
        self.view = token.view
        self.known = token.known
        self.error = token.error
        self.last_error = token.last_error

    @property
    def fork(self) -> Fork | None:
        """The fork that it is in, at its depth."""
        return self.chain[self.depth - 1][0] if self.depth else None

    @property
    def branch(self) -> int:
        return self.chain[self.depth - 1][1] if self.depth else 0


def gather(arrivals: list[Token], level: int, mode: Merge) -> tuple[Gathered, Conflict | None]:
    """What the arrivals, in branch order, are together, seen from inside `level` forks; and the first conflict."""
    conflicts: list[Conflict] = []
    levels: dict[int, list[Gathered]] = {}
    for position, token in enumerate(arrivals):
        found = Gathered(token, position)
        levels.setdefault(found.depth, []).append(found)
    for depth in range(max(levels), level, -1):
        for members in _by_fork(levels.pop(depth, [])).values():
            fork = members[0].fork
            assert fork is not None
            branches = [_merge(same, None, mode, conflicts) for same in _by_branch(members).values()]
            merged = _merge(branches, fork, mode, conflicts)
            merged.depth = depth - 1
            levels.setdefault(depth - 1, []).append(merged)
    remaining = sorted(levels[level], key=lambda one: one.position)
    return _merge(remaining, None, mode, conflicts), conflicts[0] if conflicts else None


def _by_fork(gathered: list[Gathered]) -> dict[Fork | None, list[Gathered]]:
    found: dict[Fork | None, list[Gathered]] = {}
    for one in gathered:
        found.setdefault(one.fork, []).append(one)
    return found


def _by_branch(gathered: list[Gathered]) -> dict[int, list[Gathered]]:
    found: dict[int, list[Gathered]] = {}
    for one in sorted(gathered, key=lambda one: (one.branch, one.position)):
        found.setdefault(one.branch, []).append(one)
    return found


def _merge(several: list[Gathered], fork: Fork | None, mode: Merge, conflicts: list[Conflict]) -> Gathered:
    """Several become the first of them. They parted in `fork`; None: in one whose branches joined in part since."""
    first = several[0]
    if len(several) == 1:
        return first
    views = [one.view for one in several]
    knowns = [one.known for one in several]
    base, known = (fork.view, fork.known) if fork is not None else (common_layer(views), common_layer(knowns))
    first.view, conflict = merge_views(views, base, mode)
    if conflict is not None:
        conflicts.append(conflict)
    first.known = merge_known(knowns, known)
    first.error = _latest([one.error for one in several], None if fork is None else fork.error)
    first.last_error = _latest([one.last_error for one in several], None if fork is None else fork.last_error)
    return first


def _latest(errors: list[Error | None], before: Error | None) -> Error | None:
    """The last error that is not the one from before."""
    changed = [error for error in errors if error is not before]
    return changed[-1] if changed else before
