"""Whether this machine has what noetl, and a playbook, need: a look that changes nothing and asks no network.

It stands on this floor since it needs the handlers, the store and the planning of runs, and must not know who shows it.
"""

from noetl.runtime.doctor.event_log import examine_event_log
from noetl.runtime.doctor.finding import Finding, State
from noetl.runtime.doctor.installation import examine_installation
from noetl.runtime.doctor.needs import examine_needs

__all__ = ["Finding", "State", "examine_event_log", "examine_installation", "examine_needs"]
