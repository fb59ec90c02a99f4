"""What every event store promises; each test runs against each of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sample_runs import RUN, TEXT, event, events, numbers, opened, run_named

from noetl.errors import StoreError
from noetl.model.event import Event, Kind
from noetl.store import DeadLetter, RunRecord

ID = RUN.execution_id


async def test_what_is_read_is_what_was_appended(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, events(1, 3))
        await store.append(ID, 3, events(4, 4))

        assert await store.read(ID) == events(1, 4)


@pytest.mark.parametrize("limit", [None, 0, 1, 4, 100])
@pytest.mark.parametrize("after", [0, 1, 2, 3, 6, 7, 9, 10, 11, 50])
async def test_a_log_is_read_from_any_event_up_to_any_number(url: str, after: int, limit: int | None) -> None:
    async with opened(url, RUN) as store:
        for first, last in ((1, 2), (3, 3), (4, 7), (8, 10)):
            await store.append(ID, first - 1, events(first, last))

        assert await store.read(ID, after, limit) == events(1, 10)[after:][:limit]


async def test_a_run_without_events_reads_as_empty(url: str) -> None:
    async with opened(url, RUN) as store:
        assert await store.read(ID) == []


async def test_an_unknown_run_reads_as_empty(url: str) -> None:
    async with opened(url) as store:
        assert await store.read("nobody") == []
        assert await store.record("nobody") is None


async def test_appending_nothing_leaves_the_log_as_it_was(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [])
        await store.append(ID, 0, events(1, 2))
        await store.append(ID, 2, [])
        await store.append(ID, 2, events(3, 3))

        assert numbers(await store.read(ID)) == [1, 2, 3]


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("after", [0, 2, 4, 9])
async def test_an_append_that_does_not_follow_the_last_event_is_a_conflict(url: str, after: int, awaited: bool) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, events(1, 3))

        with pytest.raises(
            StoreError, match=f"conflict in run '01JA': its log ends with event 3, not with event {after}"
        ):
            await store.append(ID, after, events(after + 1, after + 1), awaited=awaited)
        assert numbers(await store.read(ID)) == [1, 2, 3]


async def test_a_run_goes_on_after_a_conflict(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, events(1, 3))
        with pytest.raises(StoreError):
            await store.append(ID, 1, events(2, 2))

        await store.append(ID, 3, events(4, 4))

        assert numbers(await store.read(ID)) == [1, 2, 3, 4]


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    "seqs", [pytest.param([2, 3], id="late"), pytest.param([1, 3], id="gap"), pytest.param([1, 1], id="twice")]
)
async def test_events_that_are_not_dense_are_refused(url: str, seqs: list[int], awaited: bool) -> None:
    async with opened(url, RUN) as store:
        with pytest.raises(StoreError, match="do not follow event 0 without a gap"):
            await store.append(ID, 0, [event(seq) for seq in seqs], awaited=awaited)
        assert await store.read(ID) == []


async def test_events_of_an_unknown_run_are_refused(url: str) -> None:
    async with opened(url, RUN) as store:
        with pytest.raises(StoreError, match="has no run 'nobody'"):
            await store.append("nobody", 0, events(1, 1, run="nobody"))
        assert await store.read("nobody") == []


async def test_appends_need_not_be_awaited_one_by_one(url: str) -> None:
    async with opened(url, RUN) as store:
        for seq in range(1, 500):
            store.append(ID, seq - 1, events(seq, seq))
        await store.append(ID, 499, events(500, 500))

        assert await store.read(ID) == events(1, 500)


async def test_a_read_sees_the_appends_before_it_that_nobody_awaited(url: str) -> None:
    async with opened(url, RUN) as store:
        store.append(ID, 0, events(1, 3))

        assert numbers(await store.read(ID)) == [1, 2, 3]


async def test_after_a_failed_append_the_later_ones_fail_with_its_cause(url: str) -> None:
    async with opened(url, RUN) as store:
        store.append(ID, 0, events(1, 1))
        store.append(ID, 1, [event(2, {"when": object()})])
        store.append(ID, 2, events(3, 3))

        with pytest.raises(StoreError, match=r"event 2 \(step\.started\) of run '01JA' cannot be written as JSON"):
            await store.append(ID, 3, events(4, 4))
        assert numbers(await store.read(ID)) == [1]


async def test_a_run_goes_on_after_a_failed_append(url: str) -> None:
    async with opened(url, RUN) as store:
        store.append(ID, 0, [event(1, {"when": object()})])

        await store.append(ID, 0, events(1, 1))
        await store.append(ID, 1, events(2, 2))

        assert numbers(await store.read(ID)) == [1, 2]


async def test_a_failed_append_of_one_run_spares_the_others(url: str) -> None:
    async with opened(url, RUN, run_named("01JB")) as store:
        bad = store.append(ID, 7, events(8, 8))
        good = store.append("01JB", 0, events(1, 2, run="01JB"))

        await good
        with pytest.raises(StoreError):
            await bad
        assert await store.read("01JB") == events(1, 2, run="01JB")


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"f": print}, id="function"),
        pytest.param({("a", 1): 2}, id="key"),
        pytest.param({"s": "\ud800"}, id="surrogate"),
    ],
)
async def test_data_that_is_not_json_is_refused_with_the_number_of_the_event(
    url: str, data: Any, awaited: bool
) -> None:
    async with opened(url, RUN) as store:
        with pytest.raises(StoreError, match=r"event 2 \(step\.started\) of run '01JA' cannot be written as JSON: "):
            await store.append(ID, 0, [event(1), event(2, data), event(3)], awaited=awaited)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("żółć 漢字 😀 \u2028 \x00 \x7f \\ \" '", id="unicode"),
        pytest.param({"": {"a": []}, "é": [None, True, False]}, id="nested"),
        pytest.param([2**63, -(2**63), 2**64, 10**30], id="integers"),
        pytest.param([0.1 + 0.2, 1e308, -0.0, 5e-324], id="floats"),
        pytest.param([], id="empty"),
    ],
)
async def test_json_comes_back_unchanged(url: str, value: Any) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [event(1, {"value": value})])

        (found,) = await store.read(ID)
        assert found.data == {"value": value}


async def test_deeply_nested_data_comes_back(url: str) -> None:
    value: Any = 0
    for _ in range(400):
        value = {"in": [value]}
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [event(1, value)])

        (found,) = await store.read(ID)
        assert found.data == value


async def test_ten_megabytes_in_one_event_come_back(url: str) -> None:
    large = "é\n" * 5_000_000
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [event(1), event(2, {"stdout": large}), event(3)])

        found = await store.read(ID)
        assert found[1].data["stdout"] == large
        assert numbers(found) == [1, 2, 3]


async def test_data_that_is_changed_after_the_append_does_not_change_the_log(url: str) -> None:
    data = {"list": [1]}
    async with opened(url, RUN) as store:
        done = store.append(ID, 0, [event(1, data)])
        data["list"].append(2)
        await done

        (found,) = await store.read(ID)
        found.data["list"].append(3)
        (again,) = await store.read(ID)
        assert again.data == {"list": [1]}


async def test_concurrent_runs_keep_their_logs_apart(url: str) -> None:
    ids = [f"01J{number:04}" for number in range(200)]

    async with opened(url) as store:

        async def execute(run: str) -> None:
            await store.create(run_named(run), TEXT)
            for first in range(1, 10, 3):
                await store.append(run, first - 1, events(first, first + 2, run=run))

        await asyncio.gather(*map(execute, ids))

        for run in ids:
            assert await store.read(run) == events(1, 9, run=run)


async def test_a_cancelled_wait_does_not_take_back_the_append(url: str) -> None:
    async with opened(url, RUN) as store:

        async def wait() -> None:
            await store.append(ID, 0, events(1, 2))

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await store.append(ID, 2, events(3, 3))

        assert numbers(await store.read(ID)) == [1, 2, 3]


async def test_a_run_is_recorded_as_it_was_created(url: str) -> None:
    bare = run_named("01JB", key=None, parent=None, path=None)
    async with opened(url, RUN, bare) as store:
        assert await store.record(ID) == RUN
        assert await store.record("01JB") == bare


async def test_a_run_is_created_once(url: str) -> None:
    async with opened(url, RUN) as store:
        with pytest.raises(StoreError, match="already has a run '01JA'"):
            await store.create(run_named(ID, playbook="other"), TEXT)
        assert await store.record(ID) == RUN


async def test_many_creations_of_which_one_is_a_duplicate_fail_only_that_one(url: str) -> None:
    async with opened(url, RUN) as store:
        creations = [store.create(run_named(run), TEXT) for run in ("01JB", ID, "01JC")]
        first, second, third = await asyncio.gather(*creations, return_exceptions=True)

        assert (first, third) == (None, None)
        assert isinstance(second, StoreError)
        assert {run.execution_id for run in await store.list_runs()} == {ID, "01JB", "01JC"}


async def test_a_run_is_created_with_its_first_events(url: str) -> None:
    large = {"text": "x" * 100_000}
    first = [event(1, large), event(2, kind=Kind.RUN_COMPLETED)]
    letter = DeadLetter(id=0, kind="signal", execution_id=ID, at=5, cause={}, data={"n": 1})
    async with opened(url) as store:
        await store.create(run_named(ID, engine="one", fence=1), TEXT, first, letters=[letter])

        assert await store.read(ID) == first
        record = await store.record(ID)
        assert record == run_named(ID, fence=1, status="completed", ended_at=first[1].at)
        assert [found.data for found in await store.dead_letters()] == [{"n": 1}]
        with pytest.raises(StoreError, match="sequence conflict"):
            await store.append(ID, 0, [event(1)], fence=1)


async def test_what_follows_the_first_events_goes_on_from_them(url: str) -> None:
    async with opened(url) as store:
        await store.create(run_named(ID, fence=1), TEXT, events(1, 3))
        await store.append(ID, 3, events(4, 5), fence=1)

        assert numbers(await store.read(ID)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("run", "first"),
    [
        pytest.param(run_named("01JB", key="daily"), events(1, 2, run="01JB"), id="key"),
        pytest.param(run_named(ID, playbook="other", key=None), events(1, 2), id="id"),
        pytest.param(run_named("01JB"), [event(1, {"bad": object()}, run="01JB")], id="not JSON"),
    ],
)
async def test_of_a_run_that_is_refused_nothing_is_there(url: str, run: RunRecord, first: list[Event]) -> None:
    letter = DeadLetter(id=0, kind="signal", execution_id=run.execution_id, at=5, cause={}, data={})
    async with opened(url, RUN) as store:
        refused = store.create(run, TEXT, first, letters=[letter])
        good = store.create(run_named("01JC"), TEXT, events(1, 2, run="01JC"))
        found = await asyncio.gather(refused, good, return_exceptions=True)

        assert isinstance(found[0], StoreError)
        assert found[1] is None
        assert {one.execution_id for one in await store.list_runs()} == {ID, "01JC"}
        assert await store.read(run.execution_id) == []
        assert numbers(await store.read("01JC")) == [1, 2]
        assert await store.dead_letters() == []


async def test_the_text_of_a_playbook_is_found_by_its_digest(url: str) -> None:
    async with opened(url, RUN, run_named("01JB")) as store:
        await store.create(run_named("01JC", digest="d2"), "name: other\n")

        assert await store.text("d1") == TEXT
        assert await store.text("d2") == "name: other\n"
        with pytest.raises(StoreError, match="no playbook with the digest 'd3'"):
            await store.text("d3")


@pytest.mark.parametrize(
    ("kinds", "status", "ended"),
    [
        pytest.param([Kind.RUN_STARTED, Kind.STEP_STARTED], "running", None, id="started"),
        pytest.param([Kind.RUN_COMPLETED], "completed", 1, id="completed"),
        pytest.param([Kind.RUN_FAILED], "failed", 1, id="failed"),
        pytest.param([Kind.RUN_CANCELLED], "cancelled", 1, id="cancelled"),
        pytest.param([Kind.RUN_PAUSED, Kind.LOG], "paused", None, id="paused"),
        pytest.param([Kind.RUN_PAUSED, Kind.RUN_RESUMED], "running", None, id="resumed"),
        pytest.param([Kind.RUN_FAILED, Kind.RUN_RESUMED], "running", None, id="failed and resumed"),
        pytest.param([Kind.RUN_PAUSED, Kind.RUN_CANCELLED, Kind.LOG], "cancelled", 2, id="paused and cancelled"),
        pytest.param([Kind.RUN_LATE], "running", None, id="late"),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["one append", "an append each"])
async def test_a_run_has_the_status_that_its_events_say(
    url: str, kinds: list[Kind], status: str, ended: int | None, together: bool
) -> None:
    happened = [event(seq, kind=kind) for seq, kind in enumerate(kinds, 1)]
    async with opened(url, RUN, run_named("01JB")) as store:
        for batch in [happened] if together else [[one] for one in happened]:
            await store.append(ID, batch[0].seq - 1, batch)

        run = await store.record(ID)
        assert run == run_named(ID, status=status, ended_at=None if ended is None else happened[ended - 1].at)
        assert await store.record("01JB") == run_named("01JB")


async def test_the_events_of_a_run_that_ended_go_on_from_its_last_one(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.append(ID, 0, [event(1, kind=Kind.RUN_FAILED)])

        with pytest.raises(StoreError, match="conflict"):
            await store.append(ID, 0, events(1, 1))
        await store.append(ID, 1, [event(2, kind=Kind.RUN_RESUMED)])
        assert numbers(await store.read(ID)) == [1, 2]


async def test_runs_of_one_status_are_listed_newest_first(url: str) -> None:
    runs = [run_named(f"01J{number}", started_at=RUN.started_at + number // 2) for number in range(6)]
    async with opened(url, *runs) as store:
        for name in ("01J0", "01J2", "01J3", "01J5"):
            await store.append(name, 0, [event(1, run=name, kind=Kind.RUN_FAILED)])

        failed = [run.execution_id for run in await store.list_runs(status="failed")]
        assert failed == ["01J5", "01J3", "01J2", "01J0"]
        assert [run.execution_id for run in await store.list_runs(status="failed", limit=2)] == failed[:2]
        assert [run.execution_id for run in await store.list_runs(status="running")] == ["01J4", "01J1"]
        assert await store.list_runs(status="paused") == []


async def test_runs_are_listed_newest_first(url: str) -> None:
    runs = [run_named(name, started_at=at) for name, at in (("01JA", 20), ("01JB", 30), ("01JC", 10), ("01JD", 30))]
    async with opened(url, *runs) as store:
        await store.append("01JB", 0, [event(1, run="01JB", kind=Kind.RUN_COMPLETED)])

        def ids(found: list[Any]) -> list[str]:
            return [run.execution_id for run in found]

        assert ids(await store.list_runs()) == ["01JD", "01JB", "01JA", "01JC"]
        assert ids(await store.list_runs(limit=2)) == ["01JD", "01JB"]
        assert ids(await store.list_runs(status="running", limit=2)) == ["01JD", "01JA"]
        assert ids(await store.list_runs(status="completed")) == ["01JB"]
        assert ids(await store.list_runs(limit=0)) == []


@pytest.mark.parametrize("prefix", ["01JAB", "01jab", "01JABC", "01JabC"])
async def test_a_run_is_found_by_the_beginning_of_its_id(url: str, prefix: str) -> None:
    async with opened(url, run_named("01JABC"), run_named("01JAC")) as store:
        assert (await store.find(prefix)).execution_id == "01JABC"


async def test_an_id_that_is_the_beginning_of_another_is_found(url: str) -> None:
    async with opened(url, run_named("01JA"), run_named("01JAB")) as store:
        assert (await store.find("01JA")).execution_id == "01JA"


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        pytest.param("9", "no run whose id begins with '9'", id="none"),
        pytest.param("%", "no run whose id begins with '%'", id="pattern"),
        pytest.param("01JB", "'01JB' could be 2 runs: '01JB1', '01JB2'$", id="two"),
        pytest.param("01J", r"'01J' could be 5 runs: .*, \.\.\.$", id="many"),
    ],
)
async def test_a_beginning_that_names_no_single_run_is_refused(url: str, prefix: str, message: str) -> None:
    ids = ["01JA1", "01JA2", "01JA3", "01JB1", "01JB2"]
    async with opened(url, *map(run_named, ids)) as store:
        with pytest.raises(StoreError, match=message):
            await store.find(prefix)


async def test_a_closed_store_refuses_everything(url: str) -> None:
    async with opened(url, RUN) as store:
        await store.close()
        await store.close()

        for call in (
            store.create(run_named("01JB"), TEXT),
            store.append(ID, 0, events(1, 1)),
            store.read(ID),
            store.record(ID),
            store.find(ID),
            store.text("d1"),
            store.list_runs(),
        ):
            with pytest.raises(StoreError, match="the event log is closed"):
                await call
