"""The table of codes has every code that the source can give, and no other; the page of errors shows the problems."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pages import all_blocks

import noetl
from noetl.codes import ERRORS, PROBLEMS

PACKAGE = Path(noetl.__file__).parent
PAGE = "docs/errors.md"

#: Words with hyphens that are no codes: a runtime, a format, an element of JUnit files, a state of circuits.
NO_CODES = {"in-process", "date-time", "system-out", "half-open"}

#: What is wrong with what a playbook is given, not with its text.
OUTSIDE = {
    "bad-input", "bad-secret", "bad-usage", "missing-input", "no-playbook", "unknown-input", "unknown-secret",
    "unreadable-file",
}  # fmt: skip

#: What makes the error of a run, and which of its arguments is the code.
_MAKERS = {"ActionError": 1, "make_error": 1, "NotFoundError": 0, "Refused": 0}


def _trees(*folders: str) -> Iterator[ast.Module]:
    for folder in folders:
        for file in sorted((PACKAGE / folder).rglob("*.py")):
            yield ast.parse(file.read_text())


def _constants(tree: ast.Module) -> dict[str, str]:
    """The texts that a module's own names stand for."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _texts(node: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]
    elif isinstance(node, ast.Tuple):
        yield from _texts(node.elts[0], constants)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, constants)
        yield from _texts(node.orelse, constants)


def _error_codes() -> set[str]:
    found = {"undefined", "expression", "failed"}
    for tree in _trees("machine", "runtime", "actions", "postgres", "cli"):
        constants = _constants(tree)
        for node in ast.walk(tree):
            for value in _codes_in(node):
                found.update(_texts(value, constants))
    return {code for code in found if re.fullmatch(r"[a-z]+(_[a-z]+)*", code)}


def _codes_in(node: ast.AST) -> Iterator[ast.expr]:
    """The code in a call that makes an error, in a mapping that is one, and in `code = "..."`."""
    if isinstance(node, ast.Call):
        position = _MAKERS.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
        if position is not None and len(node.args) > position:
            yield node.args[position]
    elif isinstance(node, ast.Dict):
        entries = dict(zip((getattr(key, "value", None) for key in node.keys), node.values, strict=True))
        if {"kind", "code", "message"} <= entries.keys():
            yield entries["code"]
    elif isinstance(node, ast.Assign):
        target = node.targets[0]
        first = target.elts[0] if isinstance(target, ast.Tuple) else target
        if isinstance(first, ast.Name) and first.id == "code":
            yield node.value


def _problem_codes() -> set[str]:
    """Every word with hyphens that the source has as a text of its own is a code, or one of NO_CODES."""
    words = {
        node.value
        for tree in _trees("language", "expressions", "runtime", "cli")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {word for word in words if re.fullmatch(r"[a-z]+(-[a-z]+)+", word)} - NO_CODES | {"unsupported"}


def test_every_problem_code_is_explained() -> None:
    codes = _problem_codes()

    assert {"unknown-step", "yaml-syntax", "template-syntax", "missing-input", "unsupported"} <= codes
    assert sorted(PROBLEMS) == sorted(codes)


def test_every_problem_of_a_text_is_shown_in_an_example() -> None:
    shown = {
        code
        for block in all_blocks("yaml")
        if block.page == PAGE
        for codes in re.findall(r"# <- (.+)$", block.text, re.MULTILINE)
        for code in codes.split(", ")
    }

    assert sorted(shown | OUTSIDE) == sorted(_problem_codes())


def test_every_error_code_of_a_run_is_explained() -> None:
    codes = _error_codes()

    assert {"timeout", "max_visits", "exit_code", "worker_died", "defect"} <= codes
    assert sorted(ERRORS) == sorted(codes)
