"""Joins: when the tokens that have arrived at a step may go on, and the one token that they become."""

from __future__ import annotations

import hashlib
import re

from noetl.machine.branches import Membership, add_token, membership, order, remove_token, unpark
from noetl.machine.gathering import gather
from noetl.machine.lineage import unite
from noetl.machine.merging import Conflict, sink
from noetl.machine.state import ROOT, Fork, Phase, Run, Token
from noetl.model.playbook import Join, Step

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
    unite(arrivals, outer)
    gathered, conflict = gather(arrivals, len(shared), step.merge)
    view, known = gathered.view, gathered.known
    turn_fork, turn_branch = first.turn_fork, first.turn_branch
    while turn_fork is not None and turn_fork is not outer and turn_fork.alive == 0:
        # It has left that fork, and nobody else is left of it to be compared with.
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
    token.error, token.last_error = gathered.error, gathered.last_error
    token.phase = Phase.ARRIVED
    add_token(run, token)
    return token, conflict
