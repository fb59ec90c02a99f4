"""The modules that a Python program imports, and whether they can be: found without importing or running anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

#: A longer program is not looked into.
_LONGEST = 1 << 20


def modules_of_file(path: Path) -> list[str]:
    """As `modules_of_code`, of a file."""
    try:
        if path.stat().st_size > _LONGEST:
            return []
        return modules_of_code(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return []


def modules_of_code(code: str) -> list[str]:
    """The first parts of the names of modules that are imported in any case, each once."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return []
    return list(dict.fromkeys(_imported(tree)))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module.partition(".")[0]
        elif not isinstance(node, ast.Try | ast.If):
            # Who imports in a `try` or an `if` knows what to do without.
            yield from _imported(node)


def is_importable(name: str, folders: Sequence[Path]) -> bool:
    """Whether there is a module of this name, installed or in one of the folders."""
    if any((folder / f"{name}.py").is_file() or (folder / name).is_dir() for folder in folders):
        return True
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
