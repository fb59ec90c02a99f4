"""What a run would do, without doing it: the playbook evaluated as far as it is known before it.

It stands on this floor since it needs what a run needs, the language and the handlers, and must not know who shows the
plan. It carries nothing out: no store is opened, no handler runs, and nobody is asked over a network.
"""

from noetl.runtime.planning.plan import CasePlan, Condition, Plan, Repetition, SecretPlan, StepPlan, Work
from noetl.runtime.planning.planner import make_plan

__all__ = [
    "CasePlan",
    "Condition",
    "Plan",
    "Repetition",
    "SecretPlan",
    "StepPlan",
    "Work",
    "make_plan",
]
