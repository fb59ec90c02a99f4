from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noetl.actions.postgres.glance import glance


@pytest.mark.parametrize(
    ("sql", "seen"),
    [
        pytest.param("SELECT 1", ["SELECT"], id="no table"),
        pytest.param("select * from orders o where id = $1", ["SELECT from orders"], id="select"),
        pytest.param(
            "SELECT a FROM orders AS o, shop.customers c LEFT JOIN regions USING (id) WHERE o.a IN (1, b)",
            ["SELECT from orders, shop.customers, regions"],
            id="list and join",
        ),
        pytest.param('SELECT * FROM "My Orders", "S"."T"', ['SELECT from "My Orders", "S"."T"'], id="quoted names"),
        pytest.param("SELECT * FROM (a JOIN b ON true), (SELECT * FROM c) s", ["SELECT from a, b, c"], id="brackets"),
        pytest.param("SELECT * FROM generate_series(1, 3) g, unnest($1) u", ["SELECT"], id="functions"),
        pytest.param("SELECT * FROM a, LATERAL (SELECT * FROM b) x", ["SELECT from a, b"], id="lateral"),
        pytest.param("(SELECT * FROM a) UNION ALL SELECT * FROM ONLY b", ["SELECT from a, b"], id="union"),
        pytest.param(
            "SELECT extract(epoch FROM at), substring(s FROM 2), trim(both FROM s) FROM a WHERE b IS DISTINCT FROM c",
            ["SELECT from a"],
            id="from that is no clause",
        ),
        pytest.param("SELECT * FROM a FOR UPDATE OF a", ["SELECT from a"], id="for update"),
        pytest.param("SELECT * INTO TEMP backup FROM a", ["SELECT, writes backup, reads a"], id="select into"),
        pytest.param("TABLE a", ["TABLE a"], id="table"),
        pytest.param("VALUES (1), (2)", ["VALUES"], id="values"),
        pytest.param(
            "INSERT INTO a (x) SELECT x FROM b ON CONFLICT (x) DO UPDATE SET x = 1 RETURNING *",
            ["INSERT into a, reads b"],
            id="insert",
        ),
        pytest.param("UPDATE ONLY a SET x = 1 FROM b WHERE a.id = b.id", ["UPDATE a, reads b"], id="update"),
        pytest.param("DELETE FROM a USING b, c WHERE true", ["DELETE from a, reads b, c"], id="delete"),
        pytest.param(
            "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET x = 1 WHEN NOT MATCHED THEN INSERT VALUES (1)",
            ["MERGE into a, reads b"],
            id="merge",
        ),
        pytest.param(
            "WITH gone AS (DELETE FROM a RETURNING *), n(x) AS (SELECT 1) INSERT INTO b SELECT * FROM gone, n",
            ["INSERT into a, b"],
            id="with that writes",
        ),
        pytest.param(
            "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t, real) SELECT * FROM t",
            ["SELECT from real"],
            id="recursive",
        ),
        pytest.param("CREATE TABLE IF NOT EXISTS a (id int REFERENCES b(id))", ["CREATE TABLE a"], id="create table"),
        pytest.param("CREATE TEMP TABLE a AS SELECT * FROM b", ["CREATE TABLE a, reads b"], id="create table as"),
        pytest.param("CREATE UNIQUE INDEX CONCURRENTLY i ON shop.a (x)", ["CREATE INDEX on shop.a"], id="index"),
        pytest.param(
            "CREATE OR REPLACE VIEW v AS SELECT * FROM a JOIN b ON true", ["CREATE VIEW v, reads a, b"], id="view"
        ),
        pytest.param(
            "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1 FROM a $$ LANGUAGE sql", ["CREATE FUNCTION"], id="function"
        ),
        pytest.param("DROP TABLE IF EXISTS a, shop.b CASCADE", ["DROP TABLE a, shop.b"], id="drop"),
        pytest.param("ALTER TABLE IF EXISTS ONLY a ADD COLUMN x int", ["ALTER TABLE a"], id="alter"),
        pytest.param("TRUNCATE TABLE a, b; VACUUM (FULL) c", ["TRUNCATE a, b", "VACUUM c"], id="two statements"),
        pytest.param(
            "COPY a FROM '/x'; COPY b (x) TO '/y'; COPY (SELECT * FROM c) TO '/z'",
            ["COPY into a", "COPY from b", "COPY from c"],
            id="copy",
        ),
        pytest.param("BEGIN; SET x = 1; COMMIT;", ["BEGIN", "SET", "COMMIT"], id="no tables at all"),
        pytest.param("GRANT SELECT ON a TO b", ["GRANT"], id="what it does not look into"),
        pytest.param("DO $$ BEGIN DELETE FROM a; END $$", ["DO"], id="block"),
        pytest.param("/* FROM x; */ SELECT 1 -- FROM y\n FROM a WHERE b = 'FROM c'", ["SELECT from a"], id="comments"),
        pytest.param(
            "SELECT * FROM <after Load, Fetch> WHERE a < b", ["SELECT from <after Load, Fetch>"], id="unknown"
        ),
        pytest.param("SELECT * FROM", ["SELECT"], id="cut off"),
        pytest.param("INSERT INTO", ["INSERT"], id="cut off before the table"),
        pytest.param(") , ( FROM", ["SQL"], id="no SQL"),
        pytest.param("SELECT * FROM a <", ["SELECT from a"], id="lone bracket"),
        pytest.param("", [], id="empty"),
        pytest.param("-- nothing\n;;", [], id="comments alone"),
    ],
)
def test_a_glance_tells_statements_and_their_tables(sql: str, seen: list[str]) -> None:
    assert [found.text for found in glance(sql)] == seen


_WORDS = (
    "select from a , ( ) with as insert into update set delete table create index on copy using . < > 'x' \"q\" ; join"
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_WORDS.split()), max_size=30))
def test_a_glance_at_any_text_comes_to_an_end(words: list[str]) -> None:
    list(glance(" ".join(words)))
