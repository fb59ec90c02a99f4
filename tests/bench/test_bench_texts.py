"""What is measured does what the benches count on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import texts
from nothing import Nothing

import noetl


@pytest.mark.parametrize(
    ("text", "outputs", "steps", "events"),
    [
        pytest.param(texts.ring(10, 50), {"n": 50}, 50, 2 * 50 + 2, id="ring"),
        pytest.param(texts.chain(20), {"n": 20}, 20, 2 * 20 + 2, id="chain"),
        pytest.param(texts.fan_out(20), {"n": 1}, 22, 3 * 20 + 6, id="fan_out"),
        pytest.param(texts.fan_out_loop(20), {"n": 20}, 1, 20 + 4, id="fan_out_loop"),
        pytest.param(texts.loop(20, 3), {}, 1, 3 * 20 + 4, id="loop"),
        pytest.param(texts.actions(5), {}, 5, 4 * 5 + 2, id="actions"),
        pytest.param(texts.shell(2, 6), {}, 6, 4 * 6 + 2, id="shell"),
        pytest.param(texts.shell(1, 1), {}, 1, 6, id="shell_once"),
        pytest.param(texts.one(), {"n": 1}, 1, 4, id="one"),
    ],
)
def test_a_measured_playbook_makes_the_steps_and_events_that_are_counted(
    text: str, outputs: dict[str, Any], steps: int, events: int
) -> None:
    seen: list[noetl.Event] = []

    async def run() -> noetl.Report:
        async with noetl.Engine(handlers=[Nothing()]) as engine:
            engine.subscribe(seen.append)
            return await engine.run(engine.load(text))

    report = asyncio.run(run())
    assert report.succeeded
    assert report.outputs == outputs
    assert (len(report.steps), len(seen)) == (steps, events)
