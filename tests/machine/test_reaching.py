"""From where a token can still come to a step: what joins wait for, against the plainest way to find it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from noetl.language import parse
from noetl.model.playbook import Playbook
from noetl.span import Source

#: The steps that each step moves to, and the order in which steps are asked for, which must not matter.
GRAPHS = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        st.lists(st.lists(st.integers(0, size - 1), max_size=3, unique=True), min_size=size, max_size=size),
        st.permutations(range(size)),
    )
)


def playbook_of(successors: list[list[int]]) -> Playbook:
    lines = ["apiVersion: noetl.io/v1", "kind: Playbook", "name: graph", "steps:"]
    for step, targets in enumerate(successors):
        moves = ", ".join(f"{{step: s{target}}}" for target in targets)
        lines.append(f"  - {{name: s{step}, rule: [{{case: default, run: [{moves}]}}]}}")
    playbook, problems = parse(Source("graph.yaml", "\n".join(lines)), {})
    assert playbook is not None
    assert problems == []
    return playbook


def reached_from(start: int, successors: list[list[int]]) -> set[int]:
    """The steps that a token comes to by one move or more."""
    found: set[int] = set()
    todo = [start]
    while todo:
        new = set(successors[todo.pop()]) - found
        found |= new
        todo += new
    return found


@given(GRAPHS)
def test_a_step_is_reached_from_wherever_a_way_leads_to_it(graph: tuple[list[list[int]], list[int]]) -> None:
    successors, order = graph
    playbook = playbook_of(successors)
    for step in order:
        sources = {source for source in range(len(successors)) if step in reached_from(source, successors)}
        assert playbook.reaching(step) == sum(1 << source for source in sources)
