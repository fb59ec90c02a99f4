"""JSON values, and the masking of secrets in them."""

from __future__ import annotations

import array
import base64
import collections
import dataclasses
import enum
import ipaddress
import json
import pathlib
import shlex
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from noetl.values import Masker, to_json


class Point(msgspec.Struct):
    x: int
    at: tuple[int, ...] = ()


@dataclasses.dataclass
class Place:
    name: object


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(Decimal("1.10"), "1.10", id="decimals are text"),
        pytest.param(2**63 - 1, 2**63 - 1, id="the largest integer"),
        pytest.param(2**63, "9223372036854775808", id="an integer beyond 64 bits"),
        pytest.param(-(2**63), -(2**63), id="the smallest integer"),
        pytest.param(-(2**63) - 1, "-9223372036854775809", id="an integer below 64 bits"),
        pytest.param(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02T03:04:05.000006Z", id="a time in UTC"),
        pytest.param(datetime(2026, 1, 2), "2026-01-02T00:00:00", id="a time without a zone"),
        pytest.param(
            datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-02T00:00:00+02:00",
            id="a time in a zone",
        ),
        pytest.param(date(2026, 1, 2), "2026-01-02", id="a date"),
        pytest.param(time(1, 2, 3), "01:02:03", id="a time of day"),
        pytest.param(timedelta(days=1, seconds=5.5), "P1DT5.5S", id="a span of time"),
        pytest.param(b"\x00ab", "AGFi", id="bytes"),
        pytest.param(bytearray(b"ab"), "YWI=", id="a byte array"),
        pytest.param(memoryview(b"ab"), "YWI=", id="a view of bytes"),
        pytest.param(uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005", id="a UUID"),
        pytest.param(pathlib.PurePosixPath("/a/b"), "/a/b", id="a path"),
        pytest.param(ipaddress.ip_address("10.0.0.1"), "10.0.0.1", id="an address"),
        pytest.param((1, (2,)), [1, [2]], id="tuples"),
        pytest.param({3, 1, 2}, [1, 2, 3], id="a set, in order"),
        pytest.param(frozenset({"b", "a", 1}), [1, "a", "b"], id="a mixed set, in order"),
        pytest.param(range(3), [0, 1, 2], id="a range"),
        pytest.param({1: 1, None: 2, 1.5: 4}, {"1": 1, "null": 2, "1.5": 4}, id="keys are text"),
        pytest.param({True: 3}, {"true": 3}, id="a boolean as key"),
        pytest.param({uuid.UUID(int=5): 1}, {"00000000-0000-0000-0000-000000000005": 1}, id="a UUID as key"),
        pytest.param(collections.OrderedDict(a=(1,)), {"a": [1]}, id="another mapping"),
        pytest.param(collections.UserDict(a=1), {"a": 1}, id="what is like a mapping"),
        pytest.param({"a": 1}.keys(), ["a"], id="a view"),
        pytest.param(Point(1, (2,)), {"x": 1, "at": [2]}, id="a struct"),
        pytest.param(Place(Point(1)), {"name": {"x": 1, "at": []}}, id="a dataclass"),
        pytest.param(Colour.RED, "red", id="an enumeration of text"),
        pytest.param(Level.HIGH, 3, id="an enumeration of numbers"),
        pytest.param(Word("a"), "a", id="a kind of text"),
        pytest.param(array.array("i", [1, 2]), [1, 2], id="an array"),
        pytest.param(float("nan"), "NaN", id="not a number"),
        pytest.param([float("inf"), -float("inf")], ["Infinity", "-Infinity"], id="infinities"),
        pytest.param("a\ud800b", "a\ufffdb", id="a lone surrogate"),
    ],
)
def test_a_python_value_becomes_json_data(value: object, expected: object) -> None:
    found = to_json(value)
    assert found == expected
    assert json.loads(json.dumps(found)) == expected
    assert msgspec.json.decode(msgspec.json.encode(found)) == expected


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        pytest.param(object(), "a value of type 'object' cannot be turned into JSON data", id="an object"),
        pytest.param(
            {"rows": [1, {"x": object()}]},
            "a value of type 'object' at 'rows[1].x' cannot be turned into JSON data",
            id="an object inside",
        ),
        pytest.param([print], "a value of type 'builtin_function_or_method' at '[0]' cannot", id="a function"),
        pytest.param(Place, "a value of type 'type' cannot be turned into JSON data", id="a class"),
        pytest.param({(1, 2): 3}, "a mapping key of type 'tuple' cannot be turned into JSON data", id="a key"),
        pytest.param({"a": 10**5000}, "a whole number of that many digits at 'a' cannot", id="a huge number"),
    ],
)
def test_what_is_not_data_is_named_with_its_place(value: object, sentence: str) -> None:
    with pytest.raises(TypeError) as raised:
        to_json(value)
    assert str(raised.value).startswith(sentence)


def test_what_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(TypeError, match="nested too deeply"):
        to_json(endless)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_json_data_is_given_back_as_the_same_object(data: Any) -> None:
    assert to_json(data) is data


@given(JSON)
def test_values_are_never_changed(data: Any) -> None:
    before = json.dumps(data)
    to_json([data, (1,), {"k": {1}}])
    assert json.dumps(data) == before


SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=24).filter(
    lambda text: len(text.strip()) > 3
)


def _encoded(secret: str, before: str, after: str) -> dict[str, str]:
    """A text with the secret in each encoding that is masked."""
    around = f"{before}{secret}{after}"
    return {
        "plain": around,
        "json": json.dumps(around),
        "json unicode": json.dumps(around, ensure_ascii=False),
        "python": repr(around),
        "url": quote(around, safe=""),
        "url path": quote(around),
        "form": quote_plus(around),
        "url lower": quote(around, safe="").lower() if secret.islower() or not secret.isalpha() else "",
        "shell": shlex.quote(secret),
        "base64": base64.b64encode(around.encode()).decode(),
        "base64 url": base64.urlsafe_b64encode(around.encode()).decode(),
    }


@given(SECRETS, st.text("abcXYZ019 /.", max_size=5), st.text("abcXYZ019 /.", max_size=5))
def test_a_secret_survives_in_no_encoding(secret: str, before: str, after: str) -> None:
    masker = Masker([secret])
    for name, text in _encoded(secret, before, after).items():
        if name in ("url lower", ""):
            continue
        masked = masker.text(text)
        if text:
            assert "***" in masked, name
        if secret not in "***":
            assert secret not in masked.replace("***", "\0"), name


@given(SECRETS, st.integers(0, 2), JSON)
def test_data_is_masked_in_values_and_keys(secret: str, shape: int, data: Any) -> None:
    assume("*" not in secret)
    holder = [{"k": [data, secret]}, {f"x{secret}": data}, [(secret,), {"a": {"b": f"<{secret}>"}}]][shape]
    masked = Masker([secret]).mask(holder)
    assert secret not in json.loads(json.dumps({"all": _strings(masked)}))["all"]
    assert any("***" in text for text in _strings(masked))


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for text in _strings(item)]
    return [text for item in value for text in _strings(item)] if isinstance(value, (list, tuple)) else []


@given(JSON)
def test_data_without_secrets_is_given_back_as_the_same_object(data: Any) -> None:
    assume("://" not in json.dumps(data))
    assert Masker(["a secret nobody writes"]).mask(data) is data
    assert Masker().mask(data) is data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://me:hunter2@db/x", "postgres://me:***@db/x"),
        ("postgres://me:p@ss@db/x", "postgres://me:***@db/x"),
        ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
        ("a https://u:pw@h and amqp://u2:pw2@h2.", "a https://u:***@h and amqp://u2:***@h2."),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
        ("http://host/?q=a:b@c", "http://host/?q=a:b@c"),
        ("https://token@host/x", "https://token@host/x"),
        ("mail me@host.org: see http://host", "mail me@host.org: see http://host"),
        ("postgres://me:***@db", "postgres://me:***@db"),
    ],
)
def test_passwords_in_urls_are_masked_without_secrets(text: str, expected: str) -> None:
    assert Masker().text(text) == expected
    assert Masker().mask({"dsn": [text]}) == {"dsn": [expected]}


@pytest.mark.parametrize(
    ("secrets", "text", "expected"),
    [
        pytest.param(["abcd", "abcdef"], "xabcdefx abcd", "x***x ***", id="the longest first"),
        pytest.param(["abcdef", "defghi"], "xabcdefghix", "x***x", id="overlapping secrets"),
        pytest.param(["aaaa"], "aaaaaabaaab", "***baaab", id="a secret that overlaps itself"),
        pytest.param(["tokentoken"], "tokentokentokentoken", "***", id="a secret twice"),
        pytest.param(["line one\nline two\n}\n"], "> line two <, }", "> *** <, }", id="lines of a secret"),
        pytest.param(["line one\nline two\n}\n"], "line one\nline two\n}", "***", id="all lines of a secret"),
        pytest.param(["it's me"], "echo 'it'\"'\"'s me'", "echo '***'", id="a quote in the shell"),
        pytest.param(["pa$$word"], 'echo "pa\\$\\$word"', 'echo "***"', id="a dollar in the shell"),
        pytest.param(["a/b+c=="], "q=a%2fb%2bc%3d%3d", "q=***", id="small hexadecimal digits"),
        pytest.param(["user:secret"], "Basic dXNlcjpzZWNyZXQ=", "Basic ***=", id="basic authentication"),
        pytest.param(["secret"], "Basic dXNlcjpzZWNyZXR0YWls", "Basic dXNlcj***0YWls", id="in the middle of base64"),
        pytest.param(["", "  \n"], "a  \n b", "a  \n b", id="blank secrets mask nothing"),
    ],
)
def test_secrets_are_masked_in_text(secrets: list[str], text: str, expected: str) -> None:
    assert Masker(secrets).text(text) == expected


def test_keys_that_held_secrets_stay_apart() -> None:
    masked = Masker(["secret1", "secret2"]).mask({"secret1": 1, "secret2": 2, "c": 3})
    assert sorted(masked.values()) == [1, 2, 3]
    assert not any("secret" in key for key in masked)


def test_a_number_that_is_a_secret_is_masked() -> None:
    assert Masker(["12345678"]).mask({"pin": 12345678, "other": 1234567}) == {"pin": "***", "other": 1234567}
    assert Masker(["12345678"]).mask(12345678) == "***"


def test_data_that_is_not_json_is_masked_too() -> None:
    assert Masker(["secret"]).mask({"a": object, "b": ("secret",)}) == {"a": object, "b": ("***",)}
