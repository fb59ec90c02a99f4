"""Large values of events: kept beside the log, and back when the events are read."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_runs import RUN, TEXT, event, run_named

from noetl.errors import StoreError
from noetl.model.event import Event, Kind
from noetl.store import Durability, EventStore, open_store
from noetl.store.artifacts import LIMIT, is_plain, referred, restore, set_aside
from noetl.store.encoding import Batch, encode_batch, read_batches
from noetl.store.sqlite.artifact_folder import ArtifactFolder

ID = RUN.execution_id

thorough = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
keys = st.text(max_size=3) | st.sampled_from(["$artifact", "size", "value"])
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=80)
    | st.sampled_from(["a" * 64, "$artifact", "x" * 300]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=25,
)


def through(data: list[dict[str, Any]], limit: int) -> tuple[list[Event], dict[str, bytes]]:
    """The events as they come back, and what was kept for them."""
    given_events = [event(seq, one) for seq, one in enumerate(data, 1)]
    batch = encode_batch(ID, 0, given_events)
    text, contents = (batch.text, {}) if is_plain(batch.text, len(data), limit) else set_aside(batch.text, limit)
    assert contents.keys() <= referred(text)
    return read_batches(ID, [Batch(1, len(data), text)], 0, None, contents.__getitem__), contents


def aside(data: Any, limit: int = 1000) -> tuple[Any, list[Any]]:
    """The data of an event as it stands in the log, and the artifacts, the largest first."""
    text, contents = set_aside(encode_batch(ID, 0, [event(1, data)]).text, limit)
    return json.loads(text)[0]["data"], [json.loads(one) for one in sorted(contents.values(), key=len, reverse=True)]


def reference(value: Any) -> Any:
    return {"$artifact": msgspec.Raw, "size": len(msgspec.json.encode(value))}


@thorough
@given(st.lists(st.dictionaries(keys, json_values, max_size=4), min_size=1, max_size=3), st.integers(0, 400))
def test_any_json_comes_back_as_it_was(data: list[dict[str, Any]], limit: int) -> None:
    found, _ = through(data, limit)

    assert [one.data for one in found] == data


@thorough
@given(st.dictionaries(keys, json_values, max_size=4))
def test_an_event_is_small_once_its_large_values_are_set_aside(data: dict[str, Any]) -> None:
    text, _ = set_aside(encode_batch(ID, 0, [event(1, data)]).text, 2000)

    assert len(msgspec.json.encode(json.loads(text)[0]["data"])) <= 2000 + 8 * 300


def test_a_long_list_is_one_artifact() -> None:
    rows = [{"id": number, "name": "x" * 20} for number in range(1000)]

    data, kept = aside({"place": "Load.run[1]", "data": {"rows": rows, "count": 1000}})

    assert kept == [rows]
    assert data["place"] == "Load.run[1]"
    assert data["data"]["count"] == 1000
    assert data["data"]["rows"].keys() == {"$artifact", "size"}


def test_one_large_value_is_taken_out_of_what_is_small_around_it() -> None:
    long = "x" * 5000

    data, kept = aside({"changes": [[None, "set", {"page": long, "n": 1}]]})

    assert kept == [long]
    assert data["changes"][0][2]["n"] == 1


def test_many_large_parts_are_one_artifact() -> None:
    pages = ["x" * 2000 for _ in range(20)]

    assert aside({"data": pages})[1] == [pages]


def test_of_several_values_that_are_large_only_together_the_largest_go_first() -> None:
    data, kept = aside({"a": "a" * 300, "b": "b" * 500, "c": "c" * 400})

    assert kept == ["b" * 500]
    assert (data["a"], data["c"]) == ("a" * 300, "c" * 400)


def test_equal_content_is_kept_once() -> None:
    long = "x" * 5000

    data, kept = aside({"data": long, "changes": [[None, "set", {"page": long}]]})

    assert kept == [long]
    assert data["data"] == data["changes"][0][2]["page"]


def test_small_events_are_left_alone_in_a_large_batch() -> None:
    batch = encode_batch(ID, 0, [event(seq, {"text": "x" * 100}) for seq in range(1, 2001)])

    assert len(batch.text) > LIMIT
    assert is_plain(batch.text, batch.last, LIMIT)


def test_a_mapping_of_the_users_that_looks_like_a_reference_is_not_taken_for_one() -> None:
    mine = {"page": {"$artifact": "a" * 64, "size": 7}, "$artifact": None, "value": {"value": {"$artifact": None}}}

    found, contents = through([mine, {"large": [mine] * 500}], 1000)

    assert [one.data for one in found] == [mine, {"large": [mine] * 500}]
    assert len(contents) == 1


def test_a_batch_without_references_is_read_as_it_stands() -> None:
    text = encode_batch(ID, 0, [event(1)]).text

    assert restore(text, {}.__getitem__) is text


async def filled(path: Path, *names: str, limit: int = 1000, **options: Any) -> EventStore:
    """A store in which runs of these names have each recorded a page."""
    store = await open_store(str(path), artifact_limit=limit, **options)
    for name in names:
        await store.create(run_named(name), TEXT)
        await store.append(name, 0, [event(1, {"page": "x" * 5000}, run=name)])
    return store


def files(path: Path) -> list[Path]:
    return sorted(file for file in (path.parent / "artifacts").rglob("*") if file.is_file())


@pytest.mark.parametrize("durability", list(Durability))
async def test_a_file_beside_the_log_holds_what_is_large(path: Path, durability: Durability) -> None:
    store = await filled(path, "01JA", "01JB", durability=durability)
    (file,) = files(path)

    assert file.parent.parent == path.parent / "artifacts" / "runs.db"
    assert file.name.startswith(file.parent.name)
    assert [one.data for one in await store.read("01JA")] == [{"page": "x" * 5000}]
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        ((shown,),) = connection.execute("SELECT data ->> '$.page.size' FROM events WHERE execution_id = '01JA'")
    assert shown == 5002


async def test_what_is_read_at_once_is_complete(path: Path) -> None:
    store = await filled(path)
    await store.create(RUN, TEXT)
    await store.append(ID, 0, [event(1)])
    for seq in range(2, 6):
        store.append(ID, seq - 1, [event(seq, {"page": f"{seq}" * 5000})], awaited=True)

    assert [one.data for one in await store.read(ID, after=1)] == [{"page": f"{seq}" * 5000} for seq in range(2, 6)]
    await store.close()


async def test_a_missing_artifact_is_an_error_that_names_run_and_event(path: Path) -> None:
    store = await filled(path, ID)
    files(path)[0].unlink()

    with pytest.raises(StoreError, match=rf"event 1 \(step.started\) of run '{ID}' cannot be read: .* is missing"):
        await store.read(ID)
    await store.close()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda content: content[: len(content) // 2], "cannot be read", id="cut off"),
        pytest.param(lambda content: b"nonsense", "cannot be read", id="something else"),
        pytest.param(lambda content: __import__("gzip").compress(b'"other"'), "is damaged", id="exchanged"),
    ],
)
async def test_a_damaged_artifact_is_an_error(path: Path, damage: Any, message: str) -> None:
    store = await filled(path, ID)
    file = files(path)[0]
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(StoreError, match=message):
        await store.read(ID)
    await store.close()


async def test_an_artifact_that_a_power_cut_has_emptied_is_written_again(path: Path) -> None:
    store = await filled(path, "01JA")
    files(path)[0].write_bytes(b"")
    await store.create(run_named("01JB"), TEXT)
    await store.append("01JB", 0, [event(1, {"page": "x" * 5000}, run="01JB")])

    assert [one.data for one in await store.read("01JA")] == [{"page": "x" * 5000}]
    await store.close()


async def test_an_artifact_that_cannot_be_written_keeps_its_events_from_being_written(path: Path) -> None:
    (path.parent / "artifacts").write_text("in the way")
    store = await filled(path)
    await store.create(RUN, TEXT)

    with pytest.raises(StoreError, match="cannot write an artifact"):
        await store.append(ID, 0, [event(1, {"page": "x" * 5000})])
    assert await store.read(ID) == []
    await store.close()


async def test_an_artifact_goes_with_the_last_run_that_needs_it(path: Path) -> None:
    store = await filled(path, "01JA", "01JB")
    await store.append("01JA", 1, [event(2, run="01JA", kind=Kind.RUN_COMPLETED)])
    expected = await store.prune(before=9_000_000, dry_run=True)

    assert (await store.prune(before=9_000_000)).artifacts == expected.artifacts == 0
    assert [one.data for one in await store.read("01JB")] == [{"page": "x" * 5000}]

    await store.append("01JB", 1, [event(2, run="01JB", kind=Kind.RUN_COMPLETED)])
    expected = await store.prune(before=9_000_000, dry_run=True)
    assert (await store.prune(before=9_000_000)).artifacts == expected.artifacts == 1
    assert files(path) == []
    await store.close()


async def test_what_was_left_over_by_a_crash_is_removed(path: Path) -> None:
    store = await filled(path, ID)
    ArtifactFolder(path).keep("ab" * 32, b"{}")
    (kept,) = (file for file in files(path) if not file.name.startswith("ab"))
    old, young = kept.with_name("1.draft"), kept.with_name("2.draft")
    old.touch()
    os.utime(old, (0, 0))
    young.touch()

    assert (await store.prune(before=0)).artifacts == 1
    assert files(path) == sorted([kept, young])
    await store.close()


async def test_two_logs_in_one_folder_share_no_artifacts(path: Path) -> None:
    one, other = await filled(path, ID), await filled(path.with_name("other.db"), ID)
    await other.append(ID, 1, [event(2, kind=Kind.RUN_COMPLETED)])
    await other.prune(before=9_000_000)

    assert [found.data for found in await one.read(ID)] == [{"page": "x" * 5000}]
    await one.close()
    await other.close()
