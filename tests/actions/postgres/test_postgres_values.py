from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from database import Database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noetl.errors import ErrorKind

UUID = "0b0e7c1e-2f7c-4f39-8b0f-6d5f3c0f1a11"


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        pytest.param("bool", True, id="bool"),
        pytest.param("int2", -32768, id="int2"),
        pytest.param("int4", 2147483647, id="int4"),
        pytest.param("int8", 9007199254740993, id="int8 beyond 2^53"),
        pytest.param("int8", -9223372036854775808, id="the least int8"),
        pytest.param("oid", 4294967295, id="oid"),
        pytest.param("float4", 1.5, id="float4"),
        pytest.param("float8", 0.1, id="float8"),
        pytest.param("float8", "NaN", id="float8 NaN"),
        pytest.param("float8", "-Infinity", id="float8 infinity"),
        pytest.param("numeric", "1.10", id="numeric keeps its scale"),
        pytest.param("numeric", "123456789012345678901234567890.123456789", id="a long numeric"),
        pytest.param("numeric", "NaN", id="numeric NaN"),
        pytest.param("text", "äöü 'quoted' \\ \n\t ☃ 😀", id="text"),
        pytest.param("varchar(3)", "abc", id="varchar"),
        pytest.param("char(3)", "ab ", id="char"),
        pytest.param('"char"', "x", id="one-byte char"),
        pytest.param("uuid", UUID, id="uuid"),
        pytest.param("bytea", base64.b64encode(bytes(range(256))).decode(), id="bytea"),
        pytest.param("date", "2026-01-31", id="date"),
        pytest.param("date", "infinity", id="date infinity"),
        pytest.param("date", "0044-03-15 BC", id="date BC"),
        pytest.param("date", "12345-06-07", id="date beyond 9999"),
        pytest.param("time", "10:20:30", id="time"),
        pytest.param("time", "24:00:00", id="midnight at the end"),
        pytest.param("time", "10:20:30.000123", id="time with microseconds"),
        pytest.param("timetz", "10:20:30+02:00", id="timetz"),
        pytest.param("timetz", "10:20:30-03:30", id="timetz west"),
        pytest.param("timestamp", "2026-01-31T10:20:30", id="timestamp"),
        pytest.param("timestamp", "-infinity", id="timestamp infinity"),
        pytest.param("timestamp", "0001-01-01T00:00:00 BC", id="timestamp BC"),
        pytest.param("timestamptz", "2026-01-31T10:20:30.123456+00:00", id="timestamptz"),
        pytest.param("interval", "P1Y2M3DT4H5M6.5S", id="interval"),
        pytest.param("interval", "P-1M1DT-2S", id="interval of mixed signs"),
        pytest.param("interval", "PT0S", id="no interval"),
        pytest.param("interval", "infinity", id="interval infinity"),
        pytest.param("inet", "192.168.0.1", id="inet"),
        pytest.param("inet", "192.168.0.1/24", id="inet with a mask"),
        pytest.param("cidr", "2001:db8::/32", id="cidr"),
        pytest.param("macaddr", "08:00:2b:01:02:03", id="macaddr"),
        pytest.param("point", "(1,2)", id="point"),
        pytest.param("polygon", "((0,0),(1,1),(1,0))", id="polygon"),
        pytest.param("bit(3)", "101", id="bit"),
        pytest.param("money", "$12.34", id="money"),
        pytest.param("tsvector", "'a':1 'b':2", id="tsvector"),
        pytest.param("pg_lsn", "16/B374D848", id="lsn"),
        pytest.param("int4range", "[1,5)", id="range"),
        pytest.param("int4range", "empty", id="an empty range"),
        pytest.param("daterange", "[2026-01-01,)", id="an open range"),
        pytest.param("tstzrange", "[2026-01-01T00:00:00+00:00,2026-02-01T00:00:00+00:00)", id="range of times"),
        pytest.param("int4multirange", ["[1,3)", "[5,8)"], id="multirange"),
        pytest.param("json", {"a": [1, None, {"b": "x"}], "c": 1.5, "d": True}, id="json"),
        pytest.param("jsonb", {"a": [1, None, {"b": "x"}], "c": 1.5, "d": True}, id="jsonb"),
        pytest.param("jsonb", [1, [2]], id="a list as jsonb"),
        pytest.param("jsonb", 5, id="a number as jsonb"),
        pytest.param("int[]", [1, None, 3], id="array"),
        pytest.param("int[]", [], id="an empty array"),
        pytest.param("int[]", [[1, 2], [3, 4]], id="array of two dimensions"),
        pytest.param("text[]", ["a", 'b"c', "d,e", "{}", "", None], id="array of texts"),
        pytest.param("numeric[]", ["1.10", "2"], id="array of numerics"),
        pytest.param("timestamptz[]", ["2026-01-31T10:20:30+00:00"], id="array of times"),
        pytest.param("jsonb[]", [{"a": 1}, [1, 2], None], id="array of jsonb"),
        pytest.param("bytea[]", ["aGVsbG8="], id="array of bytes"),
        pytest.param("mood", "happy", id="enum"),
        pytest.param("mood[]", ["happy", None, "sad"], id="array of enums"),
        pytest.param("natural_number", 5, id="domain"),
        pytest.param("pair", {"name": "a", "at": "2026-01-31T10:20:30+00:00", "tags": ["x"]}, id="composite"),
        pytest.param("pair[]", [{"name": "a", "at": None, "tags": None}], id="array of composites"),
    ],
)
def test_a_value_comes_back_as_it_went(database: Database, type_: str, value: Any) -> None:
    database.script(
        "CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN natural_number AS int CHECK (VALUE > 0);"
        "CREATE TYPE pair AS (name text, at timestamptz, tags text[])"
    )
    assert database.value(f"SELECT $1::{type_}", value) == value
    assert database.value(f"SELECT $1::{type_}", None) is None


@pytest.mark.parametrize(
    ("type_", "value", "data"),
    [
        pytest.param("int4", "5", 5, id="a text for an integer"),
        pytest.param("int4", 5.0, 5, id="a whole float for an integer"),
        pytest.param("int4", " -7 ", -7, id="blanks around an integer"),
        pytest.param("numeric", 0.1, "0.1", id="a float for a numeric"),
        pytest.param("numeric", 10**20, "100000000000000000000", id="a long integer for a numeric"),
        pytest.param("float8", "1e3", 1000.0, id="a text for a float"),
        pytest.param("bool", "yes", True, id="a word for a bool"),
        pytest.param("bool", 0, False, id="a number for a bool"),
        pytest.param("text", 5, "5", id="a number for a text"),
        pytest.param("text", True, "true", id="a bool for a text"),
        pytest.param("text", {"a": [1, "x"]}, '{"a":[1,"x"]}', id="a mapping for a text"),
        pytest.param("jsonb", '{"a": 1}', {"a": 1}, id="JSON text for jsonb"),
        pytest.param("jsonb", '"a"', "a", id="a JSON string for jsonb"),
        pytest.param("json", False, False, id="a bool for json"),
        pytest.param("uuid", UUID.upper(), UUID, id="a UUID in capitals"),
        pytest.param("bytea", "aGVs\nbG8=", "aGVsbG8=", id="base64 in lines"),
        pytest.param("date", "epoch", "1970-01-01", id="a word for a date"),
        pytest.param("date", "2026-01-31T10:00:00Z", "2026-01-31", id="a timestamp for a date"),
        pytest.param("timestamp", "2026-01-31", "2026-01-31T00:00:00", id="a date for a timestamp"),
        pytest.param("timestamp", "2026-01-31 10:20", "2026-01-31T10:20:00", id="a blank in a timestamp"),
        pytest.param("timestamptz", "2026-01-31T10:20:30+02", "2026-01-31T08:20:30+00:00", id="another offset"),
        pytest.param("timestamptz", "2026-01-31T10:20:30Z", "2026-01-31T10:20:30+00:00", id="Z"),
        pytest.param("timestamptz", "2026-01-31 10:20 Asia/Tokyo", "2026-01-31T01:20:00+00:00", id="a named zone"),
        pytest.param("time", "10:20 PM", "22:20:00", id="an English time"),
        pytest.param("interval", "1 day 2 hours", "P1DT2H", id="an English interval"),
        pytest.param("interval", 90, "PT1M30S", id="seconds for an interval"),
        pytest.param("interval", "PT0.000001S", "PT0.000001S", id="a microsecond"),
        pytest.param("int[]", "{1,2}", [1, 2], id="the text of an array"),
        pytest.param("int[]", ["1", 2.0], [1, 2], id="texts in an array"),
        pytest.param("date[]", ["epoch", "2026-01-31"], ["1970-01-01", "2026-01-31"], id="words in an array"),
        pytest.param("pair", {"name": "a"}, {"name": "a", "n": None}, id="a composite with a part missing"),
        pytest.param("pair", "(a,5)", {"name": "a", "n": 5}, id="the text of a composite"),
    ],
)
def test_a_parameter_may_be_what_the_type_understands(database: Database, type_: str, value: Any, data: Any) -> None:
    database.script("CREATE TYPE pair AS (name text, n int)")
    assert database.value(f"SELECT $1::{type_}", value) == data


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        pytest.param("int4", "five", "must be an integer, got 'five'", id="a word for an integer"),
        pytest.param("int4", 5.5, "must be an integer, got 5.5", id="a fraction for an integer"),
        pytest.param("int4", True, "must be an integer, got true", id="a bool for an integer"),
        pytest.param(
            "int4",
            [1],
            "must be an integer, got a list of 1 item; a list goes into '= ANY(:wrong)', not into 'IN'",
            id="a list for an integer",
        ),
        pytest.param("int2", 40000, "must be an integer of 16 bits, got 40000", id="too large an integer"),
        pytest.param("numeric", "1,5", "must be a number, got '1,5'", id="a comma in a number"),
        pytest.param("float8", {}, "must be a number, got a mapping of no keys", id="a mapping for a float"),
        pytest.param("bool", "maybe", "must be true or false, got 'maybe'", id="a word for a bool"),
        pytest.param("uuid", "xyz", "must be a UUID as text, got 'xyz'", id="no UUID"),
        pytest.param("uuid", 5, "must be a UUID as text, got 5", id="a number for a UUID"),
        pytest.param("bytea", "?", "must be base64 text (the filter 'b64encode' makes it), got '?'", id="no base64"),
        pytest.param("date", 20260131, "must be a date as text, such as '2026-01-31', got 20260131", id="a number"),
        pytest.param(
            "date", "2026-02-31", 'is no date: date/time field value out of range: "2026-02-31"', id="no such day"
        ),
        pytest.param(
            "timestamptz",
            "soon",
            'is no timestamptz: invalid input syntax for type timestamp with time zone: "soon"',
            id="no time",
        ),
        pytest.param(
            "interval", "long", 'is no interval: invalid input syntax for type interval: "long"', id="no span"
        ),
        pytest.param("inet", "a.b", 'is no inet: invalid input syntax for type inet: "a.b"', id="no address"),
        pytest.param(
            "jsonb", "hello", "must be a value, or JSON text (the filter 'json' makes it), got 'hello'", id="no JSON"
        ),
        pytest.param("int[]", 5, "must be a list, got 5", id="a number for an array"),
        pytest.param("int[]", [1, "x"], "must be an integer, got a list of 2 items", id="a word in an array"),
        pytest.param("text", "a\0b", "must be a text without the NUL character", id="NUL"),
        pytest.param("mood", "angry", 'invalid input value for enum mood: "angry"', id="no such label"),
        pytest.param("pair", "(1", "is no pair: malformed record literal", id="half a composite"),
        pytest.param("text", "x" * 100, None, id="a long text is fine"),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(
    database: Database, type_: str, value: Any, message: str | None
) -> None:
    database.script("CREATE TYPE mood AS ENUM ('happy'); CREATE TYPE pair AS (name text, n int)")
    options = {"query": f"SELECT 1, :wrong::{type_}", "params": {"wrong": value}}
    if message is None:
        database.run(**options)
        return
    error = database.fail(**options)
    assert (error.kind, error.code) == (ErrorKind.PERMANENT, "bad_parameter")
    assert error.message.startswith("parameter ':wrong'")
    assert message in error.message


@pytest.mark.parametrize(
    ("sql", "data"),
    [
        pytest.param("'12345678901234567890123'::jsonb", "12345678901234567890123", id="an integer beyond 64 bits"),
        pytest.param(
            "'{\"a\": [9223372036854775807, 9223372036854775808]}'::json",
            {"a": [9223372036854775807, "9223372036854775808"]},
            id="one inside JSON",
        ),
        pytest.param("""'"\\ud800"'::json""", '"\\ud800"', id="half a surrogate pair"),
        pytest.param("ROW(1, 'a', NULL)", [1, "a", None], id="an anonymous row"),
        pytest.param("'[2:3]={1,2}'::int[]", [1, 2], id="an array with other bounds"),
        pytest.param("'{a,\"b c\"}'::name[]", ["a", "b c"], id="names"),
        pytest.param("current_date - current_date", 0, id="a difference of dates"),
        pytest.param("'(\"a b\",c]'::text_range", '("a b",c]', id="a range that needs quotes"),
        pytest.param("NULL", None, id="null"),
        pytest.param("''", "", id="an empty text"),
        pytest.param("'f'::regclass::text", "f", id="regclass"),
    ],
)
def test_what_postgres_knows_comes_as_json(database: Database, sql: str, data: Any) -> None:
    database.script("CREATE TABLE f (); CREATE TYPE text_range AS RANGE (subtype = text)")
    assert database.value(f"SELECT {sql}") == data


def test_times_are_in_utc_whatever_the_zone_of_the_session(database: Database) -> None:
    sql = "SELECT timestamptz '2026-01-31 10:00+00' AS at, current_setting('TimeZone') AS zone"
    outcome = database.run(queries=["SET LOCAL TimeZone = 'Asia/Tokyo'", sql])
    assert outcome.data == [{"at": "2026-01-31T10:00:00+00:00", "zone": "Asia/Tokyo"}]


def test_a_time_without_an_offset_is_in_the_zone_of_the_session(database: Database) -> None:
    query = {"query": "SELECT $1::timestamptz AS at", "params": ["2026-01-31T10:00:00"]}
    outcome = database.run(queries=["SET LOCAL TimeZone = 'Asia/Tokyo'", query])
    assert outcome.data == [{"at": "2026-01-31T01:00:00+00:00"}]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
CASES = st.one_of(
    st.tuples(st.just("int8"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("float8"), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just("numeric"), st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: format(d, "f"))),
    st.tuples(st.just("text"), TEXT),
    st.tuples(st.just("text[]"), st.lists(st.none() | TEXT, max_size=5)),
    st.tuples(st.just("jsonb"), JSON.filter(lambda value: value is not None and not isinstance(value, str))),
    st.tuples(st.just("bytea"), st.binary().map(lambda data: base64.b64encode(data).decode())),
    st.tuples(st.just("date"), st.dates().map(date.isoformat)),
    st.tuples(st.just("time"), st.times().map(time.isoformat)),
    st.tuples(st.just("timestamp"), st.datetimes().map(datetime.isoformat)),
    st.tuples(
        st.just("timestamptz"),
        st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat),
    ),
    st.tuples(st.just("uuid"), st.uuids().map(str)),
)


@pytest.fixture
def loop(database: Database) -> Iterator[asyncio.Runner]:
    """A loop in which actions share their connection, as they do in a run."""
    with asyncio.Runner() as runner:
        yield runner
        runner.run(database.stage.close())


def test_any_value_comes_back_as_it_went(database: Database, loop: asyncio.Runner) -> None:
    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(CASES)
    def check(case: tuple[str, Any]) -> None:
        type_, value = case
        outcome = loop.run(database.perform(query=f"SELECT $1::{type_}", params=[value], fetch="value"))
        if type_ == "numeric":
            assert Decimal(outcome.data) == Decimal(value)
        else:
            assert outcome.data == value

    check()


def test_a_time_with_any_offset_is_the_same_moment(database: Database, loop: asyncio.Runner) -> None:
    @settings(max_examples=50, deadline=None)
    @given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES))
    def check(moment: datetime) -> None:
        outcome = loop.run(database.perform(query="SELECT $1::timestamptz", params=[moment.isoformat()], fetch="value"))
        assert datetime.fromisoformat(outcome.data) == moment

    check()
