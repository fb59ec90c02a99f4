"""Visits that are over in the instant in which they begin: the step sets variables, and its cases move the token.

The events are those of any other visit, and so is the state after them. But here both are made in one go, several times
faster: long chains of such steps are what a playbook does between the things that take time.
"""

from __future__ import annotations

from noetl.errors import ExpressionError
from noetl.machine import rules, visits
from noetl.machine.branches import move
from noetl.machine.changes import quick
from noetl.machine.decider import Decider
from noetl.machine.state import Phase, Status, Token
from noetl.model.event import Event, Kind
from noetl.model.playbook import Case, Step

# As globals: Python 3.11 is slow to find a member in its enum.
_ARRIVED, _COMPLETED = Phase.ARRIVED, Status.COMPLETED
_STEP_STARTED, _STEP_COMPLETED = Kind.STEP_STARTED, Kind.STEP_COMPLETED


def pass_through(d: Decider, token: Token) -> Token | None:
    """A token has come to an instant step: it passes it, and those that follow, as long as nobody else is ready.

    The token whose visit goes on, where one turns out not to be over in an instant.
    """
    run, scope, events = d.run, d.scope, d.events
    while True:
        step = token.step
        number = run.visits.get(step.name, 0) + 1
        ordinary = token.phase is _ARRIVED and token.outcome is None and number <= step.max_visits
        if not ordinary or len(events) + 2 > d.batch:
            return rules.start(d, token)
        seq, at = run.seq + 1, run.at
        events.append(Event(run.id, seq, at, _STEP_STARTED, step.name, token.id, {"visit": number}))
        run.seq = seq
        visits.begin(run, token, number)
        action = step.quick
        assert action is not None
        template = action.options["values"]
        try:
            values = template.render(scope.at(token, action.place)) if template.expressions else template.value
        except ExpressionError:
            # The long way says where and why, and what the rule makes of it.
            return token
        quick(run, token, values)
        case = _first_true(d, token, step)
        if case is None:
            d.pending.append([token, "quick", values])
            return token if rules.try_cases(d, token) else None
        moves = list(case.moves)
        data = {"case": case.number, "next": moves, "changes": [[None, "quick", values]]}
        events.append(Event(run.id, seq + 1, at, _STEP_COMPLETED, step.name, token.id, data))
        run.seq = seq + 1
        visits.end(run, token, _COMPLETED, data).next = moves
        token.error = None
        following = run.playbook.steps[moves[0]]
        move(run, token, following)
        if len(run.ready) > 1 or len(events) >= d.batch or not following.instant:
            return None
        run.ready.clear()


def _first_true(d: Decider, token: Token, step: Step) -> Case | None:
    """The case that fires; None where there is none, or a condition raises."""
    try:
        for case in step.cases:
            if case.condition is None or case.condition.evaluate(d.scope.at(token, case.place)):
                return case
    except ExpressionError:
        pass
    return None
