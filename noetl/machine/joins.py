"""Joins: when the tokens that have arrived at a step may go on, and the one token that they become."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from noetl.machine.branches import add_token, order, remove_token, unpark
from noetl.machine.merging import Conflict, merge_known, merge_views, sink
from noetl.machine.state import ROOT, Fork, Phase, Run, Token
from noetl.machine.view import View, common_layer
from noetl.model.playbook import Join, Step

#: A branch of a fork: where a token is, from the outermost fork to its own.
Membership = list[tuple[Fork, int]]

#: How views over a base become one.
Merging = Callable[[list[View], View | None], View]

_MARK = re.compile("~[0-9a-f]{12}$")


def can_still_come(run: Run, step: Step) -> bool:
    """Whether a token that can move can reach the step."""
    reaching = run.playbook.reaching(step.index)
    for index in run.running_at:
        if reaching >> index & 1:
            return True
    return any(index == step.index or reaching >> index & 1 for index in run.arriving_at)


def ready_join(run: Run) -> list[Token] | None:
    """The arrivals of the `all` join to fire next, of those that no moving token can reach.

    The one whose arrivals share the innermost fork goes first, and of several such one that no other of them leads to.
    """
    ready = [
        run.playbook.step_list[index]
        for index, parked in run.parked.items()
        if parked and run.playbook.step_list[index].join is Join.ALL
    ]
    found: list[tuple[int, bool, tuple[int, ...], list[Token]]] = []
    for step in ready:
        if not can_still_come(run, step):
            arrivals = sorted(run.parked[step.index], key=order)
            reaching = run.playbook.reaching(step.index)
            later = any(other is not step and reaching >> other.index & 1 for other in ready)
            found.append((-_shared_forks(arrivals), later, order(arrivals[0]), arrivals))
    return min(found, key=lambda entry: entry[:3])[3] if found else None


def _shared_forks(arrivals: list[Token]) -> int:
    """How many forks all of them are in, in whatever branches."""
    chains = [[fork for fork, _ in membership(token)] for token in arrivals]
    return sum(1 for level in zip(*chains, strict=False) if all(fork is level[0] for fork in level))


def unmet_join(run: Run) -> tuple[Step, list[Token]] | None:
    """A join that waits for more arrivals than can still come, and those it has."""
    for index, parked in run.parked.items():
        step = run.playbook.step_list[index]
        if parked and type(step.join) is int and not can_still_come(run, step):
            return step, parked
    return None


def same_fork(run: Run, token: Token) -> list[Token]:
    """Those parked at the token's step that came from the innermost fork that it is in."""
    return [other for other in run.parked.get(token.step.index, ()) if other.fork is token.fork]


def membership(token: Token) -> Membership:
    found: Membership = []
    fork, branch = token.fork, token.branch
    while fork is not None:
        found.append((fork, branch))
        branch = fork.branch
        fork = fork.parent
    found.reverse()
    return found


def common_membership(arrivals: list[Token]) -> Membership:
    first, *others = map(membership, arrivals)
    shared = len(first)
    for other in others:
        shared = min(shared, len(other))
        while first[:shared] != other[:shared]:
            shared -= 1
    return first[:shared]


def rest_of_fork(run: Run, fork: Fork) -> list[Token]:
    """The tokens that are in one of the fork's branches, however deep."""
    return [token for token in run.tokens.values() if any(outer is fork for outer, _ in membership(token))]


def _parting(arrivals: list[Token], leave_fork: bool) -> tuple[Membership, Fork | None]:
    """What the arrivals are still in together, and the fork in which they parted."""
    chains = [membership(token) for token in arrivals]
    shared = common_membership(arrivals)
    if leave_fork and shared and all(len(chain) == len(shared) for chain in chains):
        shared = shared[:-1]
    deeper = next((chain for chain in chains if len(chain) > len(shared)), None)
    return shared, None if deeper is None else deeper[len(shared)][0]


def joined_path(arrivals: list[Token], *, leave_fork: bool) -> str:
    """The path of the token that leaves the join: the common prefix, and a mark of what came together.

    The mark keeps apart two tokens that leave different joins of one fork: their idempotency keys must differ.
    """
    if len(arrivals) == 1 and not leave_fork:
        return arrivals[0].id
    _, parted = _parting(arrivals, leave_fork)
    head = _MARK.sub("", arrivals[0].id if parted is None else parted.origin).removesuffix(ROOT)
    mark = hashlib.sha256("\n".join([arrivals[0].step.name, *(token.id for token in arrivals)]).encode()).hexdigest()
    return f"{head}~{mark[:12]}"


def join(run: Run, arrivals: list[Token], *, leave_fork: bool) -> tuple[Token, Conflict | None]:
    """Replace the arrivals, in branch order, by one token at their step.

    `leave_fork` takes it out of their innermost fork.
    """
    first = arrivals[0]
    if len(arrivals) == 1 and not leave_fork:
        unpark(run, first)
        return first, None
    step = first.step
    if leave_fork and first.fork is not None:
        first.fork.arrivals[step.index] = first.fork.arrivals.get(step.index, 0) + 1
    shared, parted = _parting(arrivals, leave_fork)
    path = joined_path(arrivals, leave_fork=leave_fork)
    for token in arrivals:
        remove_token(run, token)

    outer = shared[-1][0] if shared else None
    conflicts: list[Conflict] = []

    def merged_view(views: list[View], base: View | None) -> View:
        view, conflict = merge_views(views, base, step.merge)
        if conflict is not None:
            conflicts.append(conflict)
        return view

    view = _together(arrivals, len(shared), _view_of, merged_view)
    known = _together(arrivals, len(shared), _known_of, merge_known)
    turn_fork, turn_branch = first.turn_fork, first.turn_branch
    while turn_fork is not None and turn_fork.alive == 0:
        # Nobody else is left of that fork, so nobody can be compared with it any more.
        turn_branch = turn_fork.turn_branch
        turn_fork = turn_fork.turn_fork
    if parted is None or parted.alive == 0:
        view = sink(view, run.base if outer is None else outer.view)
        known = sink(known, None if outer is None else outer.known)

    token = Token(path, step, view, known)
    if shared:
        token.fork, token.branch = shared[-1]
    token.turn_fork, token.turn_branch = turn_fork, turn_branch
    token.result, token.results = arrivals[-1].result, arrivals[-1].results
    token.error = _latest([a.error for a in arrivals], parted.error if parted is not None else None)
    token.last_error = _latest([a.last_error for a in arrivals], parted.last_error if parted is not None else None)
    token.phase = Phase.ARRIVED
    add_token(run, token)
    return token, conflicts[0] if conflicts else None


def _view_of(holder: Token | Fork) -> View:
    return holder.view


def _known_of(holder: Token | Fork) -> View:
    return holder.known


def _together(
    tokens: list[Token],
    level: int,
    of: Callable[[Token | Fork], View],
    merge: Merging,
) -> View:
    """The layers of all tokens as one view, inner forks first: what a branch had before it forked is its own, once."""
    parts: dict[Fork | Token, list[Token]] = {}
    for token in tokens:
        chain = membership(token)
        parts.setdefault(chain[level][0] if len(chain) > level else token, []).append(token)
    views = [
        of(holder) if isinstance(holder, Token) else _of_fork(holder, members, level, of, merge)
        for holder, members in parts.items()
    ]
    return views[0] if len(views) == 1 else merge(views, common_layer(views))


def _of_fork(
    fork: Fork,
    tokens: list[Token],
    level: int,
    of: Callable[[Token | Fork], View],
    merge: Merging,
) -> View:
    branches: dict[int, list[Token]] = {}
    for token in tokens:
        branches.setdefault(membership(token)[level][1], []).append(token)
    views = [_together(members, level + 1, of, merge) for members in branches.values()]
    return views[0] if len(views) == 1 else merge(views, of(fork))


def _latest(errors: list[dict[str, object] | None], before: dict[str, object] | None) -> dict[str, object] | None:
    changed = [error for error in errors if error is not before]
    return changed[-1] if changed else before
