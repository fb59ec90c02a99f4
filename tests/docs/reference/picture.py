"""The picture of the quick start, as `noetl graph` draws it."""

from __future__ import annotations

from pathlib import Path

import noetl
from noetl.drawing import draw
from noetl.drawing.building import graph_of

_QUICK_START = Path(__file__).parents[3] / "playbooks" / "quickstart" / "quickstart.yaml"


def picture() -> str:
    return draw(graph_of(noetl.load(_QUICK_START)), "svg")
