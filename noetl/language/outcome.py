"""Whether a condition reads how work went, which makes its case a candidate when a step has failed (language.md 3)."""

from __future__ import annotations

from collections.abc import Iterable

from noetl.model.expression import Path


def reads_outcome(paths: Iterable[Path]) -> bool:
    """Whether one of the paths is `error`, `last_error`, or in a result something else than its `data`.

    A result that is read as a whole counts: what is looked at in it cannot be told from the text.
    """
    return any(_is_outcome(path) for path in paths)


def _is_outcome(path: Path) -> bool:
    root, *rest = path
    if root in ("error", "last_error"):
        return True
    if root == "result":
        return rest[:1] != ["data"]
    if root == "results":
        return rest[1:2] != ["data"]
    return root == "steps" and rest[1:2] == ["result"] and rest[2:3] != ["data"]
