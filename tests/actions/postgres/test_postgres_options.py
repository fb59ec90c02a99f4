from __future__ import annotations

from typing import Any

import msgspec
import pytest

from noetl.actions.postgres.options import CopyFrom, CopyTo, PostgresOptions, Query


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            {},
            "needs exactly one of 'query', 'queries', 'script', 'copy_from' and 'copy_to', got none",
            id="nothing to do",
        ),
        pytest.param(
            {"query": "SELECT 1", "script": "a.sql"},
            "needs exactly one of 'query', 'queries', 'script', 'copy_from' and 'copy_to', got 'query' and 'script'",
            id="two things to do",
        ),
        pytest.param({"query": " "}, "'query' is empty", id="an empty query"),
        pytest.param({"script": ""}, "'script' is empty", id="an empty script"),
        pytest.param({"queries": []}, "'queries' must hold statements, none of them empty", id="no queries"),
        pytest.param(
            {"queries": ["SELECT 1", " "]}, "'queries' must hold statements, none of them empty", id="an empty one"
        ),
        pytest.param({"queries": [{"query": ""}]}, "'query' is empty", id="an empty one with keys"),
        pytest.param({"connection": " ", "query": "SELECT 1"}, "'connection' is empty", id="no connection"),
        pytest.param(
            {"queries": ["SELECT $1"], "params": [1]},
            "in 'queries' each statement has its own: {query: ..., params: ...}",
            id="parameters beside queries",
        ),
        pytest.param({"script": "a.sql", "params": [1]}, "a script is sent as it stands", id="parameters of a script"),
        pytest.param(
            {"copy_from": {"file": "a.csv", "table": "t"}, "params": [1]},
            "'params' goes with 'query', or with a 'copy_to' that has a 'query'",
            id="parameters of a load",
        ),
        pytest.param(
            {"script": "a.sql", "fetch": "all"},
            "'fetch' goes with 'query' or 'queries', not with 'script'",
            id="fetch of a script",
        ),
        pytest.param(
            {"query": "SELECT 1", "fetch": "one", "max_rows": 5}, "'max_rows' goes with 'fetch: all'", id="max_rows"
        ),
        pytest.param({"query": "SELECT 1", "max_rows": -1}, "`int` >= 0", id="a negative bound"),
        pytest.param({"query": "SELECT 1", "fetch": "first"}, "Invalid enum value 'first'", id="an unknown fetch"),
        pytest.param({"query": "SELECT 1", "qery": 1}, "unknown field `qery`", id="an unknown key"),
        pytest.param(
            {"copy_from": {"file": "a.data", "table": "t"}}, "say 'format: csv' or 'format: jsonl'", id="no format"
        ),
        pytest.param(
            {"copy_from": {"file": "a.csv", "table": "t", "delimiter": "||"}},
            "'delimiter' must be one ASCII character",
            id="a long delimiter",
        ),
        pytest.param(
            {"copy_from": {"file": "a.csv", "table": "t", "quote": ""}},
            "'quote' must be one ASCII character",
            id="no quote",
        ),
        pytest.param(
            {"copy_from": {"file": "a.csv", "table": "t", "encoding": "utf-99"}},
            "'utf-99' is not a known encoding",
            id="an unknown encoding",
        ),
        pytest.param(
            {"copy_from": {"file": "a.csv", "table": "t", "columns": []}}, "'columns' is empty", id="no columns"
        ),
        pytest.param({"copy_from": {"file": " ", "table": "t"}}, "'file' is empty", id="no file"),
        pytest.param({"copy_to": {"file": "a.csv"}}, "'copy_to' needs either 'query' or 'table'", id="no source"),
        pytest.param(
            {"copy_to": {"file": "a.csv", "query": "SELECT 1", "table": "t"}},
            "'copy_to' needs either 'query' or 'table'",
            id="two sources",
        ),
        pytest.param(
            {"copy_to": {"file": "a.csv", "query": "SELECT 1", "columns": ["a"]}},
            "'columns' goes with 'table'",
            id="columns of a query",
        ),
    ],
)
def test_bad_options_are_refused_with_a_reason(options: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"connection": "embedded"} | options, PostgresOptions)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("file", "format_", "delimiter"),
    [("a.csv", "csv", ","), ("a.TSV", "csv", "\t"), ("a.b/c.jsonl", "jsonl", ","), ("a.ndjson", "jsonl", ",")],
)
def test_the_ending_of_a_file_tells_its_format(file: str, format_: str, delimiter: str) -> None:
    copy = CopyFrom(file=file, table="t")
    assert (copy.file_format, copy.field_delimiter) == (format_, delimiter)


@pytest.mark.parametrize("options", [PostgresOptions, Query, CopyFrom, CopyTo])
def test_every_key_is_described(options: type[msgspec.Struct]) -> None:
    _, definitions = msgspec.json.schema_components([options])
    properties = definitions[options.__name__]["properties"]
    assert [key for key, schema in properties.items() if not schema.get("description")] == []
