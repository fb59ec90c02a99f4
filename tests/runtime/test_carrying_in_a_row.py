"""One task carries out actions that follow one another."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import msgspec
from engine_stage import stage

from noetl import Call, Outcome
from noetl.runtime.carrier import LONGEST_ROW

RING = """
steps:
  - name: Round
    max_visits: 1000
    run: [{action: instant}]
    rule: [{case: "{{ steps.Round.visits < 500 }}", run: [{step: Round}]}]
"""


class NoOptions(msgspec.Struct, forbid_unknown_fields=True):
    """None."""


class InstantHandler:
    """Ends without ever waiting, and notes the task that it ran in."""

    name: ClassVar[str] = "instant"
    options: ClassVar[type[msgspec.Struct]] = NoOptions
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None] | None] = []

    async def run(self, options: NoOptions, call: Call) -> Outcome:
        self.tasks.append(asyncio.current_task())
        return Outcome()


async def test_a_row_of_actions_that_wait_for_nothing_leaves_others_their_turn() -> None:
    handler, turns = InstantHandler(), 0
    async with stage(handlers=[handler], rebuilds=False) as on:
        handle = await on.start(RING)
        running = asyncio.ensure_future(handle.result())
        while not running.done():
            turns += 1
            await asyncio.sleep(0)
        assert (await running).status == "completed"
    assert len(handler.tasks) == 500
    assert turns >= 500 // LONGEST_ROW


async def test_an_action_goes_on_in_the_task_of_the_one_that_it_follows() -> None:
    handler = InstantHandler()
    async with stage(handlers=[handler], rebuilds=False) as on:
        await on.run(RING)
    assert len({id(task) for task in handler.tasks}) == 500 // LONGEST_ROW
