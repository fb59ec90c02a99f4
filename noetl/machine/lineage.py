"""Whose work is whose: what has been completed in the branch that a token is in.

A token that a join has let go before all others of a fork came is in that fork no more; what those have done who are
still in it is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from noetl.machine.state import Compensation, Fork, Run, Status, Token


def unite(arrivals: Sequence[Token], outer: Fork | None) -> None:
    """The branches inside of `outer` that a join takes its arrivals from count as one from here on."""
    seen: dict[Fork, int] = {}
    for token in arrivals:
        for fork, branch in _around(token.turn_fork, token.turn_branch):
            if fork is outer:
                break
            branch = _first(fork, branch)
            fork.united[branch] = seen.setdefault(fork, branch)


def undoable(run: Run, token: Token) -> list[int]:
    """The numbers of what the token's branch has completed and nobody has begun to undo, oldest first."""
    own = dict(_around(token.turn_fork, token.turn_branch))
    return [
        found.number
        for found in run.compensations
        if found.status is Status.PENDING and found.cause is None and _is_of(token, own, found)
    ]


def _is_of(token: Token, own: Mapping[Fork, int], found: Compensation) -> bool:
    for fork, branch in _around(found.fork, found.branch):
        if fork is token.fork:
            return branch == token.branch
        # The token has left this fork, or has never been in it.
        if fork in own:
            others, mine = fork.alive > 1, _first(fork, branch) == _first(fork, own[fork])
        else:
            others, mine = fork.alive > 0, branch in fork.united
        if others and not mine:
            return False
    return token.fork is None


def _around(fork: Fork | None, branch: int) -> Iterator[tuple[Fork, int]]:
    """Branches, each inside the one that comes after."""
    while fork is not None:
        yield fork, branch
        branch = fork.turn_branch
        fork = fork.turn_fork


def _first(fork: Fork, branch: int) -> int:
    """The branch that stands for all those that it has met."""
    while (before := fork.united.get(branch, branch)) != branch:
        branch = before
    return branch
