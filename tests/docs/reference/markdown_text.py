"""Markdown of the reference: tables and words in code marks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any


def code(text: str) -> str:
    """A word in code marks, also one that holds such a mark."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def sentence(text: str) -> str:
    """Begun by a capital letter, unless a name begins it, and ended by a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def value(data: Any) -> str:
    """A value as a playbook would write it; nothing where it says nothing."""
    return "" if data in (None, "", [], {}) else code(data if isinstance(data, str) else json.dumps(data))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. A cell is one line; Markdown dialects do not agree on how to write a bar in one."""
    lines = [list(head), ["---"] * len(head), *(list(row) for row in rows)]
    for cells in lines:
        for cell in cells:
            assert not {"|", "\n"} & set(cell), f"a cell cannot hold a bar or a line break: {cell}"
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
