"""Bringing views together again: at a join, among the parallel items of a run, and for the outputs (language.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from noetl.machine.branches import order
from noetl.machine.state import ROOT, Known, Run, Token
from noetl.machine.view import View
from noetl.model.playbook import Merge


class Conflict:
    """Two branches that set one variable to different values, and where."""

    __slots__ = ("first", "name", "second")

    def __init__(self, name: str, first: str, second: str) -> None:
        self.name = name
        self.first = first
        self.second = second

    @property
    def message(self) -> str:
        places = " and ".join(f"'{place}'" for place in (self.first, self.second) if place)
        where = f" in {places}" if places else ""
        return f"variable '{self.name}' was set to different values{where}"


def merge_views(views: Sequence[View], base: View | None, mode: Merge) -> tuple[View, Conflict | None]:
    """One layer over `base` with what the views, in branch order, changed since; the first conflict, if `mode` asks.

    Names in conflict keep the value that `base` has.
    """
    merged = View(base)
    conflict: Conflict | None = None
    disputed: set[str] = set()
    collected: dict[str, list[Any]] = {}
    for view in views:
        for name, value in view.changes(base).items():
            collected.setdefault(name, []).append(value)
            place = view.place(name)
            if mode is Merge.CONFLICT and name in merged.own and not _same(merged.own[name], value):
                disputed.add(name)
                conflict = conflict or Conflict(name, merged.places.get(name, ""), place)
                continue
            merged.own[name] = value
            merged.places[name] = place
    if mode is Merge.COLLECT:
        merged.own.update({name: values for name, values in collected.items() if len(values) > 1})
    for name in disputed:
        del merged.own[name]
    return merged, conflict


def _same(first: Any, second: Any) -> bool:
    """Whether two values are the same JSON; to Python 1 and True are equal, too."""
    if first is second:
        return True
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)


def merge_known(views: Sequence[View], base: View | None) -> View:
    """What the branches know of steps: the last in branch order wins, and the greatest count of visits."""
    merged = View(base)
    for view in views:
        for name, known in view.changes(base).items():
            before = merged.get(name)
            visits = known.visits if before is None else max(before.visits, known.visits)
            merged.own[name] = known if visits == known.visits else Known(known.row, known.result, visits)
    return merged


def sink(view: View, onto: View | None) -> View:
    """The same variables as one layer over `onto`, an older layer of the view: so that cycles of forks stay shallow."""
    sunk = View(onto)
    for layer in view.layers(onto):
        sunk.own.update(layer.own)
        sunk.places.update(layer.places)
    return sunk


def final_token(run: Run) -> Token:
    """What the outputs see: all that was set over the initial variables, and all that is known of steps.

    By ended branches and by those still alive; the last in order wins.
    """
    tokens = [*run.ended, *((order(token), token) for token in run.tokens.values() if token.parent is None)]
    tokens.sort(key=lambda entry: entry[0])
    view, known = View(run.base), View()
    for layer in _each_once(token.view for _, token in tokens):
        if layer is not run.base:
            view.own.update(layer.own)
    for layer in _each_once(token.known for _, token in tokens):
        known.own.update(layer.own)
    final = Token(ROOT, run.playbook.step_list[0], view, known)
    if tokens:
        last = tokens[-1][1]
        final.result, final.results = last.result, last.results
        final.error, final.last_error = last.error, last.last_error
    return final


def _each_once(views: Iterable[View]) -> Iterable[View]:
    seen: set[int] = set()
    for view in views:
        for layer in view.layers():
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
