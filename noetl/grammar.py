"""Where the grammar files that noetl ships lie. Knows nothing of their content."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def grammar_file(name: str) -> Path:
    """The shipped grammar file of this name (`units.lark`): in a wheel inside the package, in a checkout beside it."""
    installed = _PACKAGE / "grammar" / name
    return installed if installed.exists() else _PACKAGE.parent / "grammar" / name
