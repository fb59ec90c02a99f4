"""From a playbook to its graph: what its text alone says, whether or not it ever ran."""

from __future__ import annotations

import re
from dataclasses import replace

from noetl.drawing.graph import FAILS, STOPS, Edge, Graph, Node, NodeKind, Route
from noetl.drawing.wording import (
    at_once,
    bare,
    condition,
    plain,
    sentence,
    step_marks,
    whole_condition,
    work_lines,
)
from noetl.language.checks.flow import Flow, live_cases
from noetl.model.playbook import ActionCall, Block, Case, Playbook, Step

_START = "start"

#: Actions after which there is nothing more, and what the end is called then.
_FATAL = {"fail": FAILS, "stop": STOPS}

#: Work that is not skipped has one of them.
_OUTCOMES = {"result.success", "result.failed"}

_PATH = re.compile(r"[\w.]+")


def graph_of(playbook: Playbook) -> Graph:
    """The steps and the ways between them, in the order of the text."""
    return _Builder(playbook).graph()


class _Builder:
    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook
        self._reached = Flow(playbook).reached
        self._nodes: list[Node] = [Node(id=_START, kind=NodeKind.START, about=f"playbook '{playbook.name}' starts")]
        self._edges: list[Edge] = []
        self._ends: set[str] = set()

    def graph(self) -> Graph:
        playbook = self._playbook
        self._branches(_START, playbook.start, playbook.parallel, Route("", None))
        for step in playbook.step_list:
            self._step(step)
        return Graph(
            name=plain(playbook.name),
            subtitle=plain(playbook.description or ""),
            nodes=tuple(self._nodes),
            edges=tuple(self._edges),
        )

    def _step(self, step: Step) -> None:
        reached = step.index in self._reached
        marks = step_marks(step)
        if not reached:
            marks = (*marks, "never reached")
        lines = () if step.work is None else work_lines(step.work)
        self._nodes.append(
            Node(
                id=f"s{step.index}",
                kind=NodeKind.STEP,
                title=step.name,
                lines=lines,
                marks=marks,
                about=sentence((f"step '{step.name}'", plain(step.description or ""), *lines, *marks)),
                reached=reached,
                of=(step.name, None),
            )
        )
        live = {case.number for case in live_cases(step)}
        for case in step.cases:
            self._case(step, case, dead=case.number not in live)
        self._end_otherwise(step)

    def _case(self, step: Step, case: Case, *, dead: bool) -> None:
        text = "" if case.condition is None else condition(case.condition)
        if len(step.cases) > 1 or text:
            text = f"{case.number}: {text or 'default'}"
        whole = "always true" if case.condition is None else whole_condition(case.condition)
        about = f"case {case.number} of step '{step.name}': {whole}" + (" (it can never fire)" if dead else "")
        edge = Edge(
            source=f"s{step.index}",
            target="",
            label=text,
            about=about,
            route=Route(step.name, case.number),
            dead=dead,
        )
        if case.moves:
            self._branches(edge.source, case.moves, step.parallel, edge.route, edge)
        elif case.work is None:
            self._edges.append(replace(edge, target=self._end_of(step)))
        else:
            self._case_work(step, case, case.work, edge)

    def _branches(
        self, source: str, names: tuple[str, ...], bound: int, route: Route, edge: Edge | None = None
    ) -> None:
        """The ways to some steps: straight to one, to several through a fork."""
        edge = edge or Edge(source=source, target="", route=route)
        targets = [f"s{self._playbook.steps[name].index}" for name in names]
        if len(targets) == 1:
            self._edges.append(replace(edge, target=targets[0]))
            return
        fork = f"f{source}_{route.case or 0}"
        how = at_once(bound)
        self._edges.append(replace(edge, target=fork))
        self._nodes.append(
            Node(
                id=fork,
                kind=NodeKind.FORK,
                title=how,
                about=plain(f"a fork of {len(names)} branches, {how}: {', '.join(names)}"),
                reached=not edge.dead,
                of=(route.step, route.case),
            )
        )
        for branch, target in enumerate(targets):
            self._edges.append(Edge(source=fork, target=target, route=route._replace(branch=branch), dead=edge.dead))

    def _case_work(self, step: Step, case: Case, work: Block, edge: Edge) -> None:
        node, of = f"w{step.index}_{case.number}", (step.name, case.number)
        lines = work_lines(work)
        about = f"case {case.number} of step '{step.name}' does this, and its branch ends: {', '.join(lines)}"
        self._nodes.append(Node(id=node, kind=NodeKind.WORK, lines=lines, about=about, of=of, reached=not edge.dead))
        self._edges.append(replace(edge, target=node))
        end = self._end(f"e{step.index}_{case.number}", _fate(work), of)
        self._edges.append(Edge(source=node, target=end, route=edge.route, dead=edge.dead))

    def _end_otherwise(self, step: Step) -> None:
        """The branch ends where no case matches, unless one always does."""
        if step.cases and _always_matches(step):
            return
        if step.cases:
            label, about, end = "otherwise", f"no case of step '{step.name}' matches", self._end_of(step)
        else:
            fate = "" if step.work is None else _fate(step.work)
            label, about, end = "", "", self._end(f"e{step.index}", fate, (step.name, None))
        self._edges.append(
            Edge(
                source=f"s{step.index}",
                target=end,
                label=label,
                about=about,
                route=Route(step.name, None),
                otherwise=bool(step.cases),
            )
        )

    def _end_of(self, step: Step) -> str:
        """Where branches end in a step; there is one such place."""
        return self._end(f"e{step.index}", "", (step.name, None))

    def _end(self, end: str, fate: str, of: tuple[str, int | None]) -> str:
        if end not in self._ends:
            self._ends.add(end)
            self._nodes.append(Node(id=end, kind=NodeKind.END, title=fate, about=fate or "the branch ends", of=of))
        return end


def _fate(work: Block) -> str:
    """What ends with the work, where that is more than the branch."""
    last = work.run[-1] if work.run else None
    if isinstance(last, ActionCall) and last.when is None:
        return _FATAL.get(last.action, "")
    return ""


def _always_matches(step: Step) -> bool:
    """Whether some case fires whatever happens, as far as that can be read from the text."""
    if any(case.condition is None for case in step.cases):
        return True
    asked = {bare(case.condition) for case in step.cases if case.condition is not None}
    if any(f"not {text}" in asked for text in asked if _PATH.fullmatch(text)):
        return True
    skippable = step.work is not None and step.work.when is not None
    return asked >= _OUTCOMES and not skippable
