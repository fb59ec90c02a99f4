from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_runs import event, events

from noetl.errors import StoreError
from noetl.store.encoding import Batch, encode_batch, read_batches
from noetl.store.upgrades import upgrade

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(st.lists(st.dictionaries(st.text(), json_values, max_size=3), min_size=1, max_size=5))
def test_any_json_survives_encoding(data: list[dict[str, Any]]) -> None:
    given_events = [event(seq, one) for seq, one in enumerate(data, 1)]

    batch = encode_batch("01JA", 0, given_events)

    assert read_batches("01JA", [batch], 0, None) == given_events


@given(st.lists(st.integers(1, 4), max_size=6), st.integers(0, 20), st.none() | st.integers(0, 20))
def test_however_a_log_is_cut_into_batches_it_reads_the_same(sizes: list[int], after: int, limit: int | None) -> None:
    batches: list[Batch] = []
    last = 0
    for size in sizes:
        batches.append(encode_batch("01JA", last, events(last + 1, last + size)))
        last += size
    wanted = [batch for batch in batches if batch.last > after]

    assert read_batches("01JA", wanted, after, limit) == events(1, last)[after:][:limit]


def test_an_older_event_is_brought_through_every_version_between() -> None:
    upgrades = {
        1: lambda old: {**old, "data": {"visit": old["data"]["count"]}},
        2: lambda old: {**old, "data": {**old["data"], "branch": 0}},
    }
    old = {"execution_id": "01JA", "seq": 1, "data": {"count": 7}, "v": 1}

    assert upgrade(old, upgrades, newest=3) == {
        "execution_id": "01JA",
        "seq": 1,
        "data": {"visit": 7, "branch": 0},
        "v": 3,
    }


def test_an_event_of_the_newest_version_is_not_upgraded() -> None:
    new = {"execution_id": "01JA", "seq": 1, "data": {}, "v": 3}

    assert upgrade(new, {}, newest=3) == new


def test_an_event_of_a_newer_version_is_refused() -> None:
    with pytest.raises(StoreError, match="event 9 has version 4, this noetl reads up to 3"):
        upgrade({"execution_id": "01JA", "seq": 9, "v": 4}, {}, newest=3)
