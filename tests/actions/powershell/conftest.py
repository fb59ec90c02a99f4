from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import children
from stage import Stage
from standing_in import Run, put_stand_in

from noetl.actions.base import Outcome
from noetl.actions.powershell import PowershellHandler


@pytest.fixture
def run(stage: Stage, tmp_path: Path) -> Run:
    """Carries out an action whose script is for the stand-in."""
    path = put_stand_in(tmp_path / "bin")

    def perform(script: str | None = None, *, origin: Any = None, **options: Any) -> Outcome:
        program = {} if script is None else {"script": script}
        options["env"] = {"PATH": f"{path}:/usr/bin:/bin", **options.get("env", {})}
        return stage.run(PowershellHandler(), {**program, **options}, origin=origin or {})

    return perform


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before
