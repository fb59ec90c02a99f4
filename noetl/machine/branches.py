"""Forks and the order of branches: who may move, whose turn it is, and what a token's end means for those around it.

A fork counts what lives in each of its branches; a branch whose count falls to nothing lets the next one start. The
counts by step tell a join whether a token can still come.
"""

from __future__ import annotations

import hashlib

from noetl.machine.state import ROOT, Fork, Phase, Run, Token
from noetl.machine.view import View
from noetl.model.playbook import Step

#: Branches of forks, each inside the one before.
Membership = list[tuple[Fork, int]]

#: A path beyond this many characters is shortened to a digest of its head: a cycle that forks for ever must not grow
#: its tokens for ever.
LONGEST_PATH = 200

# As globals: Python 3.11 is slow to find a member in its enum, and every visit of a step asks for these.
_ARRIVED = Phase.ARRIVED


def child_path(parent: str, element: str) -> str:
    """The path of a branch or item inside another token."""
    if len(parent) > LONGEST_PATH:
        parent = "…" + hashlib.sha256(parent.encode()).hexdigest()[:16]
    return element if parent == ROOT else f"{parent}/{element}"


def add_token(run: Run, token: Token) -> None:
    """A token begins to exist; a pending one does not move yet."""
    run.tokens[token.id] = token
    _alive(token.turn_fork, +1)
    _count(run, run.arriving_at, token.step, +1)
    if token.phase is Phase.PENDING:
        assert token.turn_fork is not None
        token.turn_fork.pending.append(token)
    else:
        _start_moving(run, token.turn_fork, token.turn_branch)
        run.wake(token)


def activate(run: Run, token: Token) -> None:
    """The turn of a pending branch has come."""
    fork = token.turn_fork
    assert fork is not None
    fork.pending.remove(token)
    token.phase = Phase.ARRIVED
    _start_moving(run, fork, token.turn_branch)


def enter_step(run: Run, token: Token) -> None:
    _count(run, run.arriving_at, token.step, -1)
    _count(run, run.running_at, token.step, +1)


def move(run: Run, token: Token, step: Step) -> None:
    """The token goes on to another step, in the same branch."""
    if run.joins:
        _count(run, run.running_at, token.step, -1)
        _count(run, run.arriving_at, step, +1)
    token.step = step
    token.phase = _ARRIVED
    run.wake(token)


def park(run: Run, token: Token) -> None:
    """The token waits at a join for others, and can no longer move."""
    _count(run, run.arriving_at, token.step, -1)
    token.phase = Phase.PARKED
    run.parked.setdefault(token.step.index, []).append(token)
    _stop_moving(run, token.turn_fork, token.turn_branch)


def unpark(run: Run, token: Token) -> None:
    """A parked token is alone at its join: it goes on itself."""
    run.parked[token.step.index].remove(token)
    _count(run, run.arriving_at, token.step, +1)
    token.phase = Phase.ARRIVED
    _start_moving(run, token.turn_fork, token.turn_branch)


def remove_token(run: Run, token: Token) -> None:
    """The token is no more, wherever it was."""
    del run.tokens[token.id]
    run.ready.pop(token.id, None)
    if token.parent is not None:
        return
    if token.phase is Phase.WORKING:
        _count(run, run.running_at, token.step, -1)
    elif token.phase is not Phase.PARKED:
        _count(run, run.arriving_at, token.step, -1)
    if token.phase is Phase.PENDING:
        assert token.turn_fork is not None
        token.turn_fork.pending.remove(token)
        _refresh(run, token.turn_fork)
    elif token.phase is Phase.PARKED:
        run.parked[token.step.index].remove(token)
    else:
        _stop_moving(run, token.turn_fork, token.turn_branch)
    _alive(token.turn_fork, -1)


def split(run: Run, token: Token, steps: list[Step], bound: int) -> None:
    """The token ends and goes on as one branch for each step; at most `bound` of them move at once (0: all)."""
    fork = Fork(token, bound)
    # The fork takes the token's place among the living and moving of the fork around it.
    _count(run, run.running_at, token.step, -1)
    del run.tokens[token.id]
    run.ready.pop(token.id, None)
    for branch, step in enumerate(steps):
        path = child_path(token.id, f"{token.step.name}#{token.visit}.{branch}")
        child = Token(path, step, View(fork.view), View(fork.known))
        child.fork = child.turn_fork = fork
        child.branch = child.turn_branch = branch
        child.result, child.results = token.result, token.results
        child.error, child.last_error = token.error, token.last_error
        if bound and branch >= bound:
            child.phase = Phase.PENDING
        add_token(run, child)
    _alive(token.turn_fork, -1)


def next_branch(run: Run) -> Token | None:
    """The pending branch whose turn it is, if any."""
    while run.startable:
        fork = run.startable[0]
        if fork.pending and fork.active < fork.bound:
            return fork.pending[0]
        run.startable.popleft()
    return None


def membership(token: Token) -> Membership:
    """Where a token is, from the outermost fork to its own."""
    found: Membership = []
    fork, branch = token.fork, token.branch
    while fork is not None:
        found.append((fork, branch))
        branch = fork.branch
        fork = fork.parent
    found.reverse()
    return found


def order(token: Token) -> tuple[int, ...]:
    """The place of a token in the order of branches."""
    found = [token.turn_branch]
    fork = token.turn_fork
    while fork is not None:
        found.append(fork.turn_branch)
        fork = fork.turn_fork
    return tuple(reversed(found))


def _start_moving(run: Run, fork: Fork | None, branch: int) -> None:
    if fork is None:
        return
    count = fork.movable.get(branch, 0)
    fork.movable[branch] = count + 1
    if count == 0:
        fork.active += 1
        _refresh(run, fork)


def _stop_moving(run: Run, fork: Fork | None, branch: int) -> None:
    if fork is None:
        return
    fork.movable[branch] -= 1
    if fork.movable[branch] == 0:
        del fork.movable[branch]
        fork.active -= 1
        if fork.pending:
            run.startable.append(fork)
        _refresh(run, fork)


def _refresh(run: Run, fork: Fork) -> None:
    moving = bool(fork.active or fork.pending)
    if moving != fork.moving:
        fork.moving = moving
        change = _start_moving if moving else _stop_moving
        change(run, fork.turn_fork, fork.turn_branch)


def _alive(fork: Fork | None, by: int) -> None:
    """Count up or down; a fork that has begun counts once in the fork around it."""
    while fork is not None:
        before = fork.alive
        fork.alive += by
        if before and fork.alive:
            return
        fork = fork.turn_fork


def _count(run: Run, counts: dict[int, int], step: Step, by: int) -> None:
    if not run.joins:
        return
    count = counts.get(step.index, 0) + by
    if count:
        counts[step.index] = count
    else:
        del counts[step.index]
