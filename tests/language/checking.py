"""Playbooks as short texts for the tests of the whole-playbook check, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from noetl.actions.http import HttpHandler
from noetl.errors import Problem, sort_problems
from noetl.language import ActionShape, parse
from noetl.language.check import check
from noetl.model.playbook import Later, Playbook
from noetl.span import Source

HEADER = "apiVersion: noetl.io/v1\nkind: Playbook\nname: checked\n"


def _shape(*keys: str, program_text: str = "", later: Mapping[str, Later] | None = None) -> ActionShape:
    schema = {"type": "object", "properties": {key: {} for key in keys}}
    return ActionShape(schema=schema, program_text=frozenset(program_text.split()), later=later or {})


ACTIONS = {
    "http": _shape("method", "url", "params", "headers", "json", "body", "auth", "paginate", later=HttpHandler.later),
    "playbook": _shape("path", "name", "inputs", "secrets", "detach"),
    "postgres": _shape("connection", "query", "params", "queries", "script", "fetch", "copy_from", "copy_to"),
    "python": _shape("code", "function", "file", "args", program_text="code"),
    "shell": _shape("cmd", "env", "cwd", "stdin", "expect", "output", "max_output"),
}


def read(body: str) -> tuple[Playbook, list[Problem]]:
    """A playbook of this body, whose first line is line 4, and the problems of its shape."""
    playbook, problems = parse(Source("p.yaml", HEADER + dedent(body).lstrip("\n")), ACTIONS)
    assert playbook is not None, problems
    return playbook, problems


def find(body: str, *, strict: bool = False) -> list[Problem]:
    """All problems of a playbook."""
    playbook, problems = read(body)
    return sort_problems([*problems, *check(playbook, strict=strict)])


def found(body: str, *, strict: bool = False) -> list[str]:
    """The code of each problem, with the text that it points at."""
    return [f"{problem.code}: {_pointed_at(problem)}" for problem in find(body, strict=strict)]


def rendered(body: str, *, strict: bool = False) -> str:
    """What `noetl validate` prints."""
    return "".join(f"{problem.render()}\n" for problem in find(body, strict=strict))


def _pointed_at(problem: Problem) -> str:
    start = problem.span.column - 1
    return problem.span.source.line(problem.span.line)[start : start + problem.span.length]
