"""Durations, rates and sizes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noetl.units import Rate, format_duration, parse_duration, parse_rate, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("1.5h", 5400.0),
        ("0.1s", 0.1),
        (" 1h 30m ", 5400.0),
        ("1d2h3m4s5ms", 93_784.005),
        ("10", 10.0),
        ("0s", 0.0),
        (10, 10.0),
        (0.25, 0.25),
    ],
)
def test_a_duration_is_read_as_seconds(text: str | float, seconds: float) -> None:
    found = parse_duration(text)
    assert found == seconds
    assert type(found) is float


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/s", Rate(10, 1)),
        ("100/m", Rate(100, 60)),
        ("0.5 / h", Rate(0.5, 3600)),
        ("5/10s", Rate(5, 10)),
        ("5/1m30s", Rate(5, 90)),
    ],
)
def test_a_rate_is_a_count_in_a_time(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64KiB", 65_536),
        ("10MB", 10_000_000),
        ("0.1GB", 100_000_000),
        ("1.5MiB", 1_572_864),
        ("2TiB", 2 * 1024**4),
        ("3 B", 3),
        ("12", 12),
        (12, 12),
        ("7kB", 7000),
    ],
)
def test_a_size_is_read_as_bytes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


DURATION = "expected a duration such as '10s' or '1h30m', got"
RATE = "expected a rate such as '10/s', got"
SIZE = "expected a size such as '64KiB', got"


@pytest.mark.parametrize(
    ("parse", "value", "message"),
    [
        pytest.param(parse_duration, "", f"{DURATION} an empty text", id="an empty duration"),
        pytest.param(parse_duration, "soon", f"{DURATION} 'soon'", id="a word"),
        pytest.param(parse_duration, "-1s", f"{DURATION} the negative '-1s'", id="a negative text"),
        pytest.param(parse_duration, -1, f"{DURATION} the negative number '-1'", id="a negative number"),
        pytest.param(parse_duration, True, f"{DURATION} the boolean 'true'", id="a boolean"),
        pytest.param(parse_duration, None, f"{DURATION} null", id="null"),
        pytest.param(parse_duration, [1], f"{DURATION} a list", id="a list"),
        pytest.param(parse_duration, float("inf"), f"{DURATION} 'inf'", id="infinity"),
        pytest.param(parse_duration, float("nan"), f"{DURATION} 'nan'", id="not a number"),
        pytest.param(
            parse_duration, "10x", "unknown unit 'x' in '10x', known are 'd', 'h', 'm', 's', 'ms'", id="an unknown unit"
        ),
        pytest.param(
            parse_duration, "10S", "unknown unit 'S' in '10S', known are 'd', 'h', 'm', 's', 'ms'", id="a capital unit"
        ),
        pytest.param(
            parse_duration, "1m1h", "the units of '1m1h' must go from large to small, each at most once", id="the order"
        ),
        pytest.param(
            parse_duration,
            "1h1h",
            "the units of '1h1h' must go from large to small, each at most once",
            id="a unit twice",
        ),
        pytest.param(parse_duration, "1h30", "a number in '1h30' has no unit", id="a missing unit"),
        pytest.param(parse_duration, "1" * 200, f"{DURATION} a text of 200 characters", id="a long text"),
        pytest.param(
            parse_duration, "99999d", f"{DURATION} '99999d', which is longer than a hundred years", id="a long time"
        ),
        pytest.param(
            parse_duration, 1e300, f"{DURATION} '1e+300', which is longer than a hundred years", id="a long number"
        ),
        pytest.param(parse_rate, "10", f"{RATE} '10'", id="no time"),
        pytest.param(parse_rate, 10, f"{RATE} '10'", id="a number as rate"),
        pytest.param(parse_rate, None, f"{RATE} null", id="null as rate"),
        pytest.param(parse_rate, "0/s", f"{RATE} '0/s', which never starts anything", id="no count"),
        pytest.param(parse_rate, "1/0s", f"{RATE} '1/0s', which never starts anything", id="no seconds"),
        pytest.param(
            parse_rate, "1/w", "unknown unit 'w' in '1/w', known are 'd', 'h', 'm', 's', 'ms'", id="an unknown time"
        ),
        pytest.param(parse_size, "64K", "unknown unit 'K' in '64K'", id="a unit cut short"),
        pytest.param(parse_size, "0.3B", "'0.3B' is not a whole number of bytes", id="a part of a byte"),
        pytest.param(parse_size, 1.5, "'1.5' is not a whole number of bytes", id="a part of a byte as number"),
        pytest.param(parse_size, -1, f"{SIZE} the negative number '-1'", id="a negative size"),
        pytest.param(parse_size, False, f"{SIZE} the boolean 'false'", id="a boolean as size"),
    ],
)
def test_what_is_no_quantity_is_refused_with_a_sentence(parse: Callable[[Any], Any], value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        parse(value)
    assert str(raised.value).startswith(message)


@given(st.text(max_size=20))
def test_no_text_raises_anything_but_value_errors(text: str) -> None:
    for parse in (parse_duration, parse_rate, parse_size):
        with contextlib.suppress(ValueError):
            parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.25, "250ms"),
        (0.9996, "1.0s"),
        (1.23, "1.2s"),
        (59.94, "59.9s"),
        (59.96, "1m00s"),
        (184, "3m04s"),
        (3599.6, "1h00m"),
        (3720, "1h02m"),
        (86_399, "1d00h"),
        (2 * 86_400 + 3 * 3600, "2d03h"),
        (-5, "-5.0s"),
    ],
)
def test_a_duration_is_written_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_lark_is_imported_with_the_first_text_only() -> None:
    program = (
        "import sys, noetl.units as units; units.parse_duration(5); assert 'lark' not in sys.modules;"
        " units.parse_duration('5s'); assert 'lark' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
