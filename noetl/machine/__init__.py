"""The interpreter: a run as a pure state machine. It does no I/O, reads no clock and draws no random number.

`decide(run, fact)` turns a fact from outside into events and folds them; `evolve(run, event)` folds one recorded event;
`outstanding(run)` says what has to be going on now (`changed(run)`: what is new of it). There is no other way to
advance a run.
"""

from noetl.machine.decide import decide
from noetl.machine.evolve import evolve
from noetl.machine.facts import ActionEnded, Advance, Cancel, Fact, Pause, Resume, Said, Signal, Start, TimerDue
from noetl.machine.outstanding import Outstanding, RunAction, StopAction, changed, outstanding
from noetl.machine.state import Run, Status

__all__ = [
    "ActionEnded",
    "Advance",
    "Cancel",
    "Fact",
    "Outstanding",
    "Pause",
    "Resume",
    "Run",
    "RunAction",
    "Said",
    "Signal",
    "Start",
    "Status",
    "StopAction",
    "TimerDue",
    "changed",
    "decide",
    "evolve",
    "outstanding",
]
