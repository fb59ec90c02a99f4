"""What a store keeps beside the log: commands, dead letters and snapshots; and what it removes with old runs."""

from __future__ import annotations

import asyncio

import pytest
from sample_runs import RUN, event, events, opened, run_named

from noetl.errors import RunEnded, StoreError
from noetl.model.event import Kind
from noetl.store import Command, DeadLetter, Snapshot, Unread, open_store

ID = RUN.execution_id


def letter(execution_id: str = ID, **data: object) -> DeadLetter:
    return DeadLetter(id=0, kind="action", execution_id=execution_id, at=5, cause={"code": "lost"}, data=dict(data))


async def test_a_command_reaches_the_engine_that_drives_the_run_and_no_other(url: str) -> None:
    async with opened(url, run_named(ID, engine="one"), run_named("01JB", engine="two")) as store:
        pause = await store.post(ID, "pause", {"until": 7}, at=3)
        signal = await store.post(ID, "signal", {"event": "go"}, at=4)
        await store.post("01JB", "cancel", {}, at=5)

        assert await store.commands("one") == [pause, signal]
        assert (pause.kind, pause.data, pause.at) == ("pause", {"until": 7}, 3)
        assert pause.id < signal.id


async def test_a_command_waits_for_somebody_who_drives_the_run(url: str) -> None:
    async with opened(url, run_named(ID)) as store:
        command = await store.post(ID, "signal", {"event": "go"}, at=3)
        assert await store.commands("one") == []

        await store.claim(ID, "one", now=4)

        assert await store.commands("one") == [command]


async def test_a_settled_command_is_gone(url: str) -> None:
    async with opened(url, run_named(ID, engine="one")) as store:
        first = await store.post(ID, "pause", {}, at=3)
        second = await store.post(ID, "resume", {}, at=4)
        await store.settle([first.id, 999])

        assert await store.commands("one") == [second]


async def test_nothing_can_be_asked_of_an_unknown_run(url: str) -> None:
    async with opened(url) as store:
        with pytest.raises(StoreError, match="no run 'nobody'"):
            await store.post("nobody", "pause", {}, at=3)


async def test_nothing_can_be_asked_of_a_run_that_has_ended(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [event(1, kind=Kind.RUN_FAILED)])

        for kind in ("signal", "pause", "resume", "cancel"):
            with pytest.raises(RunEnded, match=f"run '{ID}' has ended \\(failed\\)"):
                await store.post(ID, kind, {}, at=3)


async def test_a_signal_that_was_not_read_before_the_end_of_its_run_is_a_dead_letter(url: str) -> None:
    cause = {"code": "not_taken", "message": "too late"}
    async with opened(url, run_named(ID, engine="one"), run_named("01JB", engine="one")) as store:
        await store.post(ID, "signal", {"event": "read"}, at=3)
        cancel = await store.post(ID, "cancel", {}, at=4)
        of_another = await store.post("01JB", "signal", {"event": "go"}, at=5)
        await store.post(ID, "pause", {}, at=6)
        await store.post(ID, "signal", {"event": "first", "data": None}, at=7)
        await store.post(ID, "signal", {"event": "second", "data": [1]}, at=8)

        end = event(1, kind=Kind.RUN_COMPLETED)
        await store.append(ID, 0, [end], letters=[letter(n=1)], unread=Unread(after=cancel.id, cause=cause))

        signals = [found for found in await store.dead_letters() if found.kind == "signal"]
        assert [found.data for found in signals] == [{"event": "second", "data": [1]}, {"event": "first", "data": None}]
        assert {(found.execution_id, found.at) for found in signals} == {(ID, end.at)}
        assert [found.cause for found in signals] == [cause, cause]
        assert await store.commands("one") == [of_another]


async def test_signals_of_a_run_whose_end_is_refused_stay(url: str) -> None:
    async with opened(url, run_named(ID, engine="one")) as store:
        signal = await store.post(ID, "signal", {"event": "go"}, at=3)
        with pytest.raises(StoreError):
            await store.append(ID, 7, [event(8, kind=Kind.RUN_COMPLETED)], unread=Unread(after=0, cause={}))

        assert await store.commands("one") == [signal]
        assert await store.dead_letters() == []


async def test_a_signal_that_races_with_the_end_of_its_run_is_refused_or_buried(url: str) -> None:
    runs = [run_named(f"01J{number:04}", engine="one") for number in range(40)]
    async with opened(url, *runs) as store:
        other = store if url == "memory:" else await open_store(url)
        ends = [
            store.append(
                run.execution_id,
                0,
                [event(1, run=run.execution_id, kind=Kind.RUN_COMPLETED)],
                unread=Unread(after=0, cause={}),
            )
            for run in runs
        ]
        posts = [other.post(run.execution_id, "signal", {"event": "go"}, at=3) for run in runs]
        results = await asyncio.gather(*posts, *ends, return_exceptions=True)
        posted = {run.execution_id for run, found in zip(runs, results, strict=False) if isinstance(found, Command)}
        refused = [found for found in results if isinstance(found, RunEnded)]

        assert {found.execution_id for found in await store.dead_letters()} == posted
        assert len(posted) + len(refused) == len(runs)
        if other is not store:
            await other.close()


async def test_dead_letters_are_kept_until_they_are_removed(url: str) -> None:
    async with opened(url, RUN) as store:
        first = await store.bury(letter(place="Load.run[1]"))
        second = await store.bury(letter())
        assert [(found.id, found.data) for found in await store.dead_letters()] == [
            (second, {}),
            (first, {"place": "Load.run[1]"}),
        ]

        await store.unbury(second)

        assert [found.id for found in await store.dead_letters()] == [first]
        with pytest.raises(StoreError, match=f"no dead letter {second}"):
            await store.unbury(second)


async def test_the_latest_snapshot_of_a_run_is_kept(url: str) -> None:
    async with opened(url, RUN) as store:
        assert await store.snapshot(ID) is None
        await store.save_snapshot(ID, Snapshot(seq=1000, form="a", state=b"old"))
        await store.save_snapshot(ID, Snapshot(seq=2000, form="a", state=b"\x00new"))

        assert await store.snapshot(ID) == Snapshot(seq=2000, form="a", state=b"\x00new")


async def test_old_runs_are_removed_with_all_that_only_they_need(url: str) -> None:
    old, new, going = run_named(ID), run_named("01JB", digest="d2"), run_named("01JC", digest="d2")
    async with opened(url, old, new, going) as store:
        for run in (old, new):
            name = run.execution_id
            await store.append(name, 0, [*events(1, 2, run=name), event(3, run=name, kind=Kind.RUN_COMPLETED)])
            await store.save_snapshot(name, Snapshot(seq=1, form="a", state=b"x"))
            await store.bury(letter(name))
        await store.append("01JC", 0, events(1, 1, run="01JC"))

        pruned = await store.prune(before=1_000_004)

        assert (pruned.runs, pruned.events) == (2, 6)
        assert [run.execution_id for run in await store.list_runs()] == ["01JC"]
        assert await store.read(ID) == []
        assert await store.snapshot(ID) is None
        assert await store.dead_letters() == []
        with pytest.raises(StoreError):
            await store.text("d1")
        assert await store.text("d2")


async def test_runs_that_ended_later_stay(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [event(1, kind=Kind.RUN_COMPLETED)])

        assert (await store.prune(before=1_000_001)).runs == 0
        assert (await store.prune(before=1_000_002)).runs == 1


async def test_failed_runs_stay_where_that_is_asked(url: str) -> None:
    failed, done = run_named(ID), run_named("01JB")
    async with opened(url, failed, done) as store:
        await store.append(ID, 0, [event(1, kind=Kind.RUN_FAILED)])
        await store.append("01JB", 0, [event(1, run="01JB", kind=Kind.RUN_COMPLETED)])

        assert (await store.prune(before=9_000_000, keep_failed=True)).runs == 1

        assert [run.execution_id for run in await store.list_runs()] == [ID]


async def test_a_dry_run_only_counts(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [*events(1, 2), event(3, kind=Kind.RUN_COMPLETED)])

        expected = await store.prune(before=9_000_000, dry_run=True)

        assert (expected.runs, expected.events) == (1, 3)
        assert await store.record(ID) is not None
        assert await store.prune(before=9_000_000) == expected


async def test_a_run_stays_while_its_caller_goes_on(url: str) -> None:
    caller, called = run_named("01JB"), run_named(ID, parent="01JB")
    async with opened(url, caller, called) as store:
        await store.append(ID, 0, [event(1, kind=Kind.RUN_COMPLETED)])
        assert (await store.prune(before=9_000_000)).runs == 0

        await store.append("01JB", 0, [event(1, run="01JB", kind=Kind.RUN_COMPLETED)])
        assert (await store.prune(before=9_000_000)).runs == 2


async def test_more_runs_than_one_part_are_removed(url: str) -> None:
    runs = [run_named(f"01J{number:04}") for number in range(450)]
    async with opened(url, *runs) as store:
        for run in runs:
            await store.append(run.execution_id, 0, [event(1, run=run.execution_id, kind=Kind.RUN_COMPLETED)])

        assert (await store.prune(before=9_000_000)).runs == 450


async def test_a_dead_letter_is_buried_with_its_event_or_not_at_all(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [event(1)], letters=[letter(n=1), letter(n=2)], awaited=True)
        with pytest.raises(StoreError):
            await store.append(ID, 7, [event(8)], letters=[letter(n=3)])

        assert [found.data for found in await store.dead_letters()] == [{"n": 2}, {"n": 1}]
        assert len({found.id for found in await store.dead_letters()}) == 2


async def test_a_note_is_remembered(url: str) -> None:
    async with opened(url) as store:
        assert await store.noted("pruned_at") is None
        await store.note("pruned_at", 5)
        await store.note("pruned_at", 7)

        assert await store.noted("pruned_at") == 7


async def test_a_store_with_nothing_to_give_back_stays_as_it_is(url: str) -> None:
    async with opened(url, RUN) as store:
        assert await store.compact() == 0
