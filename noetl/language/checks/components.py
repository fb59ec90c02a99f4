"""Strongly connected components of a graph of any size and depth."""

from __future__ import annotations

from collections.abc import Sequence


def cyclic_components(successors: Sequence[Sequence[int]]) -> list[list[int]]:
    """The components that hold a cycle, each in the order of its nodes' numbers (Tarjan, without recursion)."""
    unseen = -1
    order = [unseen] * len(successors)
    low = [0] * len(successors)
    on_path = bytearray(len(successors))
    path: list[int] = []
    found: list[list[int]] = []
    count = 0
    for root in range(len(successors)):
        if order[root] != unseen:
            continue
        todo = [(root, 0)]
        while todo:
            node, edge = todo.pop()
            if edge == 0:
                order[node] = low[node] = count
                count += 1
                path.append(node)
                on_path[node] = 1
            else:
                low[node] = min(low[node], low[successors[node][edge - 1]])
            targets = successors[node]
            while edge < len(targets):
                target = targets[edge]
                edge += 1
                if order[target] == unseen:
                    todo += [(node, edge), (target, 0)]
                    break
                if on_path[target]:
                    low[node] = min(low[node], order[target])
            else:
                if low[node] == order[node]:
                    component = _pop_component(path, on_path, node)
                    if len(component) > 1 or node in targets:
                        found.append(component)
    return sorted(found)


def _pop_component(path: list[int], on_path: bytearray, root: int) -> list[int]:
    component = []
    while True:
        node = path.pop()
        on_path[node] = 0
        component.append(node)
        if node == root:
            return sorted(component)


def shortest_cycle(successors: Sequence[Sequence[int]], start: int, within: set[int]) -> list[int]:
    """A shortest way from `start` back to it, over nodes of its component `within`; ends with `start` again."""
    came_from: dict[int, int] = {}
    frontier = [start]
    while frontier:
        reached = []
        for node in frontier:
            for target in successors[node]:
                if target == start:
                    return _trace(came_from, start, node)
                if target in within and target not in came_from:
                    came_from[target] = node
                    reached.append(target)
        frontier = reached
    raise ValueError(f"no cycle through {start}")


def _trace(came_from: dict[int, int], start: int, last: int) -> list[int]:
    cycle = [start]
    node = last
    while node != start:
        cycle.append(node)
        node = came_from[node]
    return [start, *reversed(cycle)]
