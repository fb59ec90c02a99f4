"""What failed for good is kept with its cause, and can be tried again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from engine_stage import HEAD, stage

from noetl import Engine, NoetlError, StoreError
from noetl.errors import RunEnded
from noetl.machine import Cancel
from noetl.model.event import Kind
from noetl.runtime.clock import microseconds
from noetl.runtime.undriven import tell
from noetl.store import DeadLetter

WAITING = "steps:\n  - {name: Wait, run: [{action: wait, event: go, as: it}]}\n"
FAILING = """
inputs: {file: {type: string}}
on_error: {retry: {attempts: 2, delay: 1ms, on: [permanent]}}
steps:
  - {name: Look, run: [{action: shell, cmd: "test -e {{ inputs.file }}"}]}
outputs: {attempt: "{{ execution.attempt }}"}
"""
SLOW = "steps:\n  - {name: Slow, run: [{action: shell, cmd: 'test -e go || sleep 600'}]}\n"


async def letters(engine: Engine) -> list[DeadLetter]:
    return await engine.store.dead_letters()


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


@pytest.mark.parametrize("rebuilds", [False, True])
async def test_a_signal_that_nobody_took_is_kept(store: str, rebuilds: bool) -> None:
    async with stage(store, rebuilds=rebuilds) as on:
        handle = await on.start(WAITING)
        handle.signal("other", {"n": 1})
        handle.signal("go")
        await handle.result()

        (letter,) = await letters(on.engine)

    assert (letter.kind, letter.execution_id) == ("signal", handle.execution_id)
    assert letter.data == {"event": "other", "data": {"n": 1}}
    assert letter.cause["code"] == "not_taken"


async def test_a_run_that_has_ended_takes_no_signal(store: str) -> None:
    async with stage(store) as on:
        handle = await on.start(WAITING)
        handle.signal("go")
        await handle.result()

        with pytest.raises(RunEnded, match=r"has ended \(completed\)"):
            handle.signal("go")
        with pytest.raises(RunEnded, match=r"has ended \(completed\)"):
            await on.engine.signal(handle.execution_id, "go")
        assert await letters(on.engine) == []


async def test_a_handle_says_that_its_run_is_not_driven_here_any_more(store: str) -> None:
    async with stage(store) as on:
        handle = await on.start(WAITING)
    with pytest.raises(NoetlError, match="is not driven here any more"):
        handle.signal("go")


async def test_a_signal_of_the_engine_reaches_a_run_that_another_one_drives(store: str) -> None:
    async with stage(store) as on, stage(store) as other:
        handle = await on.start(WAITING)
        await other.engine.signal(handle.execution_id, "go", {"n": 1})
        assert (await handle.result()).outputs == {"it": {"n": 1}}


@pytest.mark.parametrize("rebuilds", [False, True])
async def test_a_signal_that_came_too_late_to_be_read_is_kept(store: str, rebuilds: bool) -> None:
    async with stage(store, rebuilds=rebuilds) as on:
        handle = await on.start(WAITING)
        await on.engine.signal(handle.execution_id, "late", 2)
        # The run ends before its engine looks again for what others ask of it.
        handle.signal("go", 1)
        await handle.result()

        (letter,) = await letters(on.engine)

    assert (letter.kind, letter.execution_id) == ("signal", handle.execution_id)
    assert letter.data == {"event": "late", "data": 2}
    assert letter.cause["code"] == "not_taken"


async def test_what_nobody_has_read_is_kept_where_a_run_is_ended_that_nobody_drives(store: str) -> None:
    async with stage(store) as on:
        handle = await on.start(WAITING)
        handle.signal("other", 1)
        await handle.runner.written()
    async with stage(store) as on:
        record = await on.engine.store.find(handle.execution_id)
        await on.engine.signal(record.execution_id, "go", 2)
        run = await tell(on.engine, record, Cancel(at=microseconds(), reason="not today"))

        assert run.status == "cancelled"
        assert [letter.data for letter in await letters(on.engine)] == [
            {"event": "go", "data": 2},
            {"event": "other", "data": 1},
        ]


async def test_a_signal_is_sent_to_another_run(store: str) -> None:
    async with stage(store) as on:
        first = await on.start(WAITING)
        first.signal("other")
        first.signal("later", 2)
        first.signal("go", 1)
        await first.result()
        later, other = await letters(on.engine)
        second = await on.start(WAITING.replace("go", "later"))

        assert await on.engine.retry_dead(later.id, to=second.execution_id) is None

        assert (await second.result()).outputs == {"it": 2}
        assert await letters(on.engine) == [other]


async def test_a_signal_goes_to_no_run_that_has_ended_and_to_none_that_is_not_named(store: str) -> None:
    async with stage(store) as on:
        run = await on.start(WAITING)
        run.signal("other")
        run.signal("go")
        await run.result()
        (letter,) = await letters(on.engine)

        with pytest.raises(NoetlError, match="needs another run"):
            await on.engine.retry_dead(letter.id)
        with pytest.raises(NoetlError, match="has ended"):
            await on.engine.retry_dead(letter.id, to=run.execution_id)
        assert await letters(on.engine) == [letter]


async def failed(on: Any, file: Path) -> DeadLetter:
    report = await on.run(FAILING, {"file": str(file)})
    assert (report.status, report.attempt) == ("failed", 2)
    (letter,) = await letters(on.engine)
    assert (letter.kind, letter.execution_id, letter.data) == ("run", report.execution_id, {"attempt": 2})
    assert letter.cause == report.error
    return letter


@pytest.mark.parametrize("rebuilds", [False, True])
async def test_a_run_that_no_retry_helped_is_kept_and_begins_anew(store: str, tmp_path: Path, rebuilds: bool) -> None:
    async with stage(store, rebuilds=rebuilds) as on:
        letter = await failed(on, tmp_path / "there")
        (tmp_path / "there").touch()

        handle = await on.engine.retry_dead(letter.id)

        assert handle is not None
        assert (await handle.result()).outputs == {"attempt": 1}
        assert handle.execution_id != letter.execution_id
        assert await letters(on.engine) == []


async def test_a_run_that_no_playbook_retries_is_no_dead_letter(store: str) -> None:
    async with stage(store) as on:
        await on.run("steps:\n  - {name: A, run: [{action: fail, code: full, message: full}]}\n")
        assert await letters(on.engine) == []


async def test_a_letter_makes_one_run_however_often_it_is_tried(store: str, tmp_path: Path) -> None:
    async with stage(store) as on:
        letter = await failed(on, tmp_path / "there")
        (tmp_path / "there").touch()
        key = f"dead letter {letter.id} of {letter.execution_id}"
        # As if the process had been lost before the letter was removed.
        before = await on.engine.run(on.engine.load(HEAD + FAILING), {"file": str(tmp_path / "there")}, key=key)

        with pytest.raises(NoetlError, match=f"tried again as run '{before.execution_id}', which has ended"):
            await on.engine.retry_dead(letter.id)
        assert await letters(on.engine) == []


async def test_an_action_that_was_lost_too_often_is_kept_with_its_place(store: str, tmp_path: Path) -> None:
    async with stage(store, folder=tmp_path) as on:
        execution_id = (await on.start(SLOW)).execution_id
        async with asyncio.timeout(30):
            while Kind.ACTION_STARTED not in on.kinds():
                await asyncio.sleep(0.01)
    async with Engine(store, working_folder=tmp_path, max_lost=0) as engine:
        report = await (await engine.resume(execution_id)).result()
        (letter,) = await letters(engine)
        (tmp_path / "go").touch()

        handle = await engine.retry_dead(letter.id)

        assert handle is not None
        assert (await handle.result()).succeeded
        events = await engine.store.read(execution_id)

    assert report.error is not None
    assert (letter.kind, letter.cause["code"], letter.cause) == ("action", "lost", report.error)
    assert letter.data["step"] == "Slow"
    assert events[letter.data["event"] - 1].kind == "action.failed"


async def test_what_is_not_there_cannot_be_tried_again(store: str) -> None:
    async with stage(store) as on:
        with pytest.raises(StoreError, match="no dead letter 7"):
            await on.engine.retry_dead(7)


async def test_only_signals_are_sent(store: str, tmp_path: Path) -> None:
    async with stage(store) as on:
        letter = await failed(on, tmp_path / "there")
        with pytest.raises(NoetlError, match="is no signal"):
            await on.engine.retry_dead(letter.id, to=letter.execution_id)
