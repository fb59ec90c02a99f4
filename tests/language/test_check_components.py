"""Cycles in graphs of any shape and size."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from noetl.language.checks.components import cyclic_components, shortest_cycle


def _reached(successors: list[list[int]], start: int) -> set[int]:
    """What is reached from a node in one move or more."""
    found: set[int] = set()
    todo = list(successors[start])
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo.extend(successors[node])
    return found


@st.composite
def _graphs(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(1, 12))
    return draw(st.lists(st.lists(st.integers(0, size - 1), max_size=4), min_size=size, max_size=size))


@given(_graphs())
def test_a_cyclic_component_is_all_nodes_that_reach_each_other(successors: list[list[int]]) -> None:
    reached = [_reached(successors, node) for node in range(len(successors))]
    expected = {
        tuple(other for other in range(len(successors)) if other in reached[node] and node in reached[other])
        for node in range(len(successors))
        if node in reached[node]
    }
    assert cyclic_components(successors) == sorted(map(list, expected))


@given(_graphs())
def test_a_shortest_cycle_stays_within_its_component(successors: list[list[int]]) -> None:
    for component in cyclic_components(successors):
        for start in component:
            cycle = shortest_cycle(successors, start, set(component))
            assert cycle[0] == cycle[-1] == start
            assert set(cycle) <= set(component)
            assert all(target in successors[node] for node, target in pairwise(cycle))
            assert len(set(cycle)) == len(cycle) - 1


def test_a_cycle_may_be_longer_than_any_stack() -> None:
    size = 100_000
    successors = [[(node + 1) % size] for node in range(size)]
    assert cyclic_components(successors) == [list(range(size))]
    assert len(shortest_cycle(successors, 7, set(range(size)))) == size + 1
