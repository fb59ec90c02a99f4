"""What several checks need to know of a playbook, found once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from noetl.language.checks.places import Places
from noetl.language.checks.sites import Site, Write, all_sites, sets_unknown_names, writes_of
from noetl.language.checks.uses import Use, all_uses
from noetl.model.expression import Expression
from noetl.model.playbook import Playbook, TaskCall


class TaskUse(msgspec.Struct, frozen=True, gc=False):
    """A call of a task, and where it stands."""

    call: TaskCall
    site: Site


class Survey:
    """A playbook with its work, its expressions, and the names that can exist."""

    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook

    @cached_property
    def sites(self) -> list[Site]:
        return all_sites(self.playbook)

    @cached_property
    def uses(self) -> list[Use]:
        return list(all_uses(self.playbook, self.sites))

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        """All expressions, those that are rendered before the run included."""
        playbook = self.playbook
        at_start = (*playbook.environment.values(), *playbook.context.values())
        return (
            *(expression for template in at_start for expression in template.expressions),
            *(use.expression for use in self.uses),
        )

    @cached_property
    def places(self) -> Places:
        return Places(self.playbook.source)

    @cached_property
    def calls(self) -> Mapping[str, list[TaskUse]]:
        """The calls of each task."""
        found: dict[str, list[TaskUse]] = {name: [] for name in self.playbook.tasks}
        for site in self.sites:
            if isinstance(site.work, TaskCall) and site.work.task in found:
                found[site.work.task].append(TaskUse(site.work, site))
        return found

    @cached_property
    def writes(self) -> list[tuple[Site, Write]]:
        """All places that set a variable."""
        return [(site, write) for site in self.sites for write in writes_of(site.work)]

    @cached_property
    def variables(self) -> frozenset[str]:
        """The names of all variables that `context`, `as` and `set` can make."""
        return frozenset(self.playbook.context).union([write.name for _, write in self.writes])

    @cached_property
    def any_variable_may_exist(self) -> bool:
        """Whether some `set` takes its names from an expression."""
        return any(sets_unknown_names(site.work) for site in self.sites)

    @cached_property
    def arguments(self) -> Mapping[str, frozenset[str]]:
        """The arguments of each task: those with a default, and those that some call gives."""
        return {
            name: frozenset(task.args).union(*(use.call.args for use in self.calls[name]))
            for name, task in self.playbook.tasks.items()
        }

    @cached_property
    def task_names(self) -> Mapping[str, frozenset[str]]:
        """The names that can exist in each task beside the run's.

        They are its arguments, the loop variables of its calls, and in a fallback what exists where that stands.
        """
        found = {name: set(arguments) for name, arguments in self.arguments.items()}
        heirs: dict[str, list[str]] = {name: [] for name in found}
        for name, uses in self.calls.items():
            for use in uses:
                if use.call.loop is not None:
                    found[name].add(use.call.loop.name)
                if use.site.is_fallback:
                    found[name] |= use.site.loops
                    if use.site.task is not None:
                        heirs[use.site.task].append(name)
        todo = [name for name in found if heirs[name]]
        while todo:
            name = todo.pop()
            for heir in heirs[name]:
                if not found[name] <= found[heir]:
                    found[heir] |= found[name]
                    todo.append(heir)
        return {name: frozenset(names) for name, names in found.items()}

    def names_at(self, use: Use) -> frozenset[str]:
        """The names that exist where an expression stands, beside the run's."""
        return use.bound if use.task is None else use.bound | self.task_names[use.task]

    def names_within(self, site: Site) -> frozenset[str]:
        """The names that exist within a piece of work, beside the run's."""
        return site.inner_loops if site.task is None else site.inner_loops | self.task_names[site.task]
