"""Limits in the life of a run: what is queued, what is refused, and what is told of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from engine_stage import HEAD, code, stage

from noetl import ActionError, Call, Engine, ErrorKind, Outcome
from noetl.model.event import Kind


class Counted(msgspec.Struct, frozen=True):
    """Counts how many of its kind run at once, and fails if asked."""

    fails: bool = False
    takes: float = 0.01


class CountingHandler:
    name: ClassVar[str] = "counted"
    options: ClassVar[type[msgspec.Struct]] = Counted
    program_text: ClassVar[frozenset[str]] = frozenset()
    runtimes: ClassVar[tuple[str, ...]] = ("in-process",)

    def __init__(self) -> None:
        self.running = self.most = self.calls = 0
        self.steps: list[str] = []

    async def run(self, options: Counted, call: Call) -> Outcome:
        self.running += 1
        self.calls += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(options.takes)
        finally:
            self.running -= 1
        if options.fails:
            raise ActionError(ErrorKind.TRANSIENT, "down", "it is down")
        return Outcome(data=self.calls)


async def test_a_run_bounds_its_actions() -> None:
    counting = CountingHandler()
    async with stage(handlers=[counting]) as on:
        report = await on.run(
            "concurrency: 3\nsteps: [{name: A, run: [{action: counted, loop: {items: 20, parallel: 20}}]}]"
        )

    assert report.succeeded
    assert (counting.most, counting.calls) == (3, 20)
    queued = [event for event in on.events if event.kind == Kind.ACTION_QUEUED]
    assert queued
    assert queued[0].data["reason"] == "the run's concurrency"


async def test_a_limit_is_shared_by_all_runs_of_an_engine() -> None:
    counting = CountingHandler()
    text = (
        HEAD
        + "limits: {api: {concurrency: 2}}\nsteps: [{name: A, run: [{action: counted, limit: api, loop: {items: 5, parallel: 5}}]}]"
    )
    async with stage(handlers=[counting]) as on:
        playbook = on.engine.load(text)
        reports = await asyncio.gather(*(on.engine.run(playbook) for _ in range(4)))

    assert all(report.succeeded for report in reports)
    assert (counting.most, counting.calls) == (2, 20)


async def test_a_cancelled_run_leaves_the_queue() -> None:
    counting = CountingHandler()
    text = (
        HEAD
        + "limits: {api: {concurrency: 1}}\nsteps: [{name: A, run: [{action: counted, takes: 0.3, limit: api, loop: {items: 9, parallel: 9}}]}]"
    )
    async with stage(handlers=[counting]) as on:
        playbook = on.engine.load(text)
        handle = await on.engine.start(playbook)
        async with asyncio.timeout(30):
            while counting.running < 1:
                await asyncio.sleep(0.005)
        handle.cancel()
        assert (await handle.result()).status == "cancelled"
        assert counting.calls == 1

        assert (await on.engine.run(on.engine.load(text.replace("items: 9", "items: 1")))).succeeded


async def test_what_waits_too_long_fails_and_can_be_caught() -> None:
    text = """
limits: {api: {concurrency: 1, queue_timeout: 50ms}}
steps:
  - name: Fork
    parallel: true
    rule: [{case: true, run: [{step: A}, {step: B}]}]
  - {name: A, run: [{action: counted, takes: 0.5, limit: api}]}
  - name: B
    run: [{action: counted, limit: api}]
    rule: [{case: "error.code == 'queue_timeout' and error.transient", run: [{step: C}]}]
  - {name: C, run: [{action: set, values: {caught: "{{ last_error.message }}"}}]}
"""
    async with stage(handlers=[CountingHandler()]) as on:
        report = await on.run(text)

    assert report.outputs["caught"] == "it waited 0.05 s for limit 'api', which is its 'queue_timeout'"


async def test_an_open_circuit_fails_at_once_and_the_fallback_serves() -> None:
    counting = CountingHandler()
    text = """
limits: {api: {circuit_breaker: {threshold: 50%, window: 1m, open_for: 1m}}}
tasks: [{name: cached, run: [{action: set, values: {served: from the cache}}]}]
steps:
  - name: A
    run:
      - {action: counted, fails: true, limit: api, on_error: continue, loop: {items: 8, on_error: continue}, as: all}
      - {action: counted, limit: api, fallback: cached}
"""
    async with stage(handlers=[counting]) as on:
        report = await on.run(text)

    assert report.outputs["served"] == "from the cache"
    assert counting.calls == 5
    (changed,) = (event for event in on.events if event.kind == Kind.CIRCUIT_CHANGED)
    assert changed.data == {"limit": "api", "state": "open"}


async def test_the_engine_bounds_all_actions_but_those_that_only_wait(tmp_path: Path) -> None:
    counting = CountingHandler()
    (tmp_path / "child.yaml").write_text(HEAD + "steps: [{name: A, run: [{action: counted}]}]\n")
    (tmp_path / "parent.yaml").write_text(
        HEAD + "steps: [{name: A, run: [{action: playbook, path: child.yaml, loop: {items: 4, parallel: 4}}]}]\n"
    )
    async with stage(handlers=[counting], concurrency=1) as on:
        report = await on.engine.run(on.engine.load(tmp_path / "parent.yaml"))

    assert report.succeeded
    assert (counting.most, counting.calls) == (1, 4)


def test_an_engine_that_lets_no_action_start_is_refused() -> None:
    with pytest.raises(ValueError, match="concurrency has to be at least 1, got 0"):
        Engine(concurrency=0)


async def test_a_step_of_high_priority_goes_first() -> None:
    text = """
concurrency: 1
steps:
  - name: Fork
    parallel: true
    rule: [{case: true, run: [{step: First}, {step: Low}, {step: Normal}, {step: High}]}]
  - {name: First, run: [{action: counted, takes: 0.1}], rule: [{case: true, run: [{step: Join}]}]}
  - {name: Low, priority: low, run: [{action: counted, as: low}], rule: [{case: true, run: [{step: Join}]}]}
  - {name: Normal, run: [{action: counted, as: normal}], rule: [{case: true, run: [{step: Join}]}]}
  - {name: High, priority: high, run: [{action: counted, as: high}], rule: [{case: true, run: [{step: Join}]}]}
  - {name: Join, join: all, run: [{action: noop}]}
"""
    async with stage(handlers=[CountingHandler()]) as on:
        report = await on.run(text)

    assert report.outputs == {"high": 2, "normal": 3, "low": 4}


async def test_a_queued_action_of_a_paused_run_asks_again_when_the_run_goes_on() -> None:
    counting = CountingHandler()
    text = "concurrency: 1\nsteps: [{name: A, run: [{action: counted, takes: 0.1, loop: {items: 3, parallel: 3}}]}]"
    async with stage(handlers=[counting]) as on:
        handle = await on.start(text)
        async with asyncio.timeout(30):
            while counting.running < 1:
                await asyncio.sleep(0.005)
        handle.pause()
        async with asyncio.timeout(30):
            while Kind.ACTION_COMPLETED not in on.kinds():
                await asyncio.sleep(0.005)
        assert counting.calls == 1
        handle.resume()

        assert (await handle.result()).succeeded
        assert (counting.most, counting.calls) == (1, 3)


async def test_a_failed_action_gives_its_place_back() -> None:
    text = "concurrency: 1\nsteps: [{name: A, run: [{action: counted, fails: true}]}]"
    async with stage(handlers=[CountingHandler()]) as on:
        assert code(await on.run(text)) == "down"
        assert code(await on.run(text)) == "down"
